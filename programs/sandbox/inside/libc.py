"""System calls that Python's own library does not offer."""

import ctypes
import errno
import os
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_CAPABILITY_VERSION_3 = 0x20080522


def call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Call a function of Linux's C library.

    Raises:
        OSError: If it fails, or this is another system.
    """
    if sys.platform != "linux":  # Elsewhere the same numbers mean other things.
        raise OSError(errno.ENOSYS, f"{name}: only Linux has it")
    function = getattr(_LIBC, name)
    result = function(*(ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int, third: int | bytes | None = 0) -> None:
    """Set a property of this process (Linux)."""
    call("prctl", option, value, third, 0, 0)


def drop_capabilities() -> None:
    """Give up every privilege of this process (Linux)."""
    header = ctypes.create_string_buffer(_CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4), 8)
    call("capset", header, bytes(24))
