"""The legal domain's rules of code: every bound from both sides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from legal_cases import RUBRIC, criterion, error, task

from autodata.programs.domains.legal.extract import (
    HEAD,
    Extract,
    captions,
    forbidden,
    material,
    names,
)
from autodata.programs.domains.legal.overriding import PHRASES, wording
from autodata.programs.domains.legal.rules import BANDS, LegalRules

RULES = LegalRules()


def faults(**changes: object) -> list[str]:
    return RULES.faults(task(**changes))


def test_a_sound_task_has_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(("positives", "fine"), [(13, False), (14, True), (24, True), (25, False)])
def test_a_rubric_has_15_to_25_criteria(positives: int, fine: bool) -> None:
    rubric = [*(criterion(i) for i in range(positives)), error(99)]
    found = faults(rubric=rubric)
    assert (found == []) == fine
    assert all("criteria in total" in one for one in found)


def test_a_rubric_names_at_least_one_error() -> None:
    assert faults(rubric=[criterion(i) for i in range(15)]) == [
        "0 negative: at least 1 are needed; add 1."
    ]


@pytest.mark.parametrize("name", BANDS)
def test_a_weight_lies_in_the_band_of_its_class(name: str) -> None:
    low, high = BANDS[name]
    for weight in (*range(-10, 0), *range(1, 11)):
        changed = criterion(1, weight=weight, weight_class=name)
        found = faults(rubric=[changed, *RUBRIC[1:]])
        assert (found == []) == (low <= weight <= high)
        assert all(f"Criterion 1 is {name} with weight {weight}" in one for one in found)


def test_a_positive_weight_of_one_is_in_no_class() -> None:
    assert not any(low <= 1 <= high for low, high in BANDS.values())
    assert "a positive weight of 1 has no class" in RULES.describe()


def test_every_criterion_tests_a_capability_that_is_named() -> None:
    other = criterion(1, capability="general diligence")
    (found,) = faults(rubric=[other, *RUBRIC[1:]])
    assert "Criterion 1 tests 'general diligence'" in found
    spelled = criterion(1, capability="  Weighing   INTERESTS ")
    assert faults(rubric=[spelled, *RUBRIC[1:]]) == []


@pytest.mark.parametrize(("length", "fine"), [(999, True), (1000, True), (1001, False)])
def test_a_question_has_at_most_1000_characters(length: int, fine: bool) -> None:
    found = wording("a" * length)
    assert (found == []) == fine
    assert all(f"{length} characters: at most 1000" in one for one in found)


@pytest.mark.parametrize("phrase", PHRASES)
def test_no_question_sounds_like_a_report_or_an_instruction(phrase: str) -> None:
    for said in (phrase, phrase.upper(), phrase.replace(" ", "\n  ")):
        (found,) = wording(f"My landlord wrote: {said} Holm, and I did not know what to say.")
        assert repr(phrase) in found
    # Within longer words it is something else.
    assert wording(f"My landlord wrote x{phrase}y and I did not know what to say.") == []
    assert wording(f"My landlord wrote {phrase}-ish things.") == []


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("in 1799", True),
        ("in 1800", False),
        ("in 1899", False),
        ("in 1900", False),
        ("in 1939", False),
        ("in 1940", True),
        ("(1850)", False),
        ("since the 1890s", False),
        ("in 1920, when", False),
        ("in 1920.", False),
        ("for $1850", True),
        ("for 1850.00 crowns", True),
        ("for 1,850 crowns", True),
        ("for 21,850 crowns", True),
        ("order 118501", True),
        ("room A1850", True),
    ],
)
def test_no_question_goes_back_before_1940(text: str, fine: bool) -> None:
    assert (wording(f"My house was built {text} and I paid for it.") == []) == fine


@given(st.text(max_size=1500))
def test_any_text_gives_a_list_of_wording(text: str) -> None:
    found = wording(text)
    assert all(isinstance(one, str) for one in found)
    assert any("characters" in one for one in found) == (len(text) > 1000)


CAPTIONED = (
    "# Harrow v. Tellmark Foods Ltd.\n\nMr Harrow bought foods from the mill at River Bend. "
    "In re Estate of Quillan was cited. So was Mills v. State."
)


def test_the_names_of_a_document_are_its_parties_and_the_words_that_are_theirs() -> None:
    found = names(CAPTIONED)
    assert {"Harrow", "Tellmark", "Tellmark Foods", "Quillan"} <= set(found)
    # Plain words of the document and generic ones stand for nobody.
    assert not {"Foods", "Mills", "State", "Estate", "River"} & set(found)
    assert captions(CAPTIONED)[0] == "Harrow v. Tellmark Foods Ltd"


def test_the_parties_of_a_contract_are_found_where_it_begins() -> None:
    text = "This Agreement is made between Osprey Cold Storage Ltd. (the Keeper) and Dunmore Fish."
    assert {"Osprey Cold Storage", "Dunmore Fish"} <= set(names(text))
    assert names("The lease ran between March and April. " * 30) == ()


@given(st.text(max_size=400))
def test_any_document_has_names_that_the_material_gives_back(text: str) -> None:
    extract = Extract.model_validate(
        {
            "suitable": True,
            "note": "",
            "document_type": "decision",
            "topics": ["a", "b", "c"],
            "issues": ["i"],
            "facts": "Facts.",
            "holdings": [{"rule": "r", "reasoning": "because"}],
        }
    )
    written = material(extract, text)
    assert written.startswith(f"{HEAD}\n")
    assert forbidden(written) == names(text)


@given(st.text(max_size=300))
def test_any_text_can_stand_where_the_material_does(text: str) -> None:
    assert isinstance(forbidden(text), tuple)
    assert isinstance(forbidden(f"{HEAD}\n{text}"), tuple)
