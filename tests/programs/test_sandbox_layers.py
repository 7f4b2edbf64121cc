"""Each protection holds where others are missing, and what is missing is said."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandboxing import EQUALS_ONE, PARTS, needs, verdict, watched, weaken

from autodata.programs.sandbox import Limits, SandboxError, Verdict, check, isolation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the protections are Linux's")

ONE = "def solve():\n    return 1\n"


@pytest.fixture(autouse=True)
def host() -> Iterator[Path]:
    with watched() as folder:
        yield folder


def refused(text: str) -> bool:
    """Tell whether the system refuses what a solution does."""
    verifier = """
def verify(solve):
    try:
        solve()
    except OSError:
        return True
    return False
"""
    found = verdict(f"import os\ndef solve():\n    {text}\n", verifier)
    assert found in (Verdict(True, ""), Verdict(False, "verify returned False"))
    return found.passed


def test_every_measure_is_named_with_what_it_does_or_why_it_is_missing() -> None:
    measures = isolation()
    assert {measure.name for measure in measures} >= set(PARTS) | {"resource limits"}
    assert all(measure.detail for measure in measures)
    limits = next(measure for measure in measures if measure.name == "resource limits")
    assert limits.active


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_protection_is_said_and_checks_go_on(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch, part)
    found = {measure.name: measure for measure in isolation()}
    assert not found[part].active
    assert "taken away" in found[part].detail
    assert verdict(ONE).passed
    assert not verdict("def solve(): return 2").passed


def test_a_protection_that_is_gone_since_the_start_stops_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = isolation()
    part = "system call filter"
    needs(part)
    weaken(monkeypatch, part)
    monkeypatch.setattr("autodata.programs.sandbox.protection._measures", before)
    with pytest.raises(SandboxError, match=f"is gone: .*{part} .*taken away"):
        asyncio.run(check(ONE, EQUALS_ONE))


def test_a_sandbox_that_cannot_start_judges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autodata.programs.sandbox.process.START", "raise ValueError('broken')")
    with pytest.raises(SandboxError, match="ValueError: broken"):
        asyncio.run(check(ONE, EQUALS_ONE))


def test_without_a_system_call_filter_there_is_still_no_second_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weaken(monkeypatch, "system call filter")
    if os.geteuid() == 0 or Path("/proc/self/uid_map").read_text().split()[1] != "0":
        needs("own user")  # No limit on processes holds for root, whatever its name here.
    assert refused("os.fork()")


@pytest.mark.parametrize(
    "text",
    [
        "os.fork()",
        "os.kill(os.getppid(), 0)",
        "os.kill(1, 0)",
        "os.listdir('/')",
        "open('/etc/passwd')",
        "open('/proc/self/environ')",
        "import socket; socket.socket()",
        "open('../left', 'w')",
    ],
)
def test_without_namespaces_the_filter_and_landlock_refuse(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch, "namespaces")
    needs("system call filter", "Landlock")
    assert refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "os.kill(os.getppid() or 2, 0)",
        "open('/etc/passwd')",
        "os.listdir('/proc')",
        "import socket; socket.create_connection(('127.0.0.1', 80))",
        "open(os.__file__, 'a')",
    ],
)
def test_namespaces_alone_hide_the_host(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weaken(monkeypatch, "Landlock", "system call filter", "own user")
    needs("namespaces", "files out of sight")
    assert refused(text)


def test_files_on_disk_are_removed_however_deep_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    weaken(monkeypatch, "namespaces", "Landlock")
    nest = "for _ in range(1200): os.mkdir('nest'); os.chdir('nest'); open('f', 'w').close()"
    lock = "os.symlink('/etc', 'link'); os.mkdir('shut'); os.mkdir('shut/in'); os.chmod('shut', 0)"
    program = f"import os\n{lock}\n{nest}\n{ONE}"
    found = verdict(program, limits=Limits(cpu_seconds=20, wall_seconds=40))
    assert found == Verdict(True, "")
    assert Path("/etc/passwd").exists()
