"""Plays the attacker once, so that the host knows what its sandbox holds back here.

Each attempt is a fact in the answer, one line of JSON on standard output. The host doesn't take the answer's word for
what it can see itself: files, connections, survivors.
"""

import json
import os
import sys


def main(orders):
    facts = {}
    for name, attempt in ATTEMPTS.items():
        if name in orders:
            try:
                facts[name] = attempt(orders[name])
            except BaseException as error:
                facts[name] = {"refused": "%s: %s" % (type(error).__name__, error)}
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def identity(_):
    return {"pid": os.getpid(), "node": os.uname().nodename, "namespace": os.readlink("/proc/self/ns/pid")}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(order):
    path, text = order
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return "written"


def truncate(path):
    os.truncate(path, 0)
    return "truncated"


def connect(address):
    import socket

    family = socket.AF_INET if isinstance(address, list) else socket.AF_UNIX
    with socket.socket(family) as client:
        client.settimeout(2)
        client.connect(tuple(address) if isinstance(address, list) else address)
        client.sendall(b"canary")
    return "connected"


def proxied(addresses):
    """What the proxy answers to each request for a connection."""
    import socket

    answers = []
    for host, port in addresses:
        with socket.create_connection(("127.0.0.1", 3128), 5) as client:
            client.sendall(b"CONNECT %s:%d HTTP/1.1\r\n\r\n" % (host.encode(), port))
            answers.append(int(client.recv(64).split(b" ")[1]))
    return answers


def fork(_):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def bomb(most):
    """Starts children that wait, until it may not; tells at once, because what follows ends with a signal."""
    import signal

    children = []
    try:
        while len(children) < most:
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    os.write(1, b"children %d\n" % len(children))
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(children)


def survive(seconds):
    """A daemon that holds standard output open, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import time

            os.write(1, b"survivor\n")
            time.sleep(seconds)
        os._exit(0)
    import time

    time.sleep(seconds)
    return "survived"


def thread(_):
    import threading

    seen = []
    worker = threading.Thread(target=seen.append, args=(1,))
    worker.start()
    worker.join()
    return "ran" if seen else "did not run"


def memory(size):
    block = bytearray(size)
    block[::4096] = b"x" * len(block[::4096])
    return "allocated"


def file_size(order):
    path, size = order
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return "filled"


def space(folder):
    status = os.statvfs(folder)
    return status.f_blocks * status.f_frsize


def cpu(_):
    import resource

    return resource.getrlimit(resource.RLIMIT_CPU)[1]


def execute(_):
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "pass"])


# In this order: the last ones end the process when they succeed.
ATTEMPTS = {
    "identity": identity,
    "input": read,
    "secret": read,
    "output": write,
    "outside": write,
    "truncate": truncate,
    "loopback": connect,
    "local_socket": connect,
    "proxied": proxied,
    "fork": fork,
    "thread": thread,
    "space": space,
    "cpu": cpu,
    "file_size": file_size,
    "memory": memory,
    "bomb": bomb,
    "survive": survive,
    "execute": execute,
}
