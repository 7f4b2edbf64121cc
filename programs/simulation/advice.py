"""How the simulated orchestrator and challenger put principles into words, and read them."""

from collections.abc import Iterable, Mapping

from .principles import PRINCIPLES, SKILLS, recognise
from .prompts import Prompt

SENTENCES: dict[str, str] = {
    "specific": "Ask for an insight that is specific to this document and that a general answer "
    "would miss.",
    "setup_only": "The context gives only the domain and the set-up; do not reveal any finding in "
    "it.",
    "reasoning": "Require reasoning and not recall: let the reader predict an outcome or decide "
    "under constraints.",
    "positive_rubric": "Use only positive criteria with small integer weights.",
    "strict_form": "Follow the output format exactly and fill in every field.",
    "focused": "Ask one single focused question.",
    "mistakes": "Anticipate the mistakes that a weak solver would make.",
    "obscure": "Make the question as hard and obscure as possible.",
    "exact_numbers": "Ask for the exact numbers of the document.",
    "generous_context": "Give generous context with all the background and findings.",
}
"""One sentence per principle that `recognise` reads as exactly that principle. There is none for
`very_long`, which is a property of a text and cannot be passed on."""

DEMONSTRATED = 0.5
"""How much a principle counts that only a demonstration shows."""


def written(principles: Iterable[str]) -> list[str]:
    """Put principles into sentences, in a fixed order."""
    chosen = set(principles)
    return [sentence for name, sentence in SENTENCES.items() if name in chosen]


def given(prompt: Prompt, inputs: Iterable[str], outputs: Iterable[str]) -> Mapping[str, float]:
    """Return everything that a prompt advises, with weights.

    Args:
        prompt: The request; its instructions count in full.
        inputs: Fields of the request that give advice; they count in full.
        outputs: Fields of the worked examples that show what was followed; they count half.
    """
    full = set(recognise(prompt.form.instructions))
    for name in inputs:
        full |= _advised(prompt.inputs.get(name, ""))
    shown: set[str] = set()
    for demo in prompt.demos:
        for name in outputs:
            shown |= _advised(demo.get(name, ""))
    return {name: 1.0 if name in full else DEMONSTRATED for name in sorted(full | shown)}


def principles(advice: Mapping[str, float]) -> dict[str, float]:
    """Return the part of some advice that is for a challenger."""
    return {name: weight for name, weight in advice.items() if name in PRINCIPLES}


def skills(advice: Mapping[str, float]) -> float:
    """Count the skills of an orchestrator in some advice."""
    return sum(weight for name, weight in advice.items() if name in SKILLS)


def _advised(text: str) -> set[str]:
    """Recognise paragraph by paragraph: of a brief that changes, most paragraphs do not."""
    found: set[str] = set()
    for paragraph in text.split("\n\n"):
        found |= recognise(paragraph)
    return found - {"very_long"}
