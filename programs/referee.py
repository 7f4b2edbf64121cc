"""The referee: has the last word on a task whose grades the gate lets pass."""

from collections.abc import Sequence

import dspy

from .records import Round
from .role import Role


class Referee(Role):
    """Leave the gate's decision as it is. Domains replace this role by one that looks closer."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("referee", lm)

    async def aforward(self, closed: Round, before: Sequence[Round]) -> dspy.Prediction:
        """Return a prediction with `review`: a `Review`, or `None` to leave the decision alone."""
        return dspy.Prediction(review=None)
