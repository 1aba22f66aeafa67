"""A client for `skillwright host --stdio`: JSON lines over a child process. Standard library only, Python >= 3.9.

    with SkillHost(["skillwright", "host", "--stdio"]) as host:
        print(host.call("skill.run", id="roman_numerals", input={"number": 1994})["value"])

Calls may overlap: each thread waits for the answer with the id of its request. Long ones tell how they go:

    host.call("skill.generate", on_event=lambda event: print(event["stage"], event["status"]), intent="...")

A call that takes too long is cancelled, and so is a request that is left before its answer:

    host.call("skill.run", timeout=5, id="roman_numerals", input={"number": 1994})
    with host.begin("skill.run", id="roman_numerals", input={"number": 1994}) as request:
        ...  # another thread may say request.cancel()
        print(request.result()["value"])
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


class Request:
    """A command that was sent. `SkillHost.begin` gives it."""

    def __init__(self, host, request_id, command, lines, on_event):
        self._host = host
        self._request_id = request_id
        self._command = command
        self._lines = lines
        self._on_event = on_event
        self._answer = None

    def result(self, timeout=None):
        """Waits for the payload. `timeout` is in seconds without an event; default: the host's."""
        while self._answer is None:
            try:
                line = self._lines.get(timeout=self._host.timeout if timeout is None else timeout)
            except queue.Empty:
                raise TimeoutError("%s was not answered in time" % self._command) from None
            if line is None:
                self._lines.put(None)
                raise EOFError("the host ended before it answered %s" % self._command)
            if "event" in line:
                self._on_event(line["event"])
            else:
                self._answer = line
        if self._answer["ok"]:
            return self._answer["payload"]
        raise SkillHostError(self._answer["error"])

    def cancel(self):
        """Tells the host to end it: `result` then raises SkillHostError with the code "cancelled", unless it was done.

        The answer is whether it was still under way.
        """
        return self._host.call("request.cancel", request_id=self._request_id)["under_way"]

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        try:
            if self._answer is None:
                unread = self._host.begin("request.cancel", request_id=self._request_id)
                self._host._forget(unread._request_id)
        except EOFError:
            pass  # a host that has ended does nothing any more
        finally:
            self._host._forget(self._request_id)


class SkillHost:
    """A running host. It ends when its input is closed, after what was begun is done."""

    def __init__(self, command, timeout=120.0):
        self.timeout = timeout
        self._ids = itertools.count(1)
        self._waiting = {}
        self._lock = threading.Lock()
        self._closed = False
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def call(self, command, on_event=None, timeout=None, **payload):
        """Sends one command and waits for its payload. Raises SkillHostError for an error, TimeoutError, EOFError.

        `on_event` gets each event before the answer, in the thread that calls; the timeout is for the time without one.
        Who no longer waits, be it for the timeout or for Ctrl-C, has cancelled the request.
        """
        with self.begin(command, on_event, **payload) as request:
            return request.result(timeout)

    def begin(self, command, on_event=None, **payload):
        """Sends one command without waiting. Use the Request with `with`: leaving it cancels what was not answered."""
        request_id = "r%d" % next(self._ids)
        request = {"v": PROTOCOL, "request_id": request_id, "command": command, "payload": payload}
        if on_event is not None:
            request["events"] = True
        line = json.dumps(request)
        with self._lock:
            if self._closed:
                raise EOFError("the host has ended")
            lines = self._waiting[request_id] = queue.SimpleQueue()
            # one whole line at a time, ASCII: no character can be taken for a line end
            try:
                self._process.stdin.write(line.encode("ascii") + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                raise EOFError("the host has ended") from None
        return Request(self, request_id, command, lines, on_event)

    def _forget(self, request_id):
        with self._lock:
            self._waiting.pop(request_id, None)

    def close(self):
        """Closes the input and waits for the host to end. The answer is its exit code."""
        with self._lock:
            self._closed = True
            if not self._process.stdin.closed:
                self._process.stdin.close()
        code = self._process.wait(self.timeout)
        self._reader.join(self.timeout)
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
