"""Narrows the own process, for good: parent, capabilities, limits, Landlock, seccomp, in this order.

Standard library only. `ctypes` is imported when something asks for it, because it costs four milliseconds.
"""

import _signal  # `signal` would load `enum`
import os
import sys

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
SIGKILL = 9

# Landlock access rights to files, by the bit of include/uapi/linux/landlock.h.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = (1 << bit for bit in range(13, 16))
READ = READ_FILE | READ_DIR
# No sockets, pipes or devices: whoever collects the files must not find them.
FILL = READ | WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM
WRITE = FILL | REMOVE_DIR | REFER
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

# Numbers of system calls without a wrapper in libc. Landlock's are the same everywhere.
CAPSET = {"x86_64": 126, "aarch64": 91}
SECCOMP = {"x86_64": 317, "aarch64": 277}
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446


def apply(cfg):
    """Applies a plan's `confine`. Raises OSError when a part of it is not to be had."""
    if cfg.get("parent"):
        tie_to_parent(cfg["parent"])
    for name in set(os.environ) - set(cfg["env"]):
        del os.environ[name]  # runtimes and bwrap add some of their own
    os.chdir(cfg["workdir"])
    if cfg.get("drop_capabilities"):
        drop_capabilities()
    if cfg.get("relay"):
        import relay

        relay.start(cfg["relay"], libc)
        del sys.modules["relay"]  # a skill may have a module of that name
    set_limits(cfg.get("rlimits", {}))
    grants = cfg.get("grants", {})
    for path, identity in grants.items():
        check_grant(path, identity, os.lstat(path))
    if cfg.get("landlock"):
        landlock(cfg["landlock"], grants)
    if cfg.get("filter"):
        seccomp(bytes.fromhex(cfg["filter"]))


def libc():
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return ctypes, library


def call(name, ctypes, function, *args):
    """Calls a C function with long arguments; a negative answer is an OSError that tells its name."""
    result = function(*(ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))
    return result


def tie_to_parent(parent):
    """Dies with the host. The host may have died before the kernel was told, so its id is compared afterwards."""
    if os.getpgrp() != os.getpid():
        os.setsid()
    if sys.platform == "linux":
        ctypes, library = libc()
        call("PR_SET_PDEATHSIG", ctypes, library.prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def drop_capabilities():
    """Root without capabilities: an owner of files, nothing more."""
    ctypes, library = libc()
    for capability in range(64):
        if library.prctl(PR_CAPBSET_DROP, ctypes.c_long(capability), 0, 0, 0) < 0:
            break  # the last one, or not root
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    call("capset", ctypes, library.syscall, CAPSET[os.uname().machine], ctypes.byref(header), ctypes.byref(nothing))


def set_limits(limits):
    if not limits:
        return
    import resource

    for name, (soft, hard) in limits.items():
        resource.setrlimit(getattr(resource, name), (soft, hard))
    if "RLIMIT_CPU" in limits:
        # The first process of a namespace has no default actions, and 152 is what a shell would report.
        _signal.signal(_signal.SIGXCPU, lambda *_: os._exit(152))


def check_grant(path, identity, found):
    """What is there now must be what the host looked at: a path can come to lead elsewhere until it is opened."""
    if [str(found.st_dev), str(found.st_ino)] != identity:
        raise OSError("the granted path %s changed after it was checked" % path)


def landlock(rules, grants):
    """Allows what `rules` lists and nothing else: read, write, fill (write, but no folder is removed), execute."""
    ctypes, library = libc()
    version = library.syscall(LANDLOCK_CREATE, None, ctypes.c_long(0), ctypes.c_long(1))
    if version < 1:
        if rules["required"]:
            raise OSError("this kernel has no Landlock")
        return
    known = (1 << 13) - 1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        known |= right if version >= since else 0
    # Files, TCP, and from version 6 on abstract sockets and signals to others. TCP is left to seccomp.
    attributes = (ctypes.c_uint64 * 3)(known, 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = call("landlock_create_ruleset", ctypes, library.syscall, LANDLOCK_CREATE, attributes, size, 0)
    execute = EXECUTE if rules["execute"] else 0
    for kind, rights in (("read", READ | execute), ("write", WRITE | execute), ("fill", FILL)):
        for path in rules[kind]:
            add_path(ctypes, library, ruleset, path, rights & known, grants.get(path))
    call("PR_SET_NO_NEW_PRIVS", ctypes, library.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("landlock_restrict_self", ctypes, library.syscall, LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)


def add_path(ctypes, library, ruleset, path, rights, identity):
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # what does not exist needs no permission
    try:
        if identity is not None:
            check_grant(path, identity, os.fstat(fd))
        if not os.path.isdir(path):
            rights &= FILE_RIGHTS
        # A packed structure: 64 bits of rights, 32 of descriptor.
        rule = (ctypes.c_uint32 * 3)(rights, 0, fd)
        call("landlock_add_rule", ctypes, library.syscall, LANDLOCK_ADD, ruleset, 1, rule, 0)
    finally:
        os.close(fd)


def seccomp(code):
    """Installs a filter of system calls in all threads."""
    ctypes, library = libc()

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    buffer = ctypes.create_string_buffer(code, len(code))
    program = Program(len(code) // 8, ctypes.addressof(buffer))
    call("PR_SET_NO_NEW_PRIVS", ctypes, library.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("seccomp", ctypes, library.syscall, SECCOMP[os.uname().machine], 1, 1, ctypes.byref(program))
