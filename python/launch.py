"""Runs programs for the host, one after another, confined as this process is, and ends them all with the host.

Standard input brings one line of JSON a program; its end means that the host is done or gone. What a program prints
goes to standard error, followed by a mark that only the host and this process know, with its exit code.
"""

import json
import os
import select

SIGKILL = 9
NOT_STARTED = 127


def main(orders):
    mark = orders["mark"]
    say(mark, 0)
    while True:
        line = read_line()
        if line is None:
            end()
        say(mark, run(json.loads(line)))


def read_line():
    """One line, or None when the host's end is closed. The host sends the next one when this one is answered."""
    data = bytearray()
    while not data.endswith(b"\n"):
        part = os.read(0, 1 << 16)
        if not part:
            return None
        data += part
    return bytes(data)


def run(order):
    child = os.fork()
    if child == 0:
        become(order)
    if hasattr(os, "pidfd_open"):
        fd = os.pidfd_open(child)
        if 0 in select.select([0, fd], [], [])[0]:
            end()  # the host went away meanwhile: nothing is sent before the answer
        os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def become(order):
    """Turns this process into the program, or says why not and ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        os.chdir(order["cwd"])
        os.execve(order["program"], [order["program"], *order["args"]], order["env"])
    except BaseException as error:
        os.write(2, ("%s: %s\n" % (order["program"], error)).encode())
    finally:
        os._exit(NOT_STARTED)


def say(mark, code):
    os.write(2, b"\0%s %d\n" % (mark.encode(), code))


def end():
    """Ends everything that was started and stayed in the group."""
    os.killpg(0, SIGKILL)
