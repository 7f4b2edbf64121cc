"""How much a run may spend, and the end of it."""


class BudgetError(RuntimeError):
    """No further request may be sent: the run's budget is used up."""
