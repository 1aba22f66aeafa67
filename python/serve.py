"""The serving loop: trusted code that runs a skill inside its sandbox. Standard library only, Python >= 3.9.

`main(orders)` is called by boot.py once the process is confined. Orders, one JSON object:

    mode     functions | stdio | fd | tests | outline
    entry    absolute path of the skill's file          source   folder of the package's sources
    digests  SHA-256 of its Python files, by path below source: other bytes are not run
    site     site-packages folders, appended (no .pth file ever runs)
    tools    names of the functions to serve            id, version   what the handshake answers
    limit    bytes of one message                       env      environment, secrets included
    concurrent  calls that are served at the same time, 1 unless the skill says that it can do more
    mark     written to stderr behind what a call printed
    text     the Python text to outline          args   what follows the entry in sys.argv

Every mode but fd moves the protocol off descriptors 0 and 1, so that no print, child process or C library can
break it.
"""

import os
import sys

import skillwright
import sources
from functions import Functions
from wire import METHOD_NOT_FOUND, Answer, Wire, identity


def main(orders):
    mode = orders["mode"]
    os.environ.update(orders.get("env") or {})
    overlapping = mode == "functions" and orders.get("concurrent", 1) > 1
    trusted = _trusted_modules("overlapping" if overlapping else mode)
    rx, tx = (0, 1) if mode == "fd" else _private_channel()
    wire = Wire(rx, tx, orders.get("limit") or 102_400)
    skillwright._send = wire.notify
    _set_paths(orders)
    orders["read"] = sources.reader(orders)
    if mode in ("stdio", "fd"):
        _run_program(orders, rx, tx, mode)
    elif mode == "outline":
        wire.serve(_fixed(orders, {"outline": lambda _params: trusted["outline"].outline(orders["text"], wire.limit)}))
    elif mode == "tests":
        wire.watch_output(orders["mark"])
        wire.serve(_fixed(orders, {"run_tests": lambda _params: trusted["run_tests"].run(orders, wire.notify)}))
    elif overlapping:
        trusted["serve_concurrent"].Server(wire, Functions(orders), orders).run()
    else:
        wire.watch_output(orders["mark"])
        wire.serve(Functions(orders).handle)


def _trusted_modules(mode):
    """Imports our own modules, then takes them out of the way of a skill's modules of the same names."""
    names = {"outline": ["outline"], "tests": ["run_tests"], "overlapping": ["serve_concurrent"]}.get(mode, [])
    loaded = {name: __import__(name) for name in names}
    here = os.path.dirname(os.path.abspath(__file__))
    for name, module in list(sys.modules.items()):
        ours = os.path.dirname(getattr(module, "__file__", None) or "") == here
        if ours and name not in ("__main__", "skillwright"):
            del sys.modules[name]
    sys.path[:] = [path for path in sys.path if path and os.path.abspath(path) != here]
    return loaded


def _private_channel():
    """The protocol's descriptors, no longer 0 and 1: input becomes /dev/null, output becomes stderr, for children too."""
    rx, tx = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0, inheritable=True)
    os.close(null)
    os.dup2(2, 1, inheritable=True)
    return rx, tx


def _set_paths(orders):
    sys.path.extend(orders.get("site") or [])
    if orders.get("entry"):
        folders = [os.path.dirname(orders["entry"]), orders.get("source") or ""]
        sys.path[:0] = list(dict.fromkeys(folder for folder in folders if folder))
        sys.argv = [orders["entry"], *orders.get("args", ())]


def _fixed(orders, methods):
    """The handler of a process that serves no skill but one piece of our own work."""

    def handle(method, params):
        if method in ("handshake", "skill.handshake"):
            return identity(orders, [])
        if method not in methods:
            raise Answer(METHOD_NOT_FOUND, "method not found: %s" % method)
        return methods[method](params)

    return handle


def _run_program(orders, rx, tx, mode):
    """Runs the entry file as `__main__`. In stdio mode only Python's own streams reach the protocol."""
    if mode == "stdio":
        sys.stdin = sys.__stdin__ = open(rx, "r", encoding="utf-8", closefd=False)
        sys.stdout = sys.__stdout__ = open(tx, "w", encoding="utf-8", buffering=1, closefd=False)
    else:
        sys.stdout.reconfigure(line_buffering=True)
    entry, module = orders["entry"], type(sys)("__main__")
    module.__file__ = entry
    sys.modules["__main__"] = module
    exec(compile(orders["read"](entry), entry, "exec", dont_inherit=True), module.__dict__)
