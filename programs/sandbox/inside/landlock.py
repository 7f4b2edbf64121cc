"""Landlock (Linux 5.13 and later): file access by list, no TCP, no signals to the outside."""

import os
import struct
from collections.abc import Sequence

from .libc import call

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE = 2, 4, 8, 32
_MAKE_REG, _TRUNCATE = 1 << 8, 1 << 14
_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_FILES = (1 << 16) - 1  # version 5 and later
_TCP, _SCOPES = 0b11, 0b11  # bind and connect (version 4); sockets and signals (version 6)


def confine(work: str, readable: Sequence[str]) -> None:
    """Deny this process every file but those in `work` (flat) and, to read, in `readable`.

    Raises:
        OSError: If the system has no Landlock, or a folder cannot be reached.
    """
    version = call("syscall", _CREATE, None, 0, 1)
    files = _FILES.get(version, _ALL_FILES)
    attributes = struct.pack("Q", files)
    if version >= 4:
        attributes += struct.pack("Q", _TCP)
    if version >= 6:
        attributes += struct.pack("Q", _SCOPES)
    rules = call("syscall", _CREATE, attributes, len(attributes), 0)
    own = _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
    try:
        for path, access in [(work, own), *((path, _READ_FILE | _READ_DIR) for path in readable)]:
            _allow(rules, path, access & files)
        call("syscall", _RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        call("syscall", _ADD_RULE, rules, 1, struct.pack("=Qi", access, folder), 0)
    finally:
        os.close(folder)
