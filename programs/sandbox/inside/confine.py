"""Takes everything from a process that a plain computation does not need, step by step."""

# Importing pathlib would take longer than all that is done here.
# ruff: noqa: PTH100, PTH112, PTH120, PTH208

import errno
import os
import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any

from . import landlock, libc, namespaces, syscalls

SHARED_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/nix/store")
"""Where shared libraries and time zones are. Nothing in them is a secret."""
FILES = 32
"""Open files of one program."""
FOLDER_FILES = 8
"""How many files of the largest size fit into a working folder in memory."""
_USERS = (61184, 65519)
"""The range that systemd sets aside for passing users: no person's and no package's account."""


def library_folders() -> list[str]:
    """Return the folders that the interpreter loads modules and shared libraries from."""
    found: list[str] = []
    for path in [f"{sys.base_prefix}/lib", *SHARED_FOLDERS, *sys.path]:
        inside = any(path == outer or path.startswith(f"{outer}/") for outer in found)
        if os.path.isdir(path) and not inside:
            found.append(os.path.abspath(path))
    return found


def confine(work: str, limits: Mapping[str, Any], measures: dict[str, str]) -> None:
    """Confine this process for good.

    Args:
        work: An empty folder for the program's files.
        limits: The fields of `Limits`.
        measures: Gets one entry per measure: "" if it is in force, or why it is not.
    """
    readable = library_folders()
    if measures["namespaces"]:
        measures["files out of sight"] = "needs namespaces"
    else:
        size = FOLDER_FILES * limits["file_bytes"]
        try:
            work = namespaces.restrict_view(work, readable, size)
            measures["files out of sight"] = ""
        except OSError as error:
            measures["files out of sight"] = str(error)
    os.chdir(work)
    attempt(measures, "own user", lambda: _become_nobody(work))
    attempt(measures, "resource limits", lambda: _limit(limits))
    attempt(measures, "no new privileges", _renounce)
    attempt(measures, "Landlock", lambda: landlock.confine(".", readable))
    attempt(measures, "system call filter", syscalls.install)


def attempt(measures: dict[str, str], name: str, measure: Callable[[], None]) -> None:
    """Take a measure and note "", or why it was not possible."""
    try:
        measure()
        measures[name] = ""
    except OSError as error:
        measures[name] = str(error)


def _become_nobody(work: str) -> None:
    """Change from root to a user that owns nothing but the working folder.

    The number is drawn anew each time, so that one program's user is not another's.
    """
    if os.geteuid() != 0:
        raise OSError(errno.EPERM, "only root can change its user")
    first, last = _USERS
    user = first + int.from_bytes(os.urandom(4), "big") % (last - first + 1)
    os.chown(work, user, user)
    os.seteuid(user)
    try:
        os.listdir(os.path.dirname(os.__file__))
    except OSError:
        os.seteuid(0)
        os.chown(work, 0, 0)
        raise OSError(errno.EACCES, "Python's library cannot be read by other users") from None
    os.seteuid(0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _limit(limits: Mapping[str, Any]) -> None:
    bounds = {
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,  # Above the processes that there are: none can be added.
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_AS: limits["memory_bytes"],
    }
    for kind, bound in bounds.items():
        try:
            # Root of a namespace ignores the soft limit's signal, so both are the same.
            resource.setrlimit(kind, (bound, bound))
        except ValueError as error:
            raise OSError(errno.EPERM, f"resource limit {kind}: {error}") from None


def _renounce() -> None:
    """Give up privileges, the ways to get new ones, and being looked into by other processes."""
    libc.drop_capabilities()
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
    libc.prctl(libc.PR_SET_PDEATHSIG, 9)
