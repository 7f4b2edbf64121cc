"""DSPy's metric: an episode's score, and its rounds in words."""

from typing import Any

import dspy

from ...programs.domains.base import Describe
from ...programs.orchestrator import describe_failures
from ..feedback import feedback
from ..measurement import score

ACCEPTED = 1e-9
"""The threshold for demonstrations. DSPy takes 0 for none at all, and then takes every trace."""
WORST = -1.0
"""The score of a candidate that is not measured: the lowest gap that there is."""


class Metric:
    """The metric in the one form that every optimizer of DSPy can call.

    A program that copies documents is not run and gets the lowest score.

    Args:
        neutral: The baseline's gap, for an episode that could not be scored: it neither rewards
            nor punishes.
        describe: How the domain tells of failed rounds.
    """

    def __init__(self, neutral: float, describe: Describe = describe_failures) -> None:
        self._neutral, self._describe = neutral, describe

    def __call__(
        self,
        gold: dspy.Example,
        pred: Any,
        trace: list[Any] | None = None,
        pred_name: str | None = None,
        pred_trace: Any = None,
    ) -> dspy.Prediction:
        """Score an episode, with feedback for the predictor whose turn it is.

        A trace without a predictor means that the steps in it will be demonstrations. They are cut
        down to those that led to the accepted task; rounds that failed are no example.
        """
        if pred.refused:
            return dspy.Prediction(score=WORST, feedback=f"Not allowed: {pred.refused}")
        value = score(pred.episode)
        if trace is not None and pred_name is None:
            value = value or 0.0
            trace[:] = [step for step in trace if _led_to(step[2], pred.episode.accepted)]
        value = self._neutral if value is None else value
        told = feedback(pred.episode, pred_name, self._describe)
        return dspy.Prediction(score=value, feedback=told)


def _led_to(said: Any, accepted: Any) -> bool:
    if accepted is None:
        return False
    if "task" in said:
        return said["task"] == accepted.task.model_dump(mode="json")
    return said["brief"] == accepted.brief
