"""The thread that writes: in order, to the end, and not silent about what failed."""

import pytest

from autodata.experiments.writer import Writer


def test_the_writer_goes_on_after_a_failure_and_tells_of_it_once() -> None:
    writer, done = Writer(), []
    writer.put("one", lambda: done.append(1 // 0))
    writer.put("two", lambda: done.append(2))
    with pytest.raises(RuntimeError, match="did not record one: ZeroDivisionError"):
        writer.flush()
    writer.flush()
    writer.close()
    writer.close()
    assert done == [2]
