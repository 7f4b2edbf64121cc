"""What runs in the sandboxed process itself: standard library only, and quick to start.

The guard (`guard.py`) is started by path, without the rest of the package. It sets the stage, forks
the process that runs the untrusted program (`stage.py`), and outlives it.
"""

__all__: list[str] = []
