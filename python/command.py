"""Becomes a declared program that is not a Python file. Standard library only.

The filter of system calls lets one start through: an `execve` that carries the key in the arguments which the call
itself does not use. With that start the key is gone, like all of this process's memory, so the program that runs then
can start no other, and not even itself again.
"""

import _signal  # `signal` would load `enum`
import os
import sys

EXECVE = {"x86_64": 59, "aarch64": 221}


def become(orders, key):
    """Replaces this process. `orders["command"]`: path, and args with the name first. Without a key any exec is allowed."""
    path, args = orders["command"]["path"], orders["command"]["args"]
    env = dict(os.environ)
    env.update(orders.get("env") or {})
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and programs inherit that
        _signal.signal(getattr(_signal, name), _signal.SIG_DFL)
    try:
        if key is None:
            os.execve(path, args, env)
        else:
            exec_with_key(path, args, env, key)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        sys.stderr.write("%s cannot be started: %s\n" % (args[0], reason))
        sys.stderr.flush()
        os._exit(126)


def exec_with_key(path, args, env, key):
    import ctypes

    def strings(values):
        encoded = [os.fsencode(value) for value in values]
        if any(b"\0" in value for value in encoded):
            raise ValueError("an argument or variable holds a NUL byte")
        return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    library.syscall(
        ctypes.c_long(EXECVE[os.uname().machine]),
        ctypes.c_char_p(os.fsencode(path)),
        strings(args),
        strings("%s=%s" % pair for pair in env.items()),
        *(ctypes.c_ulong(int(part, 16)) for part in key),
    )
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
