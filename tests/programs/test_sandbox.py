"""What a check says, of honest programs and of hostile ones, and that the host never notices."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandboxing import EQUALS_ONE, SECRET, SHORT, children, needs, until, verdict, watched

from autodata.programs import background
from autodata.programs.sandbox import VERIFIER_FAILED, Limits, Verdict, check

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the host is watched by /proc")

ONE = "def solve():\n    return 1\n"
FOREVER = "def solve():\n    while True: pass\n"


@pytest.fixture(autouse=True)
def host() -> Iterator[Path]:
    with watched() as folder:
        yield folder


def body(text: str) -> str:
    """Make a program whose `solve` runs a text."""
    return "def solve():\n" + textwrap.indent(textwrap.dedent(text), "    ")


def test_a_right_solution_passes() -> None:
    assert verdict(ONE) == Verdict(True, "")


def test_a_wrong_solution_fails() -> None:
    assert verdict(body("return 2")) == Verdict(False, "verify returned False")


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("def solve(:", "SyntaxError: invalid syntax (<solution>, line 1)"),
        ("def other(): pass", "AttributeError: the program defines no function `solve`"),
        ("solve = 1", "AttributeError: the program defines no function `solve`"),
        ("x = missing", "NameError: name 'missing' is not defined (line 1)"),
        (body("\nreturn missing"), "NameError: name 'missing' is not defined (line 3)"),
        ("raise SystemExit(0)", "SystemExit: 0 (line 1)"),
        (body("raise SystemExit(0)"), "SystemExit: 0 (line 2)"),
        ("class E(Exception): pass\ndef solve(): raise E('no')", "E: no (line 2)"),
        (body("return object()"), "WireError: a value of type object cannot be sent"),
        (body("return 'x' * 2_000_000"), "WireError: the value takes 2000016 bytes, at most"),
        (body("return solve()"), "RecursionError: maximum recursion depth exceeded"),
        (body("return 'x' * 10**9"), "memory limit (line 2)"),
        (body("x = []\nwhile True: x.append('y' * 10**6)"), "memory limit (line 3)"),
        ("import numpy", "ModuleNotFoundError: No module named 'numpy' (line 1)"),
        ("\ud800", "UnicodeEncodeError: "),
        ("import os\nos._exit(0)", "the program ended itself with exit code 0"),
        (body("import os\nos._exit(0)"), "the program ended itself with exit code 0"),
        (
            "import sys\nsys.setrecursionlimit(10**9)\n"
            "class A:\n    def __repr__(self): return repr(self)\n" + body("return repr(A())"),
            "the program was ended by signal 11",
        ),
    ],
)
def test_a_solution_that_does_not_work_fails_and_says_why(solution: str, reason: str) -> None:
    found = verdict(solution)
    assert not found.passed
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    "solution", [FOREVER, body("import time\ntime.sleep(60)"), "while 1: pass"]
)
def test_a_solution_that_does_not_end_meets_the_time_limit(solution: str) -> None:
    assert verdict(solution, limits=SHORT) == Verdict(False, "time limit")


def test_processor_time_is_limited_apart_from_time_by_the_clock() -> None:
    limits = Limits(cpu_seconds=1, wall_seconds=20)
    assert verdict(FOREVER, limits=limits) == Verdict(False, "time limit")


ATTACKS = {
    "a fork bomb": "import os\nwhile True: os.fork()",
    "a fork bomb that goes on": """
        import os
        for _ in range(10_000):
            try: os.fork()
            except OSError: pass
        raise OSError""",
    "a daemon": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(60)
            os._exit(0)""",
    "another program": "import subprocess\nsubprocess.run(['/bin/sleep', '60'])",
    "another program in its place": "import os\nos.execv('/bin/true', ['true'])",
    "a thread": "import threading\nthreading.Thread(target=print).start()",
    "a signal to the parent": "import os\nos.kill(os.getppid(), 9)",
    "a signal to everybody": "import os\nos.kill(-1, 9)",
    "limits for the parent": """
        import os, resource
        resource.prlimit(os.getppid() or 1, resource.RLIMIT_CPU, (0, 0))""",
    "a file of the host": "open('/etc/passwd').read()",
    "the host's processes": "import os\nos.listdir('/proc')",
    "the library": "import os\nopen(os.__file__, 'a')",
    "the folder for temporary files": "open('/tmp/left', 'w')",
    "a folder": "import os\nos.mkdir('deep')",
    "a large file": "open('big', 'wb').write(bytes(100_000_000))",
    "many files": """
        for i in range(1000):
            with open(f'f{i}', 'wb') as file: file.write(bytes(1_000_000))""",
    "many open files": "files = [open(f'f{i}', 'w') for i in range(1000)]",
    "shared memory": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.shmget(0, 1 << 20, 0o1666) < 0: raise OSError(ctypes.get_errno())""",
    "another user": "import os\nos.setresuid(0, 0, 0)",
    "a namespace with privileges": """
        import ctypes
        if ctypes.CDLL(None).unshare(0x10000000) < 0: raise OSError""",
}


REFUSED = """
def verify(solve):
    try:
        solve()
    except (OSError, RuntimeError):
        return True
    return False
"""
"""Passes exactly those solutions to which the system, or Python for it, says no."""


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_computation_does_not_need_is_refused(attack: str) -> None:
    needs("namespaces", "files out of sight", "Landlock", "system call filter")
    found = verdict(body(ATTACKS[attack]), REFUSED, Limits(cpu_seconds=1))
    assert found == Verdict(True, "")


def test_what_is_not_refused_would_be_seen() -> None:
    assert verdict(ONE, REFUSED) == Verdict(False, "verify returned False")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_waiting_server_hears_nothing(
    host: Path, family: socket.AddressFamily, kind: socket.SocketKind
) -> None:
    needs("system call filter")
    path = host / "server"
    with socket.socket(family, kind) as server:
        server.bind(str(path) if family == socket.AF_UNIX else ("127.0.0.1", 0))
        address = server.getsockname()
        calling = f"""
            import socket
            with socket.socket({int(family)}, {int(kind)}) as client:
                client.connect({address!r})
                client.send(b'x')
            return 1"""
        if kind == socket.SOCK_STREAM:
            server.listen()
        server.setblocking(False)
        assert verdict(body(calling), REFUSED) == Verdict(True, "")
        with pytest.raises(BlockingIOError):
            server.accept() if kind == socket.SOCK_STREAM else server.recv(1)
    path.unlink(missing_ok=True)


def test_a_file_in_the_working_folder_can_be_written_and_read() -> None:
    solution = body("""
        with open('notes.txt', 'w') as file: file.write('1')
        return int(open('notes.txt').read())""")
    assert verdict(solution).passed


def test_the_standard_library_can_be_imported() -> None:
    modules = "bisect, ctypes, decimal, fractions, heapq, itertools, json, random, sqlite3, ssl"
    zone = "import zoneinfo, lzma, bz2, zlib, hashlib, unicodedata, asyncio, statistics, typing"
    assert verdict(f"import {modules}\n{zone}\n{ONE}").passed


FORGERIES = [
    b"True\n",
    b'{"passed": true, "reason": "", "lost": false}',
    b'["ready", true]',
    b'["returned", true]',
    b'["returned", 1]',
]


@pytest.mark.parametrize("text", FORGERIES)
@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_a_verdict_cannot_be_forged_by_writing(text: bytes, framed: bool, inside: bool) -> None:
    frame = len(text).to_bytes(4, "big") + text if framed else text
    writing = f"""
        import os, sys
        sys.stdout.write({text.decode()!r}), sys.stderr.write({text.decode()!r})
        for number in range(256):
            for _ in range(3):
                try: os.write(number, {frame!r})
                except OSError: pass
        os._exit(0)"""
    solution = body(writing) if inside else textwrap.dedent(writing)
    verifier = "def verify(solve):\n    first, second = solve(), solve()\n    return second == 3\n"
    assert not verdict(solution, verifier).passed


def test_a_solution_cannot_answer_before_it_is_asked() -> None:
    early = b'["ready", true]'
    frame = len(early).to_bytes(4, "big") + early
    found = verdict(f"import os\nos.write(4, {frame!r})\nos.close(4)\nwhile 1: pass", limits=SHORT)
    assert not found.passed


def test_a_returned_value_cannot_claim_to_equal_everything() -> None:
    solution = """
class Everything(int):
    def __eq__(self, other): return True
    def __hash__(self): return 0
class Any(dict):
    def __eq__(self, other): return True
def solve(): return Everything(7)
"""
    assert verdict(solution) == Verdict(False, "verify returned False")
    assert not verdict(f"{solution}\ndef solve(): return Any()").passed


def test_a_solution_cannot_find_the_verifier() -> None:
    solution = body("""
        import gc, os, sys
        frame, seen = sys._getframe(), []
        while frame:
            seen += [*frame.f_locals.values(), *frame.f_globals.values()]
            frame = frame.f_back
        objects = gc.get_objects()
        seen += [x for y in objects for x in gc.get_referents(y)]
        hidden = ' '.join(['verifiers', 'secret'])
        return [str(x)[:99] for x in seen if isinstance(x, (str, bytes)) and hidden in str(x)]""")
    verifier = "def verify(solve):\n    'verifiers secret'\n    assert solve() == [], solve()\n"
    verifier += "    return True\n"
    assert verdict(solution, verifier) == Verdict(True, "")


def test_neither_program_sees_the_environment() -> None:
    looking = "import os, sys\n    found = [*os.environ.items(), *sys.argv]"
    solution = f"def solve():\n    {looking}\n    return found"
    verifier = f"def verify(solve):\n    {looking}\n    return solve() == found == ['']"
    assert verdict(solution, verifier) == Verdict(True, "")
    assert os.environ["AUTODATA_SECRET"] == SECRET


def test_a_file_beside_ours_can_neither_be_read_nor_changed(host: Path) -> None:
    journal = host / "journal.sqlite"
    journal.write_text(SECRET)
    journal.chmod(0o666)
    for mode in ("r", "w"):
        found = verdict(body(f"return open({str(journal)!r}, {mode!r}).read()"))
        assert found.reason.startswith(("FileNotFoundError", "PermissionError"))
    assert journal.read_text() == SECRET
    journal.unlink()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("return 1", f"{VERIFIER_FAILED}verify returned 1, not True or False"),
        ("return 'True'", f"{VERIFIER_FAILED}verify returned 'True', not True or False"),
        ("pass", f"{VERIFIER_FAILED}verify returned None, not True or False"),
        ("return [True]", f"{VERIFIER_FAILED}verify returned a value of type list, not"),
        ("raise KeyError('x')", f"{VERIFIER_FAILED}KeyError: 'x' (line 2)"),
        ("raise SystemExit", f"{VERIFIER_FAILED}SystemExit: (line 2)"),
        ("assert solve() == 2, 'two'", "verify: assertion failed: two (line 2)"),
        ("return solve(open)", f"{VERIFIER_FAILED}WireError: a value of type builtin_function"),
        ("import os; os._exit(0)", f"{VERIFIER_FAILED}the program ended itself with exit code 0"),
        ("import os; os.fork()", f"{VERIFIER_FAILED}"),
        (
            "raise ValueError('\\x1b[31m\\n' + 'x' * 1000)",
            f"{VERIFIER_FAILED}ValueError: \ufffd[31m x",
        ),
    ],
)
def test_a_verifier_that_does_not_say_true_passes_nothing(text: str, reason: str) -> None:
    found = verdict(ONE, f"def verify(solve):\n    {text}\n")
    assert not found.passed
    assert found.reason.startswith(reason)
    assert len(found.reason) <= 300
    assert found.reason.isprintable()


@pytest.mark.parametrize("text", ["while True: pass", "import time; time.sleep(60)"])
def test_a_verifier_that_does_not_end_is_to_blame(text: str) -> None:
    found = verdict(ONE, f"def verify(solve):\n    {text}\n", SHORT)
    assert found == Verdict(False, f"{VERIFIER_FAILED}time limit")


@pytest.mark.parametrize("verifier", ["def verify(:", "def other(): pass"])
def test_a_verifier_that_cannot_be_loaded_is_to_blame(verifier: str) -> None:
    assert verdict(ONE, verifier).reason.startswith(VERIFIER_FAILED)


def test_an_expected_error_is_the_error_that_was_raised() -> None:
    verifier = "def verify(solve):\n    try: solve()\n    except ValueError: return True\n"
    assert verdict(body("raise ValueError('no')"), verifier).passed
    assert not verdict(body("raise KeyError('no')"), verifier).passed


@pytest.mark.parametrize("solution", ["import os\nos._exit(0)", body("import os\nos._exit(0)")])
def test_the_end_of_the_solution_is_no_error_that_a_verifier_may_expect(solution: str) -> None:
    verifier = "def verify(solve):\n    try: solve()\n    except BaseException: return True\n"
    assert not verdict(solution, verifier).passed


def test_a_solution_that_cannot_be_loaded_fails_even_if_it_is_never_called() -> None:
    assert not verdict("def solve(:", "def verify(solve): return True").passed


def test_what_json_lacks_arrives_as_it_was_sent() -> None:
    solution = "def solve(*values, **named):\n    return values, named"
    verifier = """
def verify(solve):
    sent = [(1, 2), {3}, frozenset([4]), {(5, 6): None}, {"$set": 7}, b"8", 9j, 10**5000, "\\ud800"]
    return solve(*sent, last=float("inf")) == (tuple(sent), {"last": float("inf")})
"""
    assert verdict(solution, verifier) == Verdict(True, "")


def test_a_cancelled_check_leaves_nothing() -> None:
    async def main() -> None:
        task = asyncio.create_task(check(FOREVER, EQUALS_ONE, Limits(cpu_seconds=9)))
        await asyncio.sleep(0.4)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


@pytest.mark.parametrize("wait", [0.0, 0.01, 0.03, 0.06])
def test_a_check_can_be_cancelled_at_any_moment(wait: float) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(wait):
                await check(FOREVER, EQUALS_ONE)

    asyncio.run(main())


def test_a_killed_host_leaves_nothing(host: Path) -> None:
    program = f"""
import asyncio, tempfile
from autodata.programs.sandbox import Limits, check
tempfile.tempdir = {str(host)!r}
asyncio.run(check({FOREVER!r}, {EQUALS_ONE!r}, Limits(cpu_seconds=60, wall_seconds=60)))
"""
    with subprocess.Popen([sys.executable, "-c", program]) as running:
        until(lambda: any(host.glob("*/verifier")))
        assert any(host.iterdir())
        running.send_signal(signal.SIGKILL)
    until(lambda: not any(host.iterdir()))


def test_a_check_works_on_a_loop_in_another_thread() -> None:
    assert background.run(check(ONE, EQUALS_ONE)).passed
    found: list[Verdict] = []
    thread = threading.Thread(target=lambda: found.append(verdict(ONE)))
    thread.start()
    thread.join()
    assert found == [Verdict(True, "")]


def test_fifty_checks_at_a_time_end_and_keep_to_the_number_of_processors() -> None:
    most = 0

    async def main() -> list[Verdict]:
        nonlocal most
        before = len(children())
        checks = [check(body(f"return {i % 2}"), EQUALS_ONE) for i in range(50)]
        task = asyncio.gather(*checks)
        while not task.done():
            most = max(most, len(children()) - before)
            await asyncio.sleep(0.05)
        return await task

    assert [found.passed for found in asyncio.run(main())] == [False, True] * 25
    assert 1 <= most <= (os.cpu_count() or 1)


def test_a_program_of_absurd_length_is_not_run() -> None:
    long = "#" * 1_000_001
    assert verdict(long).reason == "the program is longer than 1000000 characters"
    assert verdict(ONE, long).reason.startswith(VERIFIER_FAILED)
    assert verdict(ONE + "#" * (1_000_000 - len(ONE))).passed


def test_verdicts_do_not_depend_on_the_order_of_sets() -> None:
    solution = body("return [list({str(i) for i in range(50)})]")
    verifier = "def verify(solve):\n    raise ValueError(solve())\n"
    assert len({verdict(solution, verifier) for _ in range(3)}) == 1
