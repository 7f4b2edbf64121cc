"""Which domain a request belongs to, told by what only that domain's prompts say."""

from collections.abc import Callable, Mapping
from typing import Any

from . import code, legal, scientific
from .options import Options
from .prompts import Prompt

Answerer = Callable[[Prompt, tuple[object, ...], Options], Mapping[str, Any] | None]
"""Fields of the answer to a request, or `None` if the request is not of the domain."""

ANSWERERS: tuple[Answerer, ...] = (legal.answer, scientific.answer, code.answer)


def answered(prompt: Prompt, key: tuple[object, ...], options: Options) -> Mapping[str, Any] | None:
    """Let the domain that a request belongs to answer it; `None` for research and all that is not.

    Args:
        prompt: The request.
        key: What the random draws follow from.
        options: The model's.
    """
    found = (answer(prompt, key, options) for answer in ANSWERERS)
    return next((fields for fields in found if fields is not None), None)
