"""What DSPy's optimizers are given to work on: the predictors that may change, and no more."""

from typing import Any

import dspy

from ...programs import Document, Episode
from ..candidate import Candidate, plain
from ..proposers.bootstrap import shown
from .bench import Bench


class Part(dspy.Module):
    """A role's predictors by name."""


# SIMBA shows its model the source of this class: speak to that model too.
class Student(dspy.Module):
    """Write an exam question from a document, such that only an able reader can answer it.

    `orchestrator.plan` briefs a writer, `challenger.write` writes a question with its answer and
    its rubric, two readers of different ability try it, and a judge grades them. If the question
    does not tell the readers apart, `orchestrator.analyze` says why and briefs the writer again.
    """

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        for name, predictor in bench.objective.program.optimizable().items():
            part, _, verb = name.rpartition(".")
            if not hasattr(self, part):
                setattr(self, part, Part())
            # A signature of its own: InferRules writes into the class.
            text = predictor.signature.instructions
            copy = dspy.Predict(predictor.signature.with_instructions(text))
            copy.demos = list(predictor.demos)
            setattr(getattr(self, part), verb, copy)

    def forward(self, document: str, sample: str) -> dspy.Prediction:
        """Turn the document into a question; `episode` tells of every round."""
        candidate = self.candidate()
        why = self.bench.refused(candidate)
        if why:
            return dspy.Prediction(episode=None, refused=why)
        episode = self.bench.episode(candidate, document, self._rolled(sample))
        self._trace(document, episode)
        return dspy.Prediction(episode=episode, refused="")

    def candidate(self) -> Candidate:
        """Read what the optimizer has made of the predictors."""
        instructions: dict[str, str] = {}
        demos: dict[str, list[dict[str, Any]]] = {}
        for name, predictor in self._predictors().items():
            instructions[name] = predictor.signature.instructions
            if predictor.demos:
                demos[name] = [plain(demo) for demo in predictor.demos]
        own = self.bench.own
        return own.model_copy(update={"instructions": instructions, "demos": demos})

    def _predictors(self) -> dict[str, Any]:
        names = self.bench.objective.program.optimizable()
        return {name: self._predictor(name) for name in names}

    def _predictor(self, name: str) -> Any:
        part, _, verb = name.rpartition(".")
        return getattr(getattr(self, part), verb)

    def _rolled(self, sample: str) -> str:
        """Name the sample. SIMBA asks for others by numbered copies of a model, here of no use."""
        lm = next(iter(self._predictors().values())).lm
        number = lm.kwargs.get("rollout_id") if lm is not None else None
        return f"{sample}-{number}" if number else sample

    def _trace(self, text: str, episode: Episode) -> None:
        """Tell DSPy what each predictor was given and said, as if it had run here."""
        trace = dspy.settings.trace
        if trace is None:
            return
        program = self.bench.objective.program
        document = Document(id=episode.document_id, text=text)
        told: list[tuple[str, dict[str, Any]]] = []
        for one in episode.rounds:
            if one.task is not None:
                told += reversed(shown(program, document, episode, one).items())
        for index, (name, values) in enumerate(told):
            if (name, values) in told[:index]:
                continue  # One brief led to several tasks.
            predictor = self._predictor(name)
            inputs = {key: values[key] for key in predictor.signature.input_fields}
            outputs = {key: values[key] for key in predictor.signature.output_fields}
            trace.append((predictor, inputs, dspy.Prediction(**outputs)))
