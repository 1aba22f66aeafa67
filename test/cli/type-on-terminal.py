"""Runs a command on a terminal of its own and types what it is asked for.

Its one argument is JSON: {"argv": [...], "answers": [[what is waited for, what is typed], ...]}. What the terminal
showed is printed; the exit code is the command's.
"""

import fcntl
import json
import os
import pty
import struct
import sys
import termios

order = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    # One without a size breaks every line after each character.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    os.execv(order["argv"][0], order["argv"])

answers, shown, waiting = list(order["answers"]), "", ""
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:  # what Linux says when the other end is closed
        break
    if not part:
        break
    text = part.decode("utf-8", "replace")
    shown, waiting = shown + text, waiting + text
    if answers and answers[0][0] in waiting:
        os.write(terminal, answers.pop(0)[1].encode())
        waiting = ""
print(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
