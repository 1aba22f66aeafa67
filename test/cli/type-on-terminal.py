"""Runs a command on a terminal of its own and types what it is asked for.

Its one argument is JSON: {"argv": [...], "answers": [[what is waited for, what is typed], ...]}; a number in
place of a text is the signal that the command is sent instead. What the terminal
showed, and whether it is as it was before, is printed as JSON; the exit code is the command's.
"""

import fcntl
import json
import os
import pty
import signal
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


def stop(*_):
    raise TimeoutError


signal.signal(signal.SIGTERM, stop)
before = termios.tcgetattr(terminal)
answers, shown, waiting = list(order["answers"]), "", ""
while True:
    try:
        part = os.read(terminal, 65536)
    except TimeoutError:  # an OSError as well
        shown += "\n(it did not end)"
        os.kill(pid, signal.SIGKILL)
        break
    except OSError:  # what Linux says when the other end is closed
        break
    if not part:
        break
    text = part.decode("utf-8", "replace")
    shown, waiting = shown + text, waiting + text
    if answers and answers[0][0] in waiting:
        answer, waiting = answers.pop(0)[1], ""
        if isinstance(answer, str):
            os.write(terminal, answer.encode())
        else:
            os.kill(pid, answer)
# Raw mode is left, and a cursor that was hidden is shown again.
restored = termios.tcgetattr(terminal) == before and shown.rfind("\x1b[?25l") <= shown.rfind("\x1b[?25h")
json.dump({"shown": shown, "restored": restored}, sys.stdout)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
