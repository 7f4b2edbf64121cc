"""Texts of documents and models on a page of Markdown, as they are and no longer than wanted."""

import html
import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~<>-])")


def clip(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text, the last a sign that it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def escaped(text: object) -> str:
    """Return a text on one line that Markdown and HTML show as it is."""
    line = " ".join(html.escape(str(text), quote=False).split())
    return _MARKDOWN.sub(r"\\\1", line).replace("\\<", "&lt;").replace("\\>", "&gt;")
