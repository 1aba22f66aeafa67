"""Carries a confined program's connections to its proxy: a TCP port inside to a unix socket of the host.

A process of its own, because the program itself may open no unix socket. It ends with the sandbox.
"""

import os

import _socket  # `socket` would cost the program six milliseconds
import libc

PR_SET_DUMPABLE = 4
MOST = 64
PART = 1 << 16


def start(order):
    """Listens when it returns. To be called before limits and filters are in force."""
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", order["port"]))
    listener.listen(MOST)
    if os.fork() != 0:
        listener.close()
        return
    try:
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # its memory is not the program's to open
        run(listener.fileno(), order["socket"])
    finally:
        os._exit(0)


def run(fd, path):
    import socket
    import threading

    # The program's streams end with the program, not with this process.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.environ.clear()
    listener = socket.socket(fileno=os.dup2(fd, 3))
    os.closerange(4, 1 << 16)
    free = threading.BoundedSemaphore(MOST)

    def carry(client):
        try:
            with client, socket.socket(socket.AF_UNIX) as proxy:
                proxy.connect(path)
                back = threading.Thread(target=pump, args=(proxy, client), daemon=True)
                back.start()
                pump(client, proxy)
                back.join()
        except OSError:
            pass
        finally:
            free.release()

    def pump(source, target):
        try:
            while True:
                part = source.recv(PART)
                if not part:
                    break
                target.sendall(part)
        except OSError:
            pass
        for side, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                side.shutdown(how)
            except OSError:
                pass

    while True:
        free.acquire()
        client, _ = listener.accept()
        threading.Thread(target=carry, args=(client,), daemon=True).start()
