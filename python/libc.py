"""Two functions of Linux's C library, called through `_ctypes` alone.

The `ctypes` package in front of it makes types that nobody here needs: three milliseconds of each start.
"""

import os
import sys

import _ctypes


class Int(_ctypes._SimpleCData):
    _type_ = "i"


class Long(_ctypes._SimpleCData):
    _type_ = "l"


class Word(_ctypes._SimpleCData):
    _type_ = "I"


class Pair(_ctypes._SimpleCData):
    _type_ = "Q"


class Byte(_ctypes._SimpleCData):
    _type_ = "B"


class IntFunction(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Int


class LongFunction(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Long


if sys.platform == "linux":  # elsewhere nothing of it is asked for
    _handle = _ctypes.dlopen(None, 0)
    _prctl = IntFunction(_ctypes.dlsym(_handle, "prctl"))
    _syscall = LongFunction(_ctypes.dlsym(_handle, "syscall"))


def prctl(*args):
    """The call's answer, negative on failure."""
    return _prctl(*map(_passed, args))


def syscall(*args):
    """A system call without a wrapper of its own, by its number; negative on failure."""
    return _syscall(*map(_passed, args))


def require(name, answer):
    """The answer of the call just made; a negative one is an OSError that tells its name."""
    if answer < 0:
        number = _ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))
    return answer


def words(*values):
    """An array of 32 bits each, to be passed by its address."""
    return (Word * len(values))(*values)


def pairs(*values):
    """An array of 64 bits each, to be passed by its address."""
    return (Pair * len(values))(*values)


def copied(data):
    """Bytes in memory of their own, and their address: to be kept as long as the address is used."""
    memory = (Byte * len(data)).from_buffer_copy(data)
    return memory, _ctypes.addressof(memory)


def _passed(arg):
    return Long(arg) if isinstance(arg, int) else arg
