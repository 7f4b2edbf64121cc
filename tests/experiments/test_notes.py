"""Notes for people: what a model or a document wrote stays text."""

from autodata.experiments.markdown import clip, escaped


def test_what_a_model_writes_is_never_markup_in_a_note() -> None:
    hostile = "<script>alert(1)</script> | [x](javascript:y) `a`\n# b &amp;"
    shown = escaped(hostile)
    assert "<" not in shown
    assert "\n" not in shown
    assert "&lt;script&gt;" in shown
    assert "\\|" in shown
    assert "\\[x\\]\\(javascript" in shown
    assert "\\`a\\`" in shown
    assert "&amp;amp;" in shown


def test_a_text_that_is_cut_says_so() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"
