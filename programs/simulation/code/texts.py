"""Simulated programming tasks about strings."""

from .kit import Kind

RUNS = Kind(
    numbers=lambda draw: {"least": draw.randint(3, 4)},
    asked="takes a string of letters and shortens its runs. A run of $least or more equal letters "
    "is replaced by the letter followed by the length of the run; shorter runs stay as they are.",
    hint="The last run counts like the others, and a run of exactly $least is shortened.",
    reference="""
from itertools import groupby


def solve(text):
    parts = []
    for letter, run in groupby(text):
        length = len(list(run))
        parts.append(f"{letter}{length}" if length >= $least else letter * length)
    return "".join(parts)
""",
    wrong=(
        """
from itertools import groupby


def solve(text):
    parts = []
    for letter, run in groupby(text):
        length = len(list(run))
        parts.append(f"{letter}{length}" if length > $least else letter * length)
    return "".join(parts)
""",
        """
def solve(text):
    result, run = "", ""
    for letter in text:
        if run and letter != run[0]:
            result += f"{run[0]}{len(run)}" if len(run) >= $least else run
            run = ""
        run += letter
    return result + run
""",
        """
def solve(text):
    result = ""
    for letter in text:
        if letter in result:
            continue
        length = text.count(letter)
        result += f"{letter}{length}" if length >= $least else letter * length
    return result
""",
    ),
    expected="""
def expected(text):
    shortened = ""
    while text:
        rest = text.lstrip(text[0])
        length = len(text) - len(rest)
        shortened += text[0] + (str(length) if length >= $least else text[0] * (length - 1))
        text = rest
    return shortened
""",
    edges="('',), ('a',), ('a' * $least,), ('ab' * 3 + 'b' * $least,), ('abababa',)",
    case="(''.join(draw.choice('abc') * draw.randint(1, 5) for _ in range(draw.randint(1, 7))),)",
)

ROTATED = Kind(
    numbers=lambda draw: {"least": draw.randint(2, 3), "turn": draw.choice((5, 7))},
    asked="takes a sentence of words separated by single spaces and returns it with every word of "
    "more than $least letters turned by $turn places to the left, one letter at a time: the first "
    "letter goes to the end, then the next one, and so on.",
    hint="A word may be shorter than $turn letters and is then turned all the way round.",
    reference="""
def solve(sentence):
    words = []
    for word in sentence.split(" "):
        if len(word) > $least:
            k = $turn % len(word)
            word = word[k:] + word[:k]
        words.append(word)
    return " ".join(words)
""",
    wrong=(
        """
def solve(sentence):
    words = []
    for word in sentence.split(" "):
        if len(word) > $least:
            word = word[$turn:] + word[:$turn]
        words.append(word)
    return " ".join(words)
""",
        """
def solve(sentence):
    words = []
    for word in sentence.split(" "):
        if len(word) >= $least:
            k = $turn % len(word)
            word = word[k:] + word[:k]
        words.append(word)
    return " ".join(words)
""",
        """
def solve(sentence):
    words = []
    for word in sentence.split(" "):
        if len(word) > $least:
            k = -$turn % len(word)
            word = word[k:] + word[:k]
        words.append(word)
    return " ".join(words)
""",
    ),
    expected="""
def expected(sentence):
    letters = [list(word) for word in sentence.split(" ")]
    for word in letters:
        if len(word) <= $least:
            continue
        for _ in range($turn):
            word.append(word.pop(0))
    return " ".join("".join(word) for word in letters)
""",
    edges="('',), ('a',), ('ab abc abcd abcde',), ('abcdefghijk ' + 'xyz'[:$least],)",
    case="(' '.join(''.join(draw.choices('abcdefgh', k=draw.randint(1, 9))) "
    "for _ in range(draw.randint(1, 6))),)",
)

NESTED = Kind(
    numbers=lambda draw: {"most": draw.randint(2, 4)},
    asked="takes a string of the brackets ( ) [ ] and returns how deeply they are nested: 0 for "
    "the empty string, 1 for '()[]', 2 for '([])'. It returns -1 if the brackets do not match, "
    "and -2 if they match but are nested more than $most deep.",
    hint="Brackets must match in kind, and none may be left open at the end.",
    reference="""
def solve(text):
    partner = {")": "(", "]": "["}
    stack, deepest = [], 0
    for char in text:
        if char in partner:
            if not stack or stack.pop() != partner[char]:
                return -1
        else:
            stack.append(char)
            deepest = max(deepest, len(stack))
    if stack:
        return -1
    return deepest if deepest <= $most else -2
""",
    wrong=(
        """
def solve(text):
    depth = deepest = 0
    for char in text:
        depth += 1 if char in "([" else -1
        if depth < 0:
            return -1
        deepest = max(deepest, depth)
    if depth:
        return -1
    return deepest if deepest <= $most else -2
""",
        """
def solve(text):
    partner = {")": "(", "]": "["}
    stack, deepest = [], 0
    for char in text:
        if char in partner:
            if not stack or stack.pop() != partner[char]:
                return -1
        else:
            stack.append(char)
            deepest = max(deepest, len(stack))
    return deepest if deepest <= $most else -2
""",
        """
def solve(text):
    partner = {")": "(", "]": "["}
    stack, deepest = [], 0
    for char in text:
        if char in partner:
            if not stack or stack.pop() != partner[char]:
                return -1
        else:
            stack.append(char)
            deepest = max(deepest, len(stack))
            if deepest > $most:
                return -2
    return -1 if stack else deepest
""",
    ),
    expected="""
def expected(text):
    rounds = 0
    while "()" in text or "[]" in text:
        # Take out all innermost pairs at once: one round for each level.
        left, i = "", 0
        while i < len(text):
            if text[i:i + 2] in ("()", "[]"):
                i += 2
            else:
                left += text[i]
                i += 1
        text = left
        rounds += 1
    if text:
        return -1
    return rounds if rounds <= $most else -2
""",
    edges="('',), ('()[]',), ('(]',), ('(()',), (')(',), ('(' * $most + ')' * $most,), "
    "('(' * ($most + 1) + ')' * ($most + 1),), ('(' * ($most + 1),), ('([)]',)",
    case="(''.join(draw.choice(['()', '[]', '([])', '[()[]]', '(', ']']) "
    "for _ in range(draw.randint(1, 4))),)",
)

DURATIONS = Kind(
    numbers=lambda draw: {"unit": draw.choice((10, 15, 20, 30))},
    asked="takes a list of durations such as '1:05' (hours, a colon, two digits of minutes) and "
    "returns their total in the same form. Each duration is first rounded up to the next full "
    "$unit minutes; one that is a multiple of $unit minutes stays as it is.",
    hint="Every duration is rounded on its own, and minutes always have two digits.",
    reference="""
def solve(durations):
    total = 0
    for text in durations:
        hours, minutes = text.split(":")
        length = 60 * int(hours) + int(minutes)
        total += -(-length // $unit) * $unit
    return f"{total // 60}:{total % 60:02d}"
""",
    wrong=(
        """
def solve(durations):
    total = 0
    for text in durations:
        hours, minutes = text.split(":")
        total += 60 * int(hours) + int(minutes)
    total = -(-total // $unit) * $unit
    return f"{total // 60}:{total % 60:02d}"
""",
        """
def solve(durations):
    total = 0
    for text in durations:
        hours, minutes = text.split(":")
        length = 60 * int(hours) + int(minutes)
        total += (length // $unit + 1) * $unit
    return f"{total // 60}:{total % 60:02d}"
""",
        """
def solve(durations):
    total = 0
    for text in durations:
        hours, minutes = text.split(":")
        length = 60 * int(hours) + int(minutes)
        total += -(-length // $unit) * $unit
    return f"{total // 60}:{total % 60}"
""",
    ),
    expected="""
def expected(durations):
    total = 0
    for text in durations:
        length = int(text[:-3]) * 60 + int(text[-2:])
        while length % $unit:
            length += 1
        total += length
    hours = 0
    while total >= 60:
        hours, total = hours + 1, total - 60
    return str(hours) + ":" + ("0" if total < 10 else "") + str(total)
""",
    edges="([],), (['0:00'],), (['0:01', '0:01'],), (['1:00'],), (['0:59', '10:31'],)",
    case="([f'{draw.randint(0, 3)}:{draw.randint(0, 59):02d}' "
    "for _ in range(draw.randint(1, 6))],)",
)
