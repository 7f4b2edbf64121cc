"""What a person writes who has a legal problem, as the simulated challenger invents it."""

import random
from collections.abc import Sequence

from ..codec import LABEL
from ..words import listed

FIRST_LENGTH, LENGTH_SPREAD = 1600, 380
"""Characters of a question whose brief sets no limit (paper: 1569), and their spread."""
SHORT_OF, SHORT_SPREAD = 95, 45
"""How far below a limit a writer aims who was told one, in characters, and the spread."""
SHORTEST = 560

TERMS = 6
"""Words of the source that a story turns on."""

_OPENINGS = (
    "I run a small repair shop on the edge of town and have a problem that keeps me awake.",
    "My sister and I share a house that our aunt left to us, and we are in trouble.",
    "I work nights at a warehouse and never thought that I would need advice on the law.",
    "Two years ago I signed papers for a stall at the covered market and now regret it.",
    "I keep the books for our football club, unpaid, and something has gone badly wrong.",
    "We moved to the coast last spring with two children and most of our savings.",
)
_STORY = (
    "It began with {a}, which everybody took for granted, and {sum} changed hands that week.",
    "For {days} days nobody mentioned {a}; then a letter about {b} came and asked for {sum}.",
    "I was told in the kitchen that {a} would be looked after, and on that word I paid {sum}.",
    "They say that {b} was my affair from the start, although I asked about {a} in writing.",
)
_MORE = (
    "I have the messages on my phone, and one of them says that I should not worry.",
    "The man from the office never came back after the first visit on a rainy Tuesday.",
    "My neighbour heard the whole talk through the open window and would say so.",
    "I lost {sum} over it, not counting the days on which I could not work.",
    "They waited {days} days before they answered, and then in two lines.",
    "I did sign something in March, but the second page was missing from my copy.",
    "A friend who went through the same thing got all of her money back.",
    "The other side is bigger than I am and says that this is how it is always done.",
    "I offered to split the difference, which they took as if I had admitted something.",
    "Nobody asked me whether I had understood, and I was too polite to ask again.",
    "There was a deadline, as I learned later, and it may have passed {days} days ago.",
    "My father thinks that I should let it rest because I knew the people for years.",
    "I took photographs on the first day, and again when things had become worse.",
    "They now claim that an earlier owner had agreed to everything by word of mouth.",
    "I paid the first part, {sum}, and held the rest back until they would talk to me.",
    "Their insurer wrote that it was looking into the matter and has been silent since.",
    "In June they changed the terms on their page and said that this counted for me too.",
    "I cannot afford to be wrong, since the loan on the van depends on this.",
    "To be fair, I did use the thing for {days} days before I said anything.",
    "The paper that they gave me calls it a courtesy and not an obligation.",
)
_ASKS = (
    "Where do I stand, and does it matter that I knew about {a} when I agreed?",
    "Can they hold me to it, or can I ask for my money back because of {a}?",
    "Do I have to put up with this, and what changes if {a} turns out to be true?",
    "What can I ask for, and would I do better to wait until {a} is settled?",
)
_PHRASE = "In the case of my cousin it went another way."
_RECAP = "People tell me that {name} had the very same trouble."


def question_of(
    draw: random.Random,
    terms: Sequence[str],
    code: str,
    length: float,
    *,
    phrase: bool = False,
    name: str = "",
) -> str:
    """Write a question of about so many characters.

    Args:
        draw: The source of chance.
        terms: `TERMS` words of the source.
        code: What carries the task's numbers.
        length: Characters to aim for.
        phrase: Slip in words that code refuses.
        name: Slip in this name of the source; none if empty.
    """

    def said(text: str) -> str:
        a, b = draw.sample(list(terms), 2)
        amount = f"{draw.randint(3, 97) * 100:,} crowns"
        return text.format(a=a, b=b, sum=amount, days=draw.randint(5, 80))

    opening = [draw.choice(_OPENINGS), said(draw.choice(_STORY))]
    slips = ([_PHRASE] if phrase else []) + ([_RECAP.format(name=name)] if name else [])
    ending = [said(draw.choice(_ASKS)), listed(tuple(terms)), f"({LABEL}{code}.)"]
    size = sum(len(one) + 1 for one in (*opening, *slips, *ending)) - 1
    more: list[str] = []
    for text in draw.sample(_MORE, len(_MORE)):
        one = said(text)
        if size + len(one) / 2 > length:
            break
        more.append(one)
        size += len(one) + 1
    return " ".join([*opening, *more, *slips, *ending])
