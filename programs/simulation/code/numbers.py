"""Simulated programming tasks about numbers, ranks and caches."""

from .kit import Kind

CHECKSUM = Kind(
    numbers=lambda draw: {
        "base": draw.randint(5, 9),
        "one": draw.randint(1, 3),
        "two": draw.randint(4, 6),
        "modulus": draw.choice((7, 11, 13)),
    },
    asked="takes an integer n >= 0 and returns a check number. Write n in base $base. From the "
    "last digit to the first, multiply the digits by $one, $two, $one, $two, and so on, and add "
    "the products up. The check number is the remainder of the sum modulo $modulus.",
    hint="The factors go from the last digit to the first, in base $base.",
    reference="""
def solve(n):
    total, factors = 0, ($one, $two)
    place = 0
    while n:
        n, digit = divmod(n, $base)
        total += digit * factors[place % 2]
        place += 1
    return total % $modulus
""",
    wrong=(
        """
def solve(n):
    digits = []
    while n:
        n, digit = divmod(n, $base)
        digits.append(digit)
    digits.reverse()
    return sum(d * ($two if i % 2 else $one) for i, d in enumerate(digits)) % $modulus
""",
        """
def solve(n):
    digits = [int(char) for char in reversed(str(n))]
    return sum(d * ($two if i % 2 else $one) for i, d in enumerate(digits)) % $modulus
""",
        """
def solve(n):
    total, place = 0, 0
    while n:
        n, digit = divmod(n, $base)
        total += digit * ($one if place % 2 else $two)
        place += 1
    return total % $modulus
""",
    ),
    expected="""
def expected(n):
    power = 0
    while $base ** (power + 1) <= n:
        power += 1
    total = 0
    for exponent in range(power, -1, -1):
        digit = n // $base ** exponent % $base
        total += digit * ($two if exponent % 2 else $one)
    return total % $modulus
""",
    edges="(0,), (1,), ($base - 1,), ($base,), ($base ** 3,)",
    case="(draw.randrange($base ** draw.randint(1, 7)),)",
)

EITHER = Kind(
    numbers=lambda draw: dict(
        zip(("a", "b"), draw.choice(((4, 6), (6, 9), (6, 10), (4, 10), (8, 12))), strict=True)
    ),
    asked="takes an integer n >= 0 and returns how many of the integers from 1 to n, n included, "
    "are divisible by $a or by $b but not by both. It must be fast for n up to 10 ** 15.",
    hint="A number is divisible by both $a and $b long before it is divisible by their product.",
    reference="""
from math import lcm


def solve(n):
    return n // $a + n // $b - 2 * (n // lcm($a, $b))
""",
    wrong=(
        """
def solve(n):
    return n // $a + n // $b - 2 * (n // ($a * $b))
""",
        """
from math import lcm


def solve(n):
    return n // $a + n // $b - n // lcm($a, $b)
""",
        """
def solve(n):
    return sum(1 for k in range(1, n) if (k % $a == 0) != (k % $b == 0))
""",
    ),
    expected="""
def expected(n):
    # The pattern repeats after $a * $b numbers.
    period = $a * $b
    hits = [k for k in range(1, period + 1) if (k % $a == 0) != (k % $b == 0)]
    return n // period * len(hits) + sum(1 for k in hits if k <= n % period)
""",
    edges="(0,), (1,), ($a,), ($b,), ($a * $b,)",
    case="(draw.randint(1, 500),)",
)

RANKS = Kind(
    numbers=lambda draw: {"places": draw.randint(3, 5)},
    asked="takes a dict from names to scores and returns the winners as a list of tuples (rank, "
    "name). The rank of a name is 1 plus the number of names with a higher score, so that equal "
    "scores share a rank and the ranks after them are left out. Only ranks up to $places win. The "
    "list is in ascending order of rank, and of name within a rank.",
    hint="After two names on rank 1 comes rank 3, and a shared last rank lets more names win.",
    reference="""
def solve(scores):
    ranked = [
        (1 + sum(other > score for other in scores.values()), name)
        for name, score in scores.items()
    ]
    return sorted((rank, name) for rank, name in ranked if rank <= $places)
""",
    wrong=(
        """
def solve(scores):
    levels = sorted(set(scores.values()), reverse=True)
    ranked = [(1 + levels.index(score), name) for name, score in scores.items()]
    return sorted((rank, name) for rank, name in ranked if rank <= $places)
""",
        """
def solve(scores):
    ordered = sorted(scores, key=lambda name: (-scores[name], name))
    return [(rank, name) for rank, name in enumerate(ordered[:$places], 1)]
""",
        """
def solve(scores):
    ranked = [
        (1 + sum(other > score for other in scores.values()), name)
        for name, score in scores.items()
    ]
    return sorted(ranked)[:$places]
""",
    ),
    expected="""
def expected(scores):
    found, rank = [], 1
    left = dict(scores)
    while left and rank <= $places:
        best = max(left.values())
        group = sorted(name for name in left if left[name] == best)
        found += [(rank, name) for name in group]
        rank += len(group)
        for name in group:
            del left[name]
    return found
""",
    edges="({},), ({'ann': 3},), ({'bob': 1, 'ann': 1, 'cy': 0},), "
    "({name: 5 for name in 'abcdefg'},)",
    case="({name: draw.randint(0, 4) for name in draw.sample('abcdefghij', draw.randint(1, 9))},)",
)

CACHE = Kind(
    numbers=lambda draw: {"size": draw.randint(2, 4)},
    asked="takes a list of keys that are requested one after the other and returns how many of "
    "the requests find their key in a cache that holds $size keys. A key that is not found is put "
    "into the cache; if there is no room, the key whose last request is longest ago is dropped.",
    hint="A request that finds its key makes it the latest one as well.",
    reference="""
from collections import OrderedDict


def solve(requests):
    cache, hits = OrderedDict(), 0
    for key in requests:
        if key in cache:
            hits += 1
            cache.move_to_end(key)
        else:
            cache[key] = True
            if len(cache) > $size:
                cache.popitem(last=False)
    return hits
""",
    wrong=(
        """
from collections import deque


def solve(requests):
    cache, hits = deque(maxlen=$size), 0
    for key in requests:
        if key in cache:
            hits += 1
        else:
            cache.append(key)
    return hits
""",
        """
from collections import OrderedDict


def solve(requests):
    cache, hits = OrderedDict(), 0
    for key in requests:
        if key in cache:
            hits += 1
            cache.move_to_end(key)
        else:
            if len(cache) > $size:
                cache.popitem(last=False)
            cache[key] = True
    return hits
""",
        """
def solve(requests):
    return sum(key in requests[max(0, i - $size):i] for i, key in enumerate(requests))
""",
    ),
    expected="""
def expected(requests):
    hits = 0
    for i, key in enumerate(requests):
        others = set()
        for earlier in reversed(requests[:i]):
            if earlier == key:
                hits += len(others) < $size
                break
            others.add(earlier)
    return hits
""",
    edges="([],), ([1],), ([1, 1, 1],), ([1, 2, 1, 3, 4, 1, 2, 1, 3, 4, 5, 1],)",
    case="([draw.randint(1, 6) for _ in range(draw.randint(5, 24))],)",
)
