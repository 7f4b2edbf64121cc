"""Reading DSPy's prompts and writing answers in the form that they ask for."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

from dspy.lm15 import Request

_FIELD = re.compile(r"^\d+\. `(\w+)`", re.MULTILINE)
_HEADER = re.compile(r"\[\[ ## (\w+) ## \]\]")
_OBJECTIVE = "In adhering to this structure, your objective is:"
_OUTPUTS = "Your output fields are:"
_STRUCTURE = "All interactions will be structured"
_JSON = "Outputs will be a JSON object with the following fields."
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_REMINDERS = (
    "Respond with the corresponding output fields",
    "Respond with a JSON object in the following order of fields",
)


class Form(NamedTuple):
    """What a system message asks for."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    """Empty if the message is not in a form of DSPy's adapters."""
    instructions: str
    json: bool


class Prompt(NamedTuple):
    """A request, read."""

    form: Form
    inputs: Mapping[str, str]
    """The last user message, by field."""
    demos: tuple[Mapping[str, str], ...]
    """Outputs of the worked examples, by field."""
    temperature: float
    schema: bool
    """The endpoint constrains the answer by a schema."""

    @property
    def content(self) -> str:
        """All that decides the answer's content, and nothing of its form."""
        demos = "\x1e".join("\x1d".join(demo.values()) for demo in self.demos)
        given = "\x1d".join(self.inputs.values())
        return f"{self.form.instructions}\x1e{demos}\x1e{given}\x1e{self.temperature}"


def read(request: Request) -> Prompt:
    """Read a request made by DSPy's chat or JSON adapter."""
    form = _form(system_text(request))
    schema = request.config.response_format is not None
    last = request.messages[-1].text or ""
    demos = tuple(_answer(m.text or "") for m in request.messages[:-1] if m.role == "assistant")
    temperature = request.config.temperature
    return Prompt(
        form=form._replace(json=form.json or schema),
        inputs=_sections(_without_reminder(last), form.inputs),
        demos=demos,
        temperature=1.0 if temperature is None else temperature,
        schema=schema,
    )


def system_text(request: Request) -> str:
    """Return the system message as plain text; empty if there is none."""
    if isinstance(request.system, str):
        return request.system
    return "".join(getattr(part, "text", "") for part in request.system or ())


def write(form: Form, fields: Mapping[str, Any]) -> str:
    """Write an answer in the form that was asked for, with every output field."""
    complete = {name: fields.get(name, "See the other fields.") for name in form.outputs}
    if form.json:
        return _ENCODE(complete)
    parts = [f"[[ ## {name} ## ]]\n{_shown(value)}\n" for name, value in complete.items()]
    return "\n".join([*parts, "[[ ## completed ## ]]"])


def items(text: str) -> list[str]:
    """Read a list of strings as DSPy writes it: JSON, or numbered lines."""
    try:
        value = json.loads(text)
    except ValueError:
        value = re.findall(r"^(?:\[\d+\]\s*)?[«\s]*(.+?)[»\s]*$", text, re.MULTILINE)
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _ENCODE(value)


@lru_cache(maxsize=512)
def _form(system: str) -> Form:
    """Read the fields and the instructions out of a system message."""
    head, _, rest = system.partition(_OUTPUTS)
    outputs, _, structure = rest.partition(_STRUCTURE)
    instructions = structure.partition(_OBJECTIVE)[2] or system
    lines = [line.strip() for line in instructions.strip().splitlines()]
    return Form(
        inputs=tuple(_FIELD.findall(head)),
        outputs=tuple(_FIELD.findall(outputs)),
        instructions="\n".join(lines),
        json=_JSON in structure,
    )


def _without_reminder(text: str) -> str:
    at = max(text.rfind(reminder) for reminder in _REMINDERS)
    return text if at < 0 else text[:at]


def _sections(text: str, names: tuple[str, ...]) -> dict[str, str]:
    """Split a message at its field headers; headers of other fields are part of the text."""
    return dict(_cut(text, [match for match in _headers(text) if match[1] in names]))


@lru_cache(maxsize=2048)
def _answer(text: str) -> dict[str, str]:
    """Read the output fields of a worked example, in either form."""
    if text.lstrip().startswith("{"):
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return {str(name): _shown(part) for name, part in value.items()}
    return dict(_cut(text, list(_headers(text))))


def _headers(text: str) -> Iterator[re.Match[str]]:
    """Yield the markers of fields, which begin a line."""
    at = text.find("[[ ## ")
    while at >= 0:
        if (at == 0 or text[at - 1] == "\n") and (found := _HEADER.match(text, at)):
            yield found
        at = text.find("[[ ## ", at + 6)


def _cut(text: str, headers: list[re.Match[str]]) -> Iterator[tuple[str, str]]:
    """Yield every header's name with the text up to the next header."""
    for here, after in zip_longest(headers, headers[1:]):
        yield here[1], text[here.end() : after.start() if after else len(text)].strip()
