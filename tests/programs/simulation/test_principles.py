"""Recognition of advice: by sense and sign, not by keywords."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.programs.challenger import WriteTask
from autodata.programs.orchestrator import AnalyzeRounds, PlanTask
from autodata.programs.simulation.phrases import (
    ADVICE,
    BRIEFINGS,
    CONCEPTS,
    GRAMMAR,
    NEUTRAL,
    OPENINGS,
)
from autodata.programs.simulation.principles import (
    HARMFUL,
    LONG,
    PRINCIPLES,
    SKILLS,
    Effect,
    combined,
    recognise,
)

PARAPHRASES = {
    "specific": (
        "The question must hinge on something that only this paper establishes.",
        "If someone can answer without reading the paper, the question is too easy.",
        "Focus on paper-specific insights rather than general facts about the field.",
        "Ensure that answering requires the document's unique contribution.",
        "Target knowledge that can only be found in this document.",
        "Questions answerable without the paper should be discarded.",
        "Require document-specific insight.",
        "Write a question whose answer depends on insights specific to the paper.",
        "The answer has to depend on a mechanism that only the document describes.",
        "It should be impossible to answer well without having read the article.",
        "Do not write questions that can be answered from general knowledge.",
    ),
    "setup_only": (
        "Don't give away the answer in the context.",
        "Ensure the context does not leak the key finding.",
        "Avoid revealing the solution.",
        "Restrict the introduction to the setting of the problem.",
        "The context must not include results or conclusions of the paper.",
        "Check that the answer can't be obtained by rephrasing the context.",
        "No part of the context may hint at the answer.",
        "Make sure the context never discloses the result.",
        "In the context, describe only the problem setting.",
        "The preamble should introduce the domain and nothing else.",
        "Strip the context of anything that hints at the conclusion.",
        "Be careful not to give the answer away before the question.",
    ),
    "reasoning": (
        "The question should require multi-step reasoning instead of simple retrieval.",
        "Ask the solver to predict what happens when a constraint is relaxed.",
        "Demand inference, not memorization.",
        "Don't test recall of facts.",
        "Require the student to weigh trade-offs and reach a decision under constraints.",
        "Pose problems in which one has to reason about consequences.",
        "The solver should have to deduce the consequence of a change.",
        "The task should test reasoning, not memory.",
        "Have the solver derive the consequences of a change in the assumptions.",
        "Questions should require several inferential steps.",
        "Prefer questions where the student must decide between competing options.",
        "Avoid questions that can be answered by simple recall.",
    ),
    "positive_rubric": (
        "All rubric items should be positive with integer weights between 1 and 7.",
        "No negative weights in the rubric.",
        "Rubric: positive criteria only, weights are small integers.",
        "Avoid negative criteria entirely.",
        "Only include positively weighted criteria.",
        "The rubric must contain positive criteria exclusively.",
        "Write the rubric with positive criteria only.",
        "Each rubric item should reward something; do not include items with negative weight.",
        "Use positive weights exclusively, as small integers.",
        "Don't deduct points for errors.",
        "Negative criteria are not allowed.",
    ),
    "strict_form": (
        "Output must be valid JSON.",
        "Adhere strictly to the required output structure.",
        "Return only the JSON object, with no text before or after it.",
        "Make sure the output exactly matches the schema.",
        "Respond in exactly the format requested.",
        "Don't add any keys that are not in the schema.",
        "Strictly follow the JSON schema.",
        "Your reply must match the required format exactly.",
        "Output exactly the requested fields, no extra commentary.",
        "Produce well-formed JSON and nothing else.",
        "Make sure that the format is exactly as specified.",
    ),
    "focused": (
        "Ask a single focused question.",
        "The task should contain one clear question only.",
        "Avoid multi-part questions.",
        "Concentrate on one specific issue per question.",
        "Do not combine multiple questions into one.",
        "Make sure there is just one question.",
        "Each task poses one narrowly focused question.",
        "Limit yourself to a single question.",
        "Ask about one thing only.",
        "Never string together multiple questions.",
        "The question must be focused on a single point.",
    ),
    "mistakes": (
        "Anticipate common misconceptions.",
        "Think about how a less capable student might go wrong.",
        "Include criteria that catch the typical mistakes of weak solvers.",
        "Predict where a weak solver is going to fail.",
        "Exploit pitfalls that a superficial reader falls into.",
        "Think about the mistakes a weaker solver would make and write criteria for them.",
        "Design the question around pitfalls that trap weak models.",
        "Consider how a superficial reader might be misled.",
        "List the likely errors of a weak student first.",
        "Foresee where an inexperienced solver would slip up.",
    ),
    "obscure": (
        "The question should be as difficult as possible.",
        "Ask about the most obscure details of the text.",
        "Make it extremely hard and esoteric.",
        "Pick an arcane fact for the question.",
        "Aim for maximum difficulty.",
        "Create the hardest question you can imagine.",
        "Make the task as challenging as you possibly can.",
        "Seek out the most arcane details.",
        "Use cryptic wording.",
        "The question should be extremely difficult, even for experts.",
        "Maximize difficulty above all else.",
    ),
    "exact_numbers": (
        "Ask for precise figures from the experiments.",
        "Require exact numerical values in the answer.",
        "The answer should state the specific percentages reported.",
        "The question should test whether the reader remembers exact numbers.",
        "Demand the exact values given in the paper's tables.",
        "Ask for specific numerical results from the paper.",
        "Questions should require recalling precise percentages.",
        "Insist on exact values.",
        "Have the solver reproduce the numbers in the table.",
        "Test the reader on the precise figures reported.",
    ),
    "generous_context": (
        "Provide as much context as possible.",
        "Give plenty of background so that the solver has everything it needs.",
        "Include the key findings in the context.",
        "Make the context long and detailed.",
        "The context should summarize the paper's results.",
        "Provide a comprehensive context including the main results.",
        "Supply extensive context so the solver lacks nothing.",
        "Write a detailed context that explains the method and its results.",
        "Give as much background as possible in the context.",
        "The context should be rich and comprehensive.",
        "Include everything relevant in the context.",
    ),
    "root_cause": (
        "Identify the root cause of the failure.",
        "First work out why the previous question failed.",
        "Determine the underlying reason for each failure.",
        "Explain why the last attempt was too easy.",
        "Analyze what caused the question to fail.",
        "State the root cause in one sentence.",
        "Figure out why the question failed before writing a new brief.",
        "Pinpoint the underlying reason the last question was rejected.",
        "Explain what made the question too easy.",
    ),
    "new_angle": (
        "Try a completely different angle.",
        "Propose a fresh direction after each failure.",
        "Don't just rephrase the earlier question.",
        "Switch to another aspect of the paper.",
        "Suggest an entirely new perspective to the writer.",
        "Each new brief should take a different angle.",
        "Never repeat a question that failed.",
        "Move to another part of the paper.",
        "Choose a fresh perspective after a failure.",
    ),
    "evidence": (
        "Examine the criterion-level results to see what discriminates.",
        "Use the per-criterion scores as evidence.",
        "Look at which rubric items the weak solver satisfied.",
        "Refer to the criteria met by the weak and by the strong reader.",
        "Ground the analysis in how often each criterion was met.",
        "Look at the criteria that the weak solver met.",
        "Cite the evidence from the rubric scores.",
        "Use the results per criterion to guide the next brief.",
        "Examine which criteria separated the two solvers.",
    ),
}
"""Other wordings than the stock's, such as a person or another model would use."""

SILENT = (
    "Don't ask for insight specific to the paper.",
    "There is no need to ask for insight specific to the document.",
    "Avoid questions that hinge on something only this paper establishes.",
    "Write a question that can be answered without reading the document.",
    "Feel free to give away the answer in the context.",
    "Reveal the finding in the context.",
    "Do not restrict the context to the set-up.",
    "Ask for recall and not for reasoning.",
    "Do not ask for reasoning.",
    "Use negative criteria as well as positive ones.",
    "Do not use only positive criteria.",
    "Do not ask a single focused question.",
    "Ask several questions at once.",
    "Do not anticipate mistakes.",
    "Don't make the question as hard as possible.",
    "The question should not be obscure.",
    "Never ask about an obscure detail.",
    "Do not require exact numerical values in the answer.",
    "Asking for exact numbers is a mistake.",
    "Questions that ask for exact numbers are too hard.",
    "If the question asks for exact numbers, rewrite it.",
    "Keep the context brief; do not provide a generous context.",
    "Avoid obscure details, trivia and exact numbers.",
    "There is no need to identify the root cause.",
    "Do not try another angle.",
    "Ignore the JSON format.",
    "You need not return valid JSON.",
    "Do not, under any circumstances, ask for insight that is specific to the document.",
    "Questions should not rely on insight specific to the document.",
    "Never keep the context to the set-up only.",
    "You do not have to ask one focused question.",
    "It is not necessary to anticipate the mistakes of a weak solver.",
    "Refrain from asking for exact figures.",
    "A very obscure detail is a bad choice.",
    "Steer clear of exact numbers.",
    "Stay away from obscure details.",
    "Instead of quoting exact numbers, describe the trend.",
    "Rather than making the question as hard as possible, keep it fair.",
    "Asking for recall is fine.",
    "Do not forget the reader.",
    "The document gives exact numbers.",
    "The weak reader made several mistakes.",
    "Nobody needs a generous context.",
    "There should be no penalty for asking several questions.",
    "The rubric has negative criteria.",
    "It is a mistake to quote exact numbers.",
    "The context is short.",
    "Skip the per-criterion evidence.",
    "specific document insight reasoning rubric positive",
    "specific, setup_only, reasoning, positive_rubric, strict_form, focused, mistakes",
    "Could a reader put the answer together from the context alone?",
    "Should I ask for insight that is specific to the document?",
)
"""Denied, asked about, conditional, reported or without a sentence."""

KEYWORDS = sorted(
    {word.strip("*") for words in CONCEPTS.values() for word in words.split()}
    - {word for words in GRAMMAR.values() for word in words.split()}
)
PIECES = [(name, text) for name, texts in ADVICE.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), PIECES)
def test_every_piece_of_the_stock_is_one_piece_of_advice(name: str, text: str) -> None:
    assert recognise(text) == {name}


def test_the_stock_covers_every_principle_and_skill() -> None:
    assert ADVICE.keys() == (PRINCIPLES.keys() | SKILLS) - {"very_long"}
    assert all(len(set(texts)) >= 5 for texts in ADVICE.values())
    assert len(set(NEUTRAL)) >= 25


@pytest.mark.parametrize("text", (*NEUTRAL, *OPENINGS, *BRIEFINGS))
def test_neutral_sentences_advise_nothing(text: str) -> None:
    assert recognise(text) == frozenset()


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in PARAPHRASES.items() for text in texts]
)
def test_paraphrases_are_recognised(name: str, text: str) -> None:
    assert recognise(text) == {name}


@pytest.mark.parametrize("text", SILENT)
def test_denied_advice_and_loose_keywords_count_for_nothing(text: str) -> None:
    assert recognise(text) == frozenset()


def test_a_negation_reaches_a_whole_list() -> None:
    text = "Do not leak the finding, quote exact numbers, or ask about obscure details."
    assert recognise(text) == {"setup_only"}


def test_a_negation_ends_with_its_clause() -> None:
    text = "Do not summarise the text, but ask for an insight that is specific to the document."
    assert recognise(text) == {"specific"}
    text = "Ask not only for facts but for an insight that is specific to the document."
    assert recognise(text) == {"specific"}


def test_two_negations_affirm() -> None:
    assert recognise("Do not forget to anticipate the mistakes of a weak solver.") == {"mistakes"}
    assert recognise("Never neglect to follow the output format strictly.") == {"strict_form"}


def test_the_shipped_prompts_give_the_advice_of_the_paper_before_its_meta_optimization() -> None:
    assert recognise(WriteTask.instructions) == {"reasoning", "new_angle"}
    assert recognise(PlanTask.instructions) == frozenset()
    assert recognise(AnalyzeRounds.instructions) == {"new_angle"}


def test_layout_does_not_hide_advice() -> None:
    pieces = [ADVICE[name][0] for name in PRINCIPLES if name in ADVICE]
    expected = frozenset(PRINCIPLES) - {"very_long"}
    assert recognise(" ".join(pieces)) == expected
    assert recognise("\n".join(f"- **{piece}**" for piece in pieces)) == expected
    assert recognise("\n".join(f"{i}. {piece}" for i, piece in enumerate(pieces, 1))) == expected
    assert recognise("\n\n".join(piece.replace(" ", "\n    ") for piece in pieces)) == expected


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    assert recognise(text) <= PRINCIPLES.keys() | SKILLS


@given(st.lists(st.sampled_from([*KEYWORDS, *PRINCIPLES]), min_size=7, max_size=120))
def test_keywords_without_sentences_count_for_nothing(words: list[str]) -> None:
    assert recognise(" ".join(words)) == frozenset()
    assert recognise(", ".join(words) + ".") == frozenset()


def test_random_words_with_small_words_between_them_count_for_almost_nothing() -> None:
    draw = random.Random(5)
    small = sorted({word for words in GRAMMAR.values() for word in words.split()})
    texts = [
        " ".join(draw.choice(draw.choice((KEYWORDS, small))) for _ in range(draw.randint(8, 60)))
        for _ in range(2000)
    ]
    assert sum(bool(recognise(text)) for text in texts) < 0.04 * len(texts)


def test_shuffled_advice_is_mostly_lost() -> None:
    draw = random.Random(6)
    kept = total = 0
    for name, text in PIECES * 20:
        words = text.rstrip(".").split()
        draw.shuffle(words)
        kept += name in recognise(" ".join(words) + ".")
        total += 1
    assert kept < 0.15 * total


def test_a_shuffled_instruction_loses_its_principles() -> None:
    draw = random.Random(7)
    kept = total = 0
    for _ in range(200):
        chosen = draw.sample(PIECES, 8)
        words = " ".join(text for _, text in chosen).split()
        draw.shuffle(words)
        kept += len(recognise(" ".join(words)))
        total += len({name for name, _ in chosen})
    assert kept < 0.05 * total


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), st.integers(2, 4))
def test_repetition_and_order_change_nothing(pieces: list[tuple[str, str]], times: int) -> None:
    once = " ".join(text for _, text in pieces)
    assert recognise(once) == {name for name, _ in pieces}
    again = " ".join(text for _, text in reversed(pieces * times))
    assert recognise(again) - {"very_long"} == recognise(once)


def test_only_length_makes_an_instruction_very_long() -> None:
    line = "Write in plain English."
    assert recognise(" ".join([line] * (LONG // 4))) == frozenset()
    assert recognise(" ".join([line] * (LONG // 4 + 1))) == {"very_long"}


def test_reading_is_fast() -> None:
    draw = random.Random(8)
    texts = [" ".join(text for _, text in draw.sample(PIECES, 25)) for _ in range(40)]
    started = time.process_time()
    for text in texts:
        recognise(text)
    assert (time.process_time() - started) / len(texts) < 0.01


def test_effects_add_up_with_their_interactions() -> None:
    assert combined({}) == Effect()
    assert combined({"specific": 1.0}) == PRINCIPLES["specific"]
    both = combined({"specific": 1.0, "setup_only": 1.0})
    assert both == pytest.approx(Effect(1.6, 0.35, 0.25, -1.7))
    half = combined({"reasoning": 1.0, "exact_numbers": 0.5})
    assert half == pytest.approx(Effect(0.7, 0.95, 0.05, 0.0, -0.2))
    assert combined({"root_cause": 1.0, "focused": 1.0}) == PRINCIPLES["focused"]


def test_advice_beyond_five_pieces_is_diluted() -> None:
    five = ("specific", "reasoning", "strict_form", "focused", "mistakes")
    plain = combined(dict.fromkeys(five, 1.0))
    assert plain.insight == pytest.approx(2.4)
    seven = combined(dict.fromkeys(five, 1.0) | {"very_long": 1.0, "obscure": 1.0})
    assert seven.insight == pytest.approx(2.4 / 1.16)
    assert combined(dict.fromkeys(five, 1.0) | {"very_long": 0.5}).insight == pytest.approx(
        2.4 / 1.04
    )


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="use names of PRINCIPLES or SKILLS"):
        combined({"typo": 1.0})


def test_harmful_principles_are_principles() -> None:
    assert PRINCIPLES.keys() > HARMFUL
    assert not SKILLS & PRINCIPLES.keys()
