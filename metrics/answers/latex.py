"""One formula, plain or LaTeX, put together again from known tokens as plain LaTeX."""

import itertools
import re


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_FUNCTIONS = _set(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh ln log "
    "exp max min gcd"
)
_CALLS = _set("abs sqrt floor ceil")
_ALIASES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "arctg": "arctan", "tg": "tan",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "arsinh": "arcsinh",
    "arcosh": "arccosh", "artanh": "arctanh",
    "infinity": "infty", "inf": "infty", "oo": "infty", "Infinity": "infty", "lg": "log",
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom",
    "vert": "|", "lvert": "|", "rvert": "|", "mid": "|", "ast": "cdot",
}  # fmt: skip
_LETTERS = _set(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta "
    "Lambda Xi Pi Sigma Upsilon Phi Psi Omega hbar ell infty partial"
)
_COMMANDS = _set(
    "frac sqrt binom cdot times div pm lfloor rfloor lceil rceil sum prod int lim to infty "
    "overline bar hat vec dot tilde"
)
_DROPPED = _set(
    "left right big Big bigl bigr Bigl Bigr bigg Bigg biggl biggr displaystyle textstyle limits "
    "quad qquad , ; ! : > space mathstrut nolimits"
)
_FONTS = _set("text mathrm mathbf mathit mathsf textbf textit textrm operatorname boldsymbol bm rm")
_TWO_LETTER_WORDS = _set("is in of or if no to at by an as be he it me my on so up us we do go am")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)|\\(?P<command>[a-zA-Z]+|[^a-zA-Z])|(?P<word>[a-zA-Z]+)"
    r"|(?P<power>\*\*|\^)|(?P<prime>'+)|(?P<sign>[-+*/()\[\]{}|!_,=<>:.]))"
)


class UnreadableError(ValueError):
    """The text is no formula that can be read."""


def known(word: str) -> bool:
    """Tell whether a word is a function that is read as one, or the name of a letter."""
    plain = _ALIASES.get(word, word)
    return plain in _FUNCTIONS or plain in _CALLS or plain in _LETTERS


def rewrite(text: str) -> str:
    """Put a formula together again from known tokens, in the one spelling that is read well."""
    tokens = _tokens(text)
    out, position = [], 0
    while position < len(tokens):
        piece, position = _item(tokens, position)
        out.append(piece)
    if not out:
        raise UnreadableError("empty")
    return " ".join(out)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableError(f"{text[position]!r} is in no formula")
        kind, value = str(match.lastgroup), match[str(match.lastgroup)]
        index = len(found) > 1 and found[-2] == ("sign", "_")
        if kind == "number" and found and found[-1][0] == "number" and not index:
            raise UnreadableError("two numbers without an operator")
        if kind == "command":
            value = _ALIASES.get(value, value)
            if value in _FONTS:
                end = text.find("}", match.end())
                inside = re.match(r"\s*\{([^{}]*)$", text[match.end() : end])
                if end < 0 or inside is None:
                    raise UnreadableError("a font without its letters")
                found += _named(inside[1].strip())
                position = end + 1
                continue
            kind, value = ("sign", value) if value in "{}|" else (kind, value)
        if (
            kind == "number"
            and found
            and found[-1][0] == "letter"
            and match.start(kind) == position
        ):
            # In plain text, x1 is the variable with that index, and not x times 1.
            found.append(("sign", "_"))
        if kind == "word":
            found += _word(value)
        elif not (kind == "command" and value in _DROPPED):
            found.append((kind, value))
        position = match.end()
    return found


def _named(word: str) -> list[tuple[str, str]]:
    """Return the tokens of a word in upright or bold letters: a function or one symbol."""
    word = word.removeprefix("\\")
    if not word:
        return []
    plain = _ALIASES.get(word, word)
    if known(word):
        return [("command", plain)]
    if len(word) == 1 and word.isalpha():
        return [("letter", word)]
    if re.fullmatch(r"[a-zA-Z]+", word):
        return [("symbol", word)]
    raise UnreadableError(f"{word!r:.40}: words in a formula")


def _word(word: str) -> list[tuple[str, str]]:
    """Return the tokens of letters that stand together: a function, a name, or a product."""
    plain = _ALIASES.get(word, word)
    if known(word):
        return [("command", plain)]
    for name in sorted(_FUNCTIONS | {"pi", "sqrt"}, key=len, reverse=True):
        if word.startswith(name) and 0 < len(word) - len(name) <= 2:
            return [("command", name), *_word(word[len(name) :])]
        if word.endswith(name) and 0 < len(word) - len(name) <= 2:
            return [*_word(word[: -len(name)]), ("command", name)]
    row = all(ord(after) - ord(before) == 1 for before, after in itertools.pairwise(word))
    if word in _TWO_LETTER_WORDS or len(word) > 4:
        raise UnreadableError(f"{word!r:.40} is a word")
    if len(word) >= 3 and not row and re.search("[aeiouAEIOU]", word):
        raise UnreadableError(f"{word!r} is a word")
    return [("letter", letter) for letter in word]


def _item(tokens: list[tuple[str, str]], position: int) -> tuple[str, int]:
    """Return the text of one token with what belongs to it, and the position after it."""
    kind, value = tokens[position]
    position += 1
    if kind == "power":
        piece, position = _script(tokens, position)
        return f"^{{{piece}}}", position
    if (kind, value) == ("sign", "_"):
        piece, position = _index(tokens, position)
        return f"_{{{piece}}}", position
    if kind == "prime":
        return f"_{{prime{len(value)}}}", position
    if kind == "symbol" or (kind, value) == ("letter", "I"):
        return rf"\text{{{value}}}", position
    if (kind, value) == ("sign", "*"):
        return r"\cdot", position
    if kind == "command":
        return _command(value, tokens, position)
    return value, position


def _command(name: str, tokens: list[tuple[str, str]], position: int) -> tuple[str, int]:
    if name in ("frac", "binom"):
        first, position = _argument(tokens, position)
        second, position = _argument(tokens, position)
        return rf"\{name}{{{first}}}{{{second}}}", position
    if name == "sqrt":
        root = ""
        if position < len(tokens) and tokens[position] == ("sign", "["):
            inside, position = _group(tokens, position, "[", "]")
            root = f"[{inside}]"
        inside, position = _argument(tokens, position)
        return rf"\sqrt{root}{{{inside}}}", position
    if name in ("abs", "floor", "ceil"):
        inside, position = _argument(tokens, position)
        left, right = {"abs": "||"}.get(name, (rf"\l{name} ", rf"\r{name} "))
        return f"{left}{inside}{right}", position
    if name == "%":
        return r"\cdot \frac{1}{100}", position
    if name == "degree" or name == "circ":
        raise UnreadableError("an angle inside a formula")
    if name not in _FUNCTIONS | _LETTERS | _COMMANDS:
        raise UnreadableError(f"\\{name:.40} is not known")
    return rf"\{name} ", position


def _argument(tokens: list[tuple[str, str]], position: int) -> tuple[str, int]:
    r"""Return an argument as in \frac12, \frac{1}{2} or sqrt(2): without its braces."""
    if position >= len(tokens):
        raise UnreadableError("an argument is missing")
    kind, value = tokens[position]
    if kind == "sign" and value in "({":
        return _group(tokens, position, value, ")" if value == "(" else "}")
    if kind == "number" and len(value) > 1 and value.isdigit():
        # In LaTeX, \frac12 is one half. The rest of the number stays for the next argument.
        tokens[position] = (kind, value[1:])
        return value[0], position
    return _item(tokens, position)


def _script(tokens: list[tuple[str, str]], position: int) -> tuple[str, int]:
    """Return an exponent or index without its braces: `-1`, `10`, a group, a tower."""
    if position >= len(tokens):
        raise UnreadableError("an exponent is missing")
    kind, value = tokens[position]
    if kind == "sign" and value in "({":
        piece, position = _group(tokens, position, value, ")" if value == "(" else "}")
    elif kind == "sign" and value in "-+":
        piece, position = _script(tokens, position + 1)
        return f"{value}{piece}", position
    else:
        piece, position = _item(tokens, position)
        if kind == "command" and value in _FUNCTIONS:
            inside, position = _argument(tokens, position)
            piece = f"{piece}({inside})"
    if position < len(tokens) and tokens[position][0] == "power":
        upper, position = _script(tokens, position + 1)
        piece = f"({piece})^{{{upper}}}" if len(piece) > 1 else f"{piece}^{{{upper}}}"
    return piece, position


def _index(tokens: list[tuple[str, str]], position: int) -> tuple[str, int]:
    """Return a subscript: a name such as `max` or `1`, or the range of a sum, integral or limit."""
    if position >= len(tokens):
        raise UnreadableError("an index is missing")
    if tokens[position] != ("sign", "{"):
        return _item(tokens, position)
    end = tokens.index(("sign", "}"), position) if ("sign", "}") in tokens[position:] else position
    name = "".join(value for _, value in tokens[position + 1 : end])
    if name.isalnum() and name not in _LETTERS and ("command", "to") not in tokens[position:end]:
        return name, end + 1
    return _group(tokens, position, "{", "}")


def _group(
    tokens: list[tuple[str, str]], position: int, opening: str, closing: str
) -> tuple[str, int]:
    out: list[str] = []
    position += 1
    while position < len(tokens) and tokens[position] != ("sign", closing):
        piece, position = _item(tokens, position)
        out.append(piece)
    if position >= len(tokens) or not out:
        raise UnreadableError(f"{opening} without its {closing}")
    return " ".join(out), position + 1
