"""Simulated programming tasks about lists, intervals and grids."""

from .kit import Kind

WINDOWS = Kind(
    numbers=lambda draw: {"size": draw.randint(3, 6), "step": draw.randint(2, 3)},
    asked="takes a list of integers and returns the list of the sums of its windows. A window "
    "holds $size neighbouring values; windows begin at positions 0, $step, and so on as long as "
    "there is a value at that position.",
    hint="A window that the end of the list cuts short counts like any other.",
    reference="""
def solve(values):
    return [sum(values[i:i + $size]) for i in range(0, len(values), $step)]
""",
    wrong=(
        """
def solve(values):
    last = len(values) - $size
    return [sum(values[i:i + $size]) for i in range(0, last + 1, $step)]
""",
        """
def solve(values):
    return [sum(values[i:i + $size - 1]) for i in range(0, len(values), $step)]
""",
        """
def solve(values):
    return [sum(values[i:i + $size]) for i in range(len(values))]
""",
    ),
    expected="""
def expected(values):
    sums = {}
    for place, value in enumerate(values):
        for start in range(0, place + 1, $step):
            if place - start < $size:
                sums[start] = sums.get(start, 0) + value
    return [sums[start] for start in sorted(sums)]
""",
    edges="([],), ([5],), ([1, 2, 3, 4, 5, 6, 7],)",
    case="([draw.randint(1, 9) for _ in range(draw.randint(0, 14))],)",
)

MERGED = Kind(
    numbers=lambda draw: {"gap": draw.randint(1, 4)},
    asked="takes a list of closed intervals, each a tuple (start, end) of integers with start <= "
    "end and in no particular order. Two intervals belong together if they overlap or if at most "
    "$gap lies between the end of one and the start of the other. Return the intervals that "
    "result from joining all that belong together, as tuples in ascending order.",
    hint="An interval may lie inside another one, and a distance of exactly $gap still joins.",
    reference="""
def solve(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1][1] <= $gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
""",
    wrong=(
        """
def solve(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1][1] <= $gap:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
""",
        """
def solve(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1][1] < $gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
""",
        """
def solve(intervals):
    merged = []
    for start, end in intervals:
        if merged and start - merged[-1][1] <= $gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
""",
    ),
    expected="""
def expected(intervals):
    covered = set()
    for start, end in intervals:
        # Doubled, so that the room between two neighbours can be covered as well.
        covered.update(range(2 * start, 2 * end + 1))
    points = sorted(covered)
    found = []
    for point in points:
        if found and point - found[-1][1] <= 2 * $gap:
            found[-1][1] = point
        else:
            found.append([point, point])
    return [(start // 2, end // 2) for start, end in found]
""",
    edges="([],), ([(3, 3)],), ([(0, 9), (2, 3)],), ([(0, 1), (1 + $gap, 30)],), "
    "([(20, 21), (0, 1)],), ([(0, 1), (2 + $gap, 30)],)",
    case="([(a, a + draw.randint(0, 5)) for a in draw.sample(range(60), draw.randint(1, 8))],)",
)

PEAKS = Kind(
    numbers=lambda draw: {"count": draw.randint(2, 4)},
    asked="takes a list of integers and returns the list of those values that are greater than "
    "each of the $count values just before them, in order. A value with fewer than $count values "
    "before it is compared with those that there are.",
    hint="The first value has nothing before it and is always returned; an equal value does not "
    "count as greater.",
    reference="""
def solve(values):
    kept = []
    for i, value in enumerate(values):
        before = values[max(0, i - $count):i]
        if all(value > other for other in before):
            kept.append(value)
    return kept
""",
    wrong=(
        """
def solve(values):
    kept = []
    for i, value in enumerate(values):
        before = values[max(0, i - $count):i]
        if all(value >= other for other in before):
            kept.append(value)
    return kept
""",
        """
def solve(values):
    kept = []
    for i in range($count, len(values)):
        if values[i] > max(values[i - $count:i]):
            kept.append(values[i])
    return kept
""",
        """
def solve(values):
    kept = []
    for i, value in enumerate(values):
        if all(value > other for other in values[:i]):
            kept.append(value)
    return kept
""",
    ),
    expected="""
def expected(values):
    kept = list(range(len(values)))
    for back in range(1, $count + 1):
        kept = [i for i in kept if i < back or values[i] - values[i - back] > 0]
    return [values[i] for i in kept]
""",
    edges="([],), ([4],), ([3, 3, 3],), ([9, 1, 1, 1, 1, 1, 2],)",
    case="([draw.randint(0, 6) for _ in range(draw.randint(1, 14))],)",
)

WORKERS = Kind(
    numbers=lambda draw: {"workers": draw.randint(2, 4), "rest": draw.randint(1, 3)},
    asked="takes a list of job lengths, positive integers in the order in which the jobs arrive, "
    "and returns the list of the workers that do them. There are $workers workers, numbered from "
    "0, all free at time 0. Each job goes to the worker that is free earliest, the one with the "
    "lowest number on a tie. After every job a worker rests for $rest before being free again.",
    hint="On a tie the lowest number goes first, and the rest counts before a worker is free.",
    reference="""
import heapq


def solve(jobs):
    free = [(0, worker) for worker in range($workers)]
    chosen = []
    for length in jobs:
        time, worker = heapq.heappop(free)
        chosen.append(worker)
        heapq.heappush(free, (time + length + $rest, worker))
    return chosen
""",
    wrong=(
        """
def solve(jobs):
    return [i % $workers for i in range(len(jobs))]
""",
        """
import heapq


def solve(jobs):
    free = [(0, -worker) for worker in range($workers)]
    heapq.heapify(free)
    chosen = []
    for length in jobs:
        time, worker = heapq.heappop(free)
        chosen.append(-worker)
        heapq.heappush(free, (time + length + $rest, worker))
    return chosen
""",
        """
import heapq


def solve(jobs):
    free = [(0, worker) for worker in range($workers)]
    chosen = []
    for length in jobs:
        time, worker = heapq.heappop(free)
        chosen.append(worker)
        heapq.heappush(free, (time + length, worker))
    return chosen
""",
    ),
    expected="""
def expected(jobs):
    free = [0] * $workers
    chosen = []
    for length in jobs:
        worker = free.index(min(free))
        free[worker] += length + $rest
        chosen.append(worker)
    return chosen
""",
    edges="([],), ([1, 1, 1, 1, 1, 1],), ([9, 1, 1, 1, 1, 1, 1, 1, 1],), "
    "([1 + 2 * $rest, 1, 1, 1, 1, 1, 1, 1, 1, 1],)",
    case="([draw.randint(1, 7) for _ in range(draw.randint(1, 16))],)",
)

DIAGONALS = Kind(
    numbers=lambda draw: {"factor": draw.randint(2, 5)},
    asked="takes a grid, a list of rows of integers that may differ in length, and returns the "
    "list of the sums along its rising diagonals: value number i holds all entries whose row and "
    "column, counted from 0, add up to i. Entries in odd rows count $factor times. The list ends "
    "with the last diagonal that has an entry; a diagonal without one before it has the sum 0.",
    hint="Rows may be empty or longer than the others.",
    reference="""
def solve(grid):
    sums = []
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            while len(sums) <= i + j:
                sums.append(0)
            sums[i + j] += value * ($factor if i % 2 else 1)
    return sums
""",
    wrong=(
        """
def solve(grid):
    size = len(grid)
    sums = [0] * (2 * size - 1) if size else []
    for i, row in enumerate(grid):
        for j, value in enumerate(row[:size]):
            sums[i + j] += value * ($factor if i % 2 else 1)
    return sums
""",
        """
def solve(grid):
    sums = []
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            while len(sums) <= i + j:
                sums.append(0)
            sums[i + j] += value * ($factor if (i + 1) % 2 else 1)
    return sums
""",
        """
def solve(grid):
    sums = {}
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            sums[i + j] = sums.get(i + j, 0) + value * ($factor if i % 2 else 1)
    return [sums[i] for i in sorted(sums)]
""",
    ),
    expected="""
def expected(grid):
    entries = [(i, j) for i in range(len(grid)) for j in range(len(grid[i]))]
    last = max((i + j for i, j in entries), default=-1)
    return [
        sum(grid[i][j] * (1 if i % 2 == 0 else $factor) for i, j in entries if i + j == d)
        for d in range(last + 1)
    ]
""",
    edges="([],), ([[]],), ([[], [4]],), ([[1, 2, 3, 4]],), ([[], [], [7]],), ([[1], [2]],)",
    case="([[draw.randint(1, 9) for _ in range(draw.randint(0, 5))] "
    "for _ in range(draw.randint(1, 5))],)",
)
