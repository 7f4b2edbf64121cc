"""What the user must fix, as opposed to a bug of ours."""

__all__ = ["InputError"]


class InputError(ValueError):
    """A value that the user gave and must change.

    The message is one line: the value, the rule it breaks, the remedy. The CLI prints it without a
    traceback and exits with 2.
    """
