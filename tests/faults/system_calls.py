"""System calls that fail, as on a disk that breaks: by a seccomp filter, which takes neither a compiler nor root."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

NUMBERS = {
    "x86_64": (0xC000003E, {"pread64": 17, "pwrite64": 18, "fsync": 74, "fdatasync": 75, "ftruncate": 77}),
    "aarch64": (0xC00000B7, {"pread64": 67, "pwrite64": 68, "fsync": 82, "fdatasync": 83, "ftruncate": 46}),
}
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # of prctl
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # of the classic packet filter
_NUMBER, _ARCHITECTURE = 0, 4  # where they stand in what the filter is shown


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def are_known() -> bool:
    """Whether this machine's numbers are in the list."""
    return platform.system() == "Linux" and platform.machine() in NUMBERS


def let_fail(names: tuple[str, ...], error: int = errno.EIO) -> None:
    """From here on these calls of this process fail with ``error``. There is no way back. Raises OSError."""
    architecture, numbers = NUMBERS[platform.machine()]
    wanted = [numbers[name] for name in names]
    rules = [_rule(_LOAD, _ARCHITECTURE), _rule(_EQUAL, architecture, 1, 0), _rule(_RETURN, _ALLOW)]
    rules.append(_rule(_LOAD, _NUMBER))
    # Jumps count what they leave out: the other comparisons, and the rule that lets every other call pass.
    rules += [_rule(_EQUAL, number, len(wanted) - place, 0) for place, number in enumerate(wanted)]
    rules += [_rule(_RETURN, _ALLOW), _rule(_RETURN, _ERRNO | error)]
    _install(b"".join(rules), len(rules))


def _rule(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_so, if_not, value)


def _install(code: bytes, length: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(length, code)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, "no filter of system calls can be installed here")
