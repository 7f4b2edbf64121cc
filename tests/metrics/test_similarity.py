"""ROUGE-L as its reference has it, and pools and pairs that miss nothing."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from autodata.metrics.similarity import Pool, duplicates, rouge_l, words

REFERENCE = RougeScorer(["rougeL"], use_stemmer=False)
SENTENCES = st.lists(
    st.sampled_from(["the", "a", "cat", "dog", "sat", "on", "mat", "not", "ran"]), max_size=12
).map(" ".join)
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)


@given(st.one_of(SENTENCES, ASCII), st.one_of(SENTENCES, ASCII))
def test_rouge_l_is_that_of_the_reference_implementation(a: str, b: str) -> None:
    expected = REFERENCE.score(a, b)["rougeL"].fmeasure
    assert rouge_l(a, b) == pytest.approx(expected, abs=1e-12)


@given(st.text(max_size=60), st.text(max_size=60))
def test_rouge_l_is_symmetric_and_a_share(a: str, b: str) -> None:
    assert rouge_l(a, b) == rouge_l(b, a)
    assert 0 <= rouge_l(a, b) <= 1
    assert (rouge_l(a, b) == 1) == (words(a) == words(b) != [])


def test_a_text_without_words_is_like_none() -> None:
    assert rouge_l("", "") == rouge_l("...", "?!") == rouge_l("", "word") == 0


def test_words_of_any_script_count() -> None:
    assert rouge_l("Größe zählt", "GRÖSSE zählt nicht") == pytest.approx(2 * 2 / 5)


def test_seven_words_of_ten_are_exactly_seven_tenths() -> None:
    one = "a b c d e f g h i j"
    assert rouge_l(one, "a b c d e f g x y z") == 0.7


@given(st.lists(SENTENCES, max_size=8), SENTENCES)
def test_the_nearest_text_of_a_pool_is_the_one_with_the_highest_similarity(
    texts: list[str], text: str
) -> None:
    near = Pool(texts).nearest(text)
    best = max((rouge_l(one, text) for one in texts), default=0.0)
    assert (near.similarity if near else 0.0) == best
    if near is not None:
        assert rouge_l(near.text, text) == best


def test_a_text_that_is_added_is_found() -> None:
    pool = Pool(["one two three"])
    assert pool.nearest("four five") is None
    pool.add("four five six")
    near = pool.nearest("four five")
    assert near is not None
    assert near.text == "four five six"
    assert len(pool) == 2


@given(st.lists(SENTENCES, max_size=10), st.sampled_from([0.3, 0.5, 0.7, 2 / 3, 0.9, 1.0]))
def test_duplicates_are_all_pairs_at_or_above_the_threshold(
    texts: list[str], threshold: float
) -> None:
    expected = [
        (i, j, rouge_l(texts[i], texts[j]))
        for i, j in combinations(range(len(texts)), 2)
        if rouge_l(texts[i], texts[j]) >= threshold
    ]
    assert [tuple(pair) for pair in duplicates(texts, threshold)] == expected


def test_a_pair_exactly_on_the_threshold_is_found() -> None:
    assert duplicates(["the", "the the"], 2 / 3) == [(0, 1, 2 / 3)]
    assert duplicates(["a b c d e f g h i j", "a b c d e f g x y z"], 0.7) == [(0, 1, 0.7)]


def test_pairs_are_found_beyond_the_first_block_of_rows() -> None:
    texts = [f"text number {i} about {i * 7} and {i * 13}" for i in range(600)]
    texts[599] = texts[3]
    texts[580] = texts[300]
    assert [pair[:2] for pair in duplicates(texts, 0.99)] == [(3, 599), (300, 580)]


@pytest.mark.parametrize("threshold", [0, -1, 1.01])
def test_a_threshold_that_means_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        duplicates(["a"], threshold)
