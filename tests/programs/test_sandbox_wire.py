"""Values cross between the two processes unchanged, and nothing else does."""

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.programs.sandbox.inside import wire

LIMIT = 1 << 20

keys = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.floats(allow_nan=False),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
values = st.recursive(
    keys | st.complex_numbers(allow_nan=False) | st.integers(-(10**6000), 10**6000),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(keys, max_size=4)
        | st.dictionaries(keys | st.sampled_from(["$set", "$int", "$"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """Return the types of a value and of all that it holds."""
    if isinstance(value, dict):
        return dict, [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [shape(item) for item in value]
    return type(value)


@given(values)
def test_a_value_arrives_as_it_was_sent(value: Any) -> None:
    frame = wire.dumps(value, LIMIT)
    found = wire.loads(frame[4:])
    assert found == value
    assert shape(found) == shape(value)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_a_value_or_an_error_of_the_wire(body: bytes) -> None:
    try:
        wire.loads(body)
    except wire.WireError as error:
        assert "not a value" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b'{"$set": [[1]]}',
        b'{"$int": 5}',
        b'{"$int": "0xg"}',
        b'{"$dict": [[1]]}',
        b'{"$dict": 1}',
        b'{"$complex": [1, 2, 3]}',
        b'{"$complex": [1' + b"0" * 400 + b", 1]}",
        b'{"$bytes": "x"}',
        b'{"$object": "os.system"}',
        b'{"$set": [], "$tuple": []}',
        b"1" * 5000,
        b"[" * 100_000,
    ],
)
def test_a_false_tag_is_an_error_of_the_wire(body: bytes) -> None:
    with pytest.raises(wire.WireError, match="not a value"):
        wire.loads(body)


def test_what_is_no_plain_value_is_not_sent() -> None:
    for value in (object(), len, (item for item in ()), [object()], {1: object()}):
        with pytest.raises(wire.WireError, match="cannot be sent"):
            wire.dumps(value, LIMIT)


def test_a_value_that_holds_itself_is_not_sent() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(wire.WireError, match="too deeply"):
        wire.dumps(value, LIMIT)


@pytest.mark.parametrize(("length", "sent"), [(1022, True), (1023, False)])
def test_the_limit_is_the_largest_size_that_is_sent(length: int, sent: bool) -> None:
    if sent:
        assert len(wire.dumps("x" * length, 1024)) == 4 + 1024
    else:
        with pytest.raises(wire.WireError, match="1025 bytes, at most 1024"):
            wire.dumps("x" * length, 1024)


def pipe(content: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def test_an_announced_size_above_the_limit_is_not_read() -> None:
    channel = pipe((1025).to_bytes(4, "big"))
    with pytest.raises(wire.WireError, match="1025 bytes announced"):
        wire.receive(channel, 1024)
    os.close(channel)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\0\x05", b"\0\0\0\x05abc"])
def test_a_frame_that_breaks_off_is_none(content: bytes) -> None:
    channel = pipe(content)
    assert wire.receive(channel, 1024) is None
    os.close(channel)
