"""What good means: rubric grades, gaps, gates and intervals, as pure functions."""

from .acceptance import GATES, Bound, Gate, Group, Miss, Verdict, decide, decide_without, gate
from .exact import Exact, exact
from .gap import Average, Score, average, best, gap, mean
from .rubric import Criterion, RubricRules, faults, grade
from .statistics import Interval, bootstrap_mean, paired_difference, wilson

__all__ = [
    "GATES",
    "Average",
    "Bound",
    "Criterion",
    "Exact",
    "Gate",
    "Group",
    "Interval",
    "Miss",
    "RubricRules",
    "Score",
    "Verdict",
    "average",
    "best",
    "bootstrap_mean",
    "decide",
    "decide_without",
    "exact",
    "faults",
    "gap",
    "gate",
    "grade",
    "mean",
    "paired_difference",
    "wilson",
]
