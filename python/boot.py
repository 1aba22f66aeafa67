"""The trusted start of every confined program: `<interpreter> -I -S boot.py`.

Descriptors: 0, 1, 2 are the program's; 3 was the sandbox's; 4 is the host's private channel. One byte is written
there when everything trusted is loaded, then one line of JSON is read: what to confine and what to serve. End of file
instead of a line means that the host is gone or has changed its mind; nothing untrusted has run by then.
"""

import os
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)))

# Loaded before the program waits, so that a spare one has them.
import confine  # noqa: E402
import serve  # noqa: E402
import wire_json  # noqa: E402

CHANNEL = 4
MAX_ORDERS = 64 << 20


def close_inherited():
    """Closes what the host itself inherited: it passes through spawn, bwrap and exec."""
    try:
        opened = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        os.closerange(CHANNEL + 1, 1 << 16)
        opened = [3]
    for fd in opened:
        if fd == 3 or fd > CHANNEL:
            try:
                os.close(fd)
            except OSError:
                pass  # the descriptor that listed the folder


def read_line(fd):
    """One line, or None when the other side closed before it was complete."""
    data = bytearray()
    while not data.endswith(b"\n"):
        part = os.read(fd, 1 << 16)
        if not part or len(data) > MAX_ORDERS:
            return None
        data += part
    return bytes(data)


def main():
    close_inherited()
    os.write(CHANNEL, b"r")
    line = read_line(CHANNEL)
    os.close(CHANNEL)
    if line is None:
        return
    message = wire_json.decode(line.decode())
    del line
    try:
        confine.apply(message["confine"])
    except Exception as error:
        sys.stderr.write("the sandbox could not be completed: %s: %s\n" % (type(error).__name__, error))
        sys.stderr.flush()
        os._exit(70)
    sys.modules.pop("confine")  # a skill may have a module of that name
    orders = message["orders"]
    if "canary" in orders:
        import canary

        canary.main(orders["canary"])
    elif "launch" in orders:
        import launch

        launch.main(orders["launch"])
    elif "command" in orders:
        import command

        command.become(orders, message["confine"].get("exec_key"))
    else:
        serve.main(orders)


try:
    main()
except (BrokenPipeError, ConnectionResetError):
    os._exit(0)  # the host went away while this process was starting
