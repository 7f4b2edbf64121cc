"""The code domain's part of the offline models."""

from typing import Any

from .options import Options
from .prompts import Prompt


def answer(prompt: Prompt, key: tuple[object, ...], options: Options) -> dict[str, Any] | None:
    """Answer a request of the code domain; `None` for any other."""
    return None
