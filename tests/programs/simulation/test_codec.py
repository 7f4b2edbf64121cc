import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.programs.simulation.codec import Latent, decode, encode, imagine
from autodata.programs.simulation.words import keys, keys_of, listed, named, salient

LATENT = Latent(
    seed=123456,
    difficulty=0.73,
    log_a=0.15,
    leak=0.42,
    clarity=0.35,
    steer=0.62,
    criteria=13,
    insight=0b1010,
    negative=0b111,
)

latents = st.builds(
    Latent,
    seed=st.integers(0, 2**24 - 1),
    difficulty=st.floats(-4, 6),
    log_a=st.floats(-1.5, 1.5),
    leak=st.floats(0, 1),
    clarity=st.floats(-2, 2),
    steer=st.floats(-2, 3),
    criteria=st.integers(10, 16),
    insight=st.integers(0, 2**16 - 1),
    negative=st.integers(0, 2**16 - 1),
)


@given(latents)
def test_numbers_travel_in_text(latent: Latent) -> None:
    read = decode(f"What follows? (Reference setting: {encode(latent)}.)")
    assert read is not None
    assert read.seed == latent.seed
    assert read.criteria == latent.criteria
    assert (read.insight, read.negative) == (latent.insight, latent.negative)
    for name in ("difficulty", "log_a", "leak", "clarity", "steer"):
        assert getattr(read, name) == pytest.approx(getattr(latent, name), abs=0.02)


def test_code_is_short_and_readable() -> None:
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){5}", encode(LATENT))


def test_a_code_with_a_typing_error_is_no_code() -> None:
    code = encode(LATENT)
    for i in (0, 7, 20):
        wrong = code[:i] + ("7" if code[i] != "7" else "8") + code[i + 1 :]
        assert decode(f"Reference setting: {wrong}.") is None


def test_the_last_code_counts() -> None:
    first, second = encode(LATENT), encode(LATENT._replace(steer=-1.0))
    read = decode(f"Reference setting: {first}. Reference setting: {second}.")
    assert read is not None
    assert read.steer == pytest.approx(-1.0, abs=0.01)


def test_a_task_without_a_code_has_numbers_that_follow_from_its_text() -> None:
    assert decode("Why does the slurry foam?") is None
    assert imagine("Why does the slurry foam?") == imagine("Why does the slurry foam?")
    assert imagine("Why does the slurry foam?") != imagine("Why does the slurry settle?")


def test_writer_and_solver_know_the_same_phrases() -> None:
    document = "Hexanal binds lysine. Stripping frees hexanal, but lysine holds hexanal in slurry."
    terms = salient(document)
    known = keys(LATENT.seed, LATENT.criteria, terms)
    assert named(f"Some area. {listed(terms)} More.") == terms
    assert keys_of(LATENT, f"Context. {listed(terms)}\nQuestion?") == known
    assert len(set(known.phrases)) == LATENT.criteria
    assert all(3 <= len(phrase.split()) <= 6 for phrase in known.phrases)
