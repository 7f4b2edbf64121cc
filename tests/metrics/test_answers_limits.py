"""A hostile answer costs its time limit, and harms neither the host nor the next answer."""

import builtins
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from autodata.metrics.answers import PoolError, equivalent, extract_answer, worker
from autodata.metrics.answers.named import applies_unknown
from autodata.metrics.answers.pool import Pool


@pytest.fixture
def pool() -> Any:
    pool = Pool()
    yield pool
    pool.close()


ENDLESS = [
    "9^(9^(9^9))",
    "(10^8)!",
    r"\binom{10^{9}}{10^{8}}",
    r"\int_0^1 \sin(x^x) \cos(e^{x^3}) dx",
    "[0, 9^{9^{9}})",
]


@pytest.mark.parametrize("answer", ENDLESS)
def test_endless_work_is_stopped_and_the_next_answer_is_compared(answer: str, pool: Pool) -> None:
    assert pool.ask("x+1", "1+x", 30) is True
    assert pool.ask(answer, "x+2", 0.5) is None
    assert pool.ask("x+1", "1+x", 30) is True


@pytest.mark.parametrize(
    "answer",
    [
        "(" * 300 + "x" + ")" * 300,
        r"\sqrt{" * 300 + "x" + "}" * 300,
        "{" * 900,
        "[[" * 200,
        r"\begin{cases}" * 50,
        "x^" * 900 + "2",
        "|" * 500,
        "1+" * 800 + "1 = x",
    ],
)
def test_deep_and_long_texts_end(answer: str) -> None:
    assert equivalent(answer, "x+2", seconds=1) in (False, None)
    assert equivalent("x+1", "1+x", seconds=30) is True


@pytest.mark.parametrize(
    "text",
    ["." * 200_000 + "x", "answer" + " " * 200_000 + "x", r"\boxed{" * 20_000, "$" * 200_000,
     "\n" * 200_000 + "A", "is " * 60_000, ",;" * 100_000 + "x", "1," * 100_000, "**" * 100_000],
    ids=lambda text: text[:3].strip() or "space",
)  # fmt: skip
def test_the_answer_of_a_huge_text_is_found_at_once(text: str) -> None:
    started = time.process_time()
    extract_answer(text)
    equivalent(text, "x")
    assert time.process_time() - started < 3


def test_a_process_killed_from_outside_is_replaced(pool: Pool) -> None:
    assert pool.ask("x+1", "1+x", 30) is True
    (old,) = pool.processes()
    os.kill(old, signal.SIGKILL)
    assert pool.ask("x+1", "1+x", 30) is True
    (new,) = pool.processes()
    assert new != old


def test_a_process_that_stands_still_is_given_up_by_the_clock(pool: Pool) -> None:
    assert pool.ask("x+1", "1+x", 30) is True
    (old,) = pool.processes()
    os.kill(old, signal.SIGSTOP)
    started = time.monotonic()
    assert pool.ask("x+1", "1+x", 0.1) is None
    assert 1 <= time.monotonic() - started < 30
    assert pool.ask("x+1", "1+x", 30) is True
    assert pool.processes() != [old]


def test_a_process_at_endless_work_ends_without_its_host() -> None:
    program = (
        "import os, threading, time\n"
        "from autodata.metrics.answers.pool import Pool\n"
        "pool = Pool()\n"
        "pool.ask('x+1', '1+x', 30)\n"
        "print(*pool.processes(), flush=True)\n"
        "threading.Thread(target=pool.ask, args=('(10^8)!', 'x', 1.0)).start()\n"
        "time.sleep(0.3)\n"
        "os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    orphan = Path(f"/proc/{int(done.stdout)}/stat")
    end = time.monotonic() + 60
    while orphan.exists() and orphan.read_text().split()[2] != "Z" and time.monotonic() < end:
        time.sleep(0.1)
    assert time.monotonic() < end


def test_a_process_that_cannot_be_started_is_one_named_error(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(PoolError, match=r"cannot be started.*free memory"):
        pool.ask("x+1", "1+x", 30)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PoolError, match="did not start; install"):
        pool.ask("x+1", "1+x", 30)
    monkeypatch.undo()
    assert pool.ask("x+1", "1+x", 30) is True


@pytest.mark.parametrize(
    "answer",
    ["J_" * 900 + "(", "A" + "'" * 1900, "A" + " " * 1900, r"\left" * 380, "!" + " " * 1900],
)
def test_the_search_for_named_functions_is_quick(answer: str) -> None:
    started = time.process_time()
    applies_unknown(answer)
    assert time.process_time() - started < 1


def test_a_process_is_kept_for_the_next_answer(pool: Pool) -> None:
    kept = {tuple(pool.processes()) for _ in range(5) if pool.ask("2x", "x+x", 30)}
    assert len(kept) == 1


def test_a_process_killed_at_work_leaves_the_answer_untold(pool: Pool) -> None:
    assert pool.ask("x+1", "1+x", 30) is True
    found: list[bool | None] = []
    asking = threading.Thread(target=lambda: found.append(pool.ask("(10^8)!", "x", 30)))
    asking.start()
    for _ in range(2):
        while not (working := pool.processes(idle=False)):
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(working[0], signal.SIGKILL)
        while working[0] in pool.processes(idle=False):
            time.sleep(0.01)
    asking.join(30)
    assert found == [None]


def test_the_memory_limit_holds(pool: Pool) -> None:
    assert pool.ask("x+1", "1+x", 30) is True
    (process,) = pool.processes()
    limits = Path(f"/proc/{process}/limits").read_text().splitlines()
    rows = {line[:25].strip(): line[25:].split()[0] for line in limits}
    assert rows["Max address space"] == str(worker.MEMORY)
    assert rows["Max file size"] == "0"


def test_a_process_finds_nothing_of_our_environment(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3cr3t")
    assert pool.ask("x+1", "1+x", 30) is True
    (process,) = pool.processes()
    assert b"s3cr3t" not in Path(f"/proc/{process}/environ").read_bytes()


def test_threads_share_the_processes(pool: Pool) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: pool.ask(f"x+{n}", f"{n % 7}+x", 30), range(28)))
    assert found == [n < 7 for n in range(28)]
    assert len(pool.processes()) <= (os.cpu_count() or 1)


def test_a_forked_child_asks_processes_of_its_own(pool: Pool) -> None:
    assert pool.ask("x+1", "1+x", 30) is True
    parents = pool.processes()
    child = os.fork()
    if child == 0:
        right = pool.processes() == [] and pool.ask("2x", "x+x", 30) is True
        right = right and pool.processes() != parents
        pool.close()
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pool.processes() == parents
    assert pool.ask("x+1", "1+x", 30) is True


def test_a_process_ends_with_its_host() -> None:
    program = (
        "from autodata.metrics import answers\n"
        "assert answers.equivalent('x+1', '1+x', seconds=30)\n"
        "print(*answers._pool.processes())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


@pytest.mark.parametrize(
    "answer",
    [
        "__import__('os').system('echo harm')",
        "().__class__.__bases__[0].__subclasses__()",
        "[exit() for x in (1,)]",
        "lambda: 0",
        r"\text{__import__('os')}",
        r"\operatorname{exec}(1)",
        "eval(1)",
        "{x.__class__ : x > 0}",
        "x_{__import__('os').getcwd()}",
        "open(1) if x > 0, exit() otherwise",
        "f'{1+1}'",
        r"\frac{1.50}{x} + 2",
        "x >= 0.25 or x < -1",
        "[[1.5, 2], [x, 4]]",
        r"\begin{cases} 0.5x & x > 1 \\ |x| & x \le 1 \end{cases}",
    ],
)
def test_no_answer_is_evaluated_as_a_program(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sympy.parsing.sympy_parser

    assert worker.decide("x+1", "1+x") is True
    evaluated: list[str] = []

    def trap(text: Any, *rest: Any, **named: Any) -> None:
        evaluated.append(str(text))
        raise AssertionError("evaluated")

    monkeypatch.setattr(builtins, "eval", trap)
    monkeypatch.setattr(sympy.parsing.sympy_parser, "parse_expr", trap)
    monkeypatch.setattr(sympy.parsing.sympy_parser, "eval_expr", trap)
    assert worker.decide(answer, "2") in (False, None)
    assert worker.decide("x", answer) in (False, None)
    assert evaluated == []
