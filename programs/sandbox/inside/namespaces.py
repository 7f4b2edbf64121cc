"""Linux namespaces: no network, no sight of other processes, and almost no files."""

# Importing pathlib would take longer than all that is done here.
# ruff: noqa: PTH102, PTH103, PTH110

import errno
import os
import struct
from collections.abc import Sequence

from .libc import call

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _BIND, _REC, _PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_READ_ONLY = struct.pack("4Q", 1 | _NOSUID | _NODEV, 0, 0, 0)


def separate() -> None:
    """Take network and shared memory from this process; its first child also loses sight of others.

    Root needs no user namespace. Anybody else gets one, where the system permits it.
    """
    flags = _NEWUTS | _NEWIPC | _NEWPID | _NEWNET
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        call("unshare", flags)
        return
    call("unshare", flags | _NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        _write(f"/proc/self/{name}", text)


def restrict_view(folder: str, readable: Sequence[str], size: int) -> str:
    """Make a file system in memory the root, with nothing but `readable` (read only) in it.

    The folders keep their paths, so the interpreter finds its library where it was, and their
    parents are new: a user who may not enter `/root` still reads a library that lies below it.

    Args:
        folder: An empty folder to mount it on.
        readable: Absolute paths of folders; what does not exist is left out.
        size: Bytes for all files together.

    Returns:
        The path of the empty working folder.
    """
    call("unshare", _NEWNS)
    call("mount", None, b"/", None, _REC | _PRIVATE, None)
    options = f"size={size},nr_inodes=1024,mode=755".encode()
    call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", _NOSUID | _NODEV, options)
    for path in readable:
        below = folder + path
        os.makedirs(below, exist_ok=True)
        call("mount", os.fsencode(path), os.fsencode(below), None, _BIND | _REC, None)
        call(
            "syscall",
            _MOUNT_SETATTR,
            _AT_FDCWD,
            os.fsencode(below),
            _AT_RECURSIVE,
            _READ_ONLY,
            len(_READ_ONLY),
        )
    os.mkdir(f"{folder}/work", 0o700)
    os.chdir(folder)
    call("pivot_root", b".", b".")
    call("umount2", b".", _MNT_DETACH)
    os.chdir("/work")
    if os.path.exists(folder):
        raise OSError(errno.EBUSY, f"{folder}: still in sight")
    return "/work"


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
