import json
import math
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from autodata.metrics import Exact, exact

fixed = settings(derandomize=True, database=None, deadline=None)
FORMS = re.escape('write 0.65, "65%" or "13/20"')


class Holder(BaseModel):
    number: Exact


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (Fraction(13, 20), Fraction(13, 20)),
        (0.65, Fraction(13, 20)),
        ("0.65", Fraction(13, 20)),
        ("65%", Fraction(13, 20)),
        (" 65 % ", Fraction(13, 20)),
        ("13/20", Fraction(13, 20)),
        ("-12.5%", Fraction(-1, 8)),
        (".5", Fraction(1, 2)),
        ("+1", Fraction(1)),
        ("2e-1", Fraction(1, 5)),
        (1, Fraction(1)),
        (0.1, Fraction(1, 10)),
        (1e-7, Fraction(1, 10**7)),
    ],
)
def test_a_number_is_read_as_written(written: object, meant: Fraction) -> None:
    assert exact(written) == meant
    assert Holder.model_validate({"number": written}).number == meant


@pytest.mark.parametrize(
    "written",
    [
        *(True, False, math.nan, math.inf, -math.inf, None, [0.65], 1j, b"0.65"),
        *("nan", "inf", "", "%", "13/20%", "1_000", "1/2/3", "1e999999999", "eight", "0x1"),
        "\u0661",
    ],
)
def test_anything_else_is_refused_with_the_forms_to_use(written: object) -> None:
    with pytest.raises(ValueError, match=FORMS):
        exact(written)
    with pytest.raises(ValidationError, match=FORMS):
        Holder.model_validate({"number": written})


def test_a_fraction_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="denominator must not be 0"):
        exact("1/0")


def test_a_dump_holds_the_fraction_as_text() -> None:
    holder = Holder(number=Fraction(13, 20))
    assert json.loads(holder.model_dump_json()) == {"number": "13/20"}
    assert holder.model_dump() == {"number": "13/20"}


def test_the_json_schemas_can_be_made() -> None:
    read: dict[str, Any] = Holder.model_json_schema()
    written: dict[str, Any] = Holder.model_json_schema(mode="serialization")
    assert {"type": "string"} in read["properties"]["number"]["anyOf"]
    assert written["properties"]["number"]["type"] == "string"


@fixed
@given(st.fractions())
def test_json_brings_every_fraction_back(number: Fraction) -> None:
    holder = Holder(number=number)
    assert Holder.model_validate_json(holder.model_dump_json()) == holder


@fixed
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_shortest_decimal(number: float) -> None:
    assert float(exact(number)) == number
    assert exact(number) == exact(repr(number))


@fixed
@given(st.integers(-(10**6), 10**6), st.integers(0, 6))
def test_decimals_are_exact_where_floats_are_not(digits: int, places: int) -> None:
    assert exact(digits / 10**places) == Fraction(digits, 10**places)


def test_the_paper_s_boundary_holds() -> None:
    assert 0.7 - 0.5 < 0.20
    assert exact(0.7) - exact(0.5) == exact(0.20)
