"""Narrows the own process, for good: parent, capabilities, limits, Landlock, seccomp, in this order.

Standard library only.
"""

import _signal  # `signal` would load `enum`
import os
import sys

import libc

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

        relay.start(cfg["relay"])
        del sys.modules["relay"]  # a skill may have a module of that name
    set_limits(cfg.get("rlimits", {}))
    grants = cfg.get("grants", {})
    for path, identity in grants.items():
        check_grant(path, identity, os.lstat(path))
    if cfg.get("landlock"):
        landlock(cfg["landlock"], grants)
    if cfg.get("filter"):
        seccomp(bytes.fromhex(cfg["filter"]))


def tie_to_parent(parent):
    """Dies with the host. The host may have died before the kernel was told, so its id is compared afterwards."""
    if os.getpgrp() != os.getpid():
        os.setsid()
    if sys.platform == "linux":
        libc.require("PR_SET_PDEATHSIG", libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        os._exit(0)


def drop_capabilities():
    """Root without capabilities: an owner of files, nothing more."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break  # the last one, or not root
    header, nothing = libc.words(0x20080522, 0), libc.words(*[0] * 6)
    libc.require("capset", libc.syscall(CAPSET[os.uname().machine], header, nothing))


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
    version = libc.syscall(LANDLOCK_CREATE, 0, 0, 1)
    if version < 1:
        if rules["required"]:
            raise OSError("this kernel has no Landlock")
        return
    known = (1 << 13) - 1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        known |= right if version >= since else 0
    # Files, TCP, and from version 6 on abstract sockets and signals to others. TCP is left to seccomp.
    attributes = libc.pairs(known, 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.require("landlock_create_ruleset", libc.syscall(LANDLOCK_CREATE, attributes, size, 0))
    execute = EXECUTE if rules["execute"] else 0
    for kind, rights in (("read", READ | execute), ("write", WRITE | execute), ("fill", FILL)):
        for path in rules[kind]:
            add_path(ruleset, path, rights & known, grants.get(path))
    libc.require("PR_SET_NO_NEW_PRIVS", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    libc.require("landlock_restrict_self", libc.syscall(LANDLOCK_RESTRICT, ruleset, 0))
    os.close(ruleset)


def add_path(ruleset, path, rights, identity):
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
        rule = libc.words(rights, 0, fd)
        libc.require("landlock_add_rule", libc.syscall(LANDLOCK_ADD, ruleset, 1, rule, 0))
    finally:
        os.close(fd)


def seccomp(code):
    """Installs a filter of system calls in all threads."""
    _kept, address = libc.copied(code)
    # A structure of the count in 16 bits and, aligned, the address.
    program = libc.pairs(len(code) // 8, address)
    libc.require("PR_SET_NO_NEW_PRIVS", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    libc.require("seccomp", libc.syscall(SECCOMP[os.uname().machine], 1, 1, program))
