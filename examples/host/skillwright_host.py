"""A client for `skillwright host --stdio`: JSON lines over a child process. Standard library only, Python >= 3.9.

    with SkillHost(["skillwright", "host", "--stdio"]) as host:
        print(host.call("skill.run", id="roman_numerals", input={"number": 1994})["value"])

Calls may overlap: each thread waits for the answer with the id of its request. Long ones tell how they go:

    host.call("skill.generate", on_event=lambda event: print(event["stage"], event["status"]), intent="...")
"""

import itertools
import json
import queue
import subprocess
import threading

PROTOCOL = 1


class SkillHostError(Exception):
    """What the host answered in place of a payload: `code` to switch over, `fix` for who can do something."""

    def __init__(self, error):
        super().__init__("%s: %s" % (error.get("code"), error.get("message")))
        self.code = error.get("code")
        self.message = error.get("message")
        self.fix = error.get("fix")
        self.details = error.get("details") or {}


class SkillHost:
    """A running host. It ends when its input is closed, after what was begun is done."""

    def __init__(self, command, timeout=120.0):
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._waiting = {}
        self._lock = threading.Lock()
        self._closed = False
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def call(self, command, on_event=None, **payload):
        """Sends one command and waits for its payload. Raises SkillHostError for an error, TimeoutError, EOFError.

        `on_event` gets each event before the answer, in the thread that calls; the timeout is for the time without one.
        """
        request_id = "r%d" % next(self._ids)
        waiting = queue.SimpleQueue()
        request = {"v": PROTOCOL, "request_id": request_id, "command": command, "payload": payload}
        if on_event is not None:
            request["events"] = True
        line = json.dumps(request)
        with self._lock:
            if self._closed:
                raise EOFError("the host has ended")
            self._waiting[request_id] = waiting
            # one whole line at a time, ASCII: no character can be taken for a line end
            try:
                self._process.stdin.write(line.encode("ascii") + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                raise EOFError("the host has ended") from None
        try:
            answer = self._answer(waiting, on_event)
        except queue.Empty:
            raise TimeoutError("%s was not answered within %s seconds" % (command, self._timeout)) from None
        finally:
            with self._lock:
                self._waiting.pop(request_id, None)
        if answer is None:
            raise EOFError("the host ended before it answered %s" % command)
        if answer["ok"]:
            return answer["payload"]
        raise SkillHostError(answer["error"])

    def _answer(self, waiting, on_event):
        while True:
            line = waiting.get(timeout=self._timeout)
            if line is None or "event" not in line:
                return line
            on_event(line["event"])

    def close(self):
        """Closes the input and waits for the host to end. The answer is its exit code."""
        with self._lock:
            self._closed = True
            if not self._process.stdin.closed:
                self._process.stdin.close()
        code = self._process.wait(self._timeout)
        self._reader.join(self._timeout)
        self._process.stdout.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def _read(self):
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.get(answer.get("request_id"))
            if waiting is not None:
                waiting.put(answer)
        with self._lock:
            self._closed = True
            left, self._waiting = self._waiting, {}
        for waiting in left.values():
            waiting.put(None)
