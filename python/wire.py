"""The protocol of a skill's process: JSON-RPC 2.0, one message a line."""

import io
import os
import sys
import time

import wire_json

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
TOOL_FAILED, TOO_LARGE, NOT_JSON, IMPORT_FAILED = -32000, -32001, -32002, -32003
PROTOCOL_VERSION = 2


class Answer(Exception):
    """An error answer. Not a SkillError, so that a skill's `except` clauses never see it."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code, self.data = code, data


class WatchedOutput(io.FileIO):
    """Remembers that Python code has printed something."""

    used = False

    def write(self, data):
        WatchedOutput.used = True
        return super().write(data)


class Wire:
    """JSON lines on two descriptors."""

    def __init__(self, rx, tx, limit):
        import _thread

        self.rx, self.tx, self.limit = rx, tx, limit
        self._lock = _thread.allocate_lock()
        self._outputs, self._mark, self._marks = (), b"", 0
        self._cpu = 0

    def watch_output(self, mark):
        """From now on an answer tells whether something was printed before it, and where that ends in stderr."""
        self._mark = mark.encode()
        sys.stdout = sys.__stdout__ = _text_output(1)
        sys.stderr = sys.__stderr__ = _text_output(2)
        self._outputs = (sys.stdout, sys.stderr)

    def notify(self, method, params):
        text = '{"jsonrpc":"2.0","method":"%s","params":%s}' % (method, _encode(params))
        line = _bytes(text)
        if len(line) <= self.limit:
            self._write(line)

    def serve(self, handle):
        """Answers requests until the input ends or `shutdown` comes. `handle(method, params)` returns the result."""
        buffer, seen = bytearray(), 0
        self._usage()
        while True:
            chunk = os.read(self.rx, 65_536)
            if not chunk:
                return
            if not buffer and chunk.find(b"\n") == len(chunk) - 1:
                if self._answer(handle, chunk):
                    return
                continue
            buffer += chunk
            while (end := buffer.find(b"\n", seen)) >= 0:
                line = bytes(buffer[:end])
                del buffer[: end + 1]
                seen = 0
                if self._answer(handle, line):
                    return
            seen = len(buffer)

    def _answer(self, handle, line):
        """Handles one line; True after `shutdown`."""
        request_id, started = None, time.monotonic()
        try:
            request_id, method, params = read_request(line)
            if method == "shutdown":
                self.answer(request_id, '"result":null')
                return True
            member = '"result":' + self.result(handle(method, params))
        except Answer as answer:
            member = self.error(answer)
        if time.monotonic() - started > 0.001:
            member += self._usage()
        self.answer(request_id, member + self._printed())
        return False

    def answer(self, request_id, member):
        """Sends an answer: `member` is its result or error as JSON, with what else it is to say."""
        if request_id is not None:
            said = request_id if type(request_id) is int else _encode(request_id)
            self._write(_bytes('{"jsonrpc":"2.0","id":%s,%s}' % (said, member)))

    def result(self, value):
        """A result as JSON."""
        try:
            text = _encode(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise Answer(NOT_JSON, "result is not JSON: %s" % error) from None
        except Exception as error:
            raise Answer(NOT_JSON, "result is not JSON: %s: %s" % (type(error).__name__, error)) from None
        size = len(text) if text.isascii() else len(_bytes(text))
        if size + 64 > self.limit:
            raise Answer(TOO_LARGE, "result is %d bytes long, the limit is %d" % (size, self.limit - 64))
        return text

    def error(self, answer):
        """An error as a member of an answer."""
        error = {"code": answer.code, "message": str(answer)[:2000]}
        if answer.data is not None:
            try:
                if len(_encode(answer.data)) <= 8192:
                    error["data"] = answer.data
            except Exception:
                pass
        return '"error":' + _encode(error)

    def _usage(self):
        """Processor milliseconds since last told, and the largest memory so far; for display, not for decisions."""
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        total = int((used.ru_utime + used.ru_stime) * 1000)
        before, self._cpu = self._cpu, total
        return ',"usage":[%d,%d]' % (total - before, used.ru_maxrss)

    def _printed(self):
        """Sets a mark behind what was printed, since the host reads it from another pipe, and counts the marks."""
        for output in self._outputs:
            try:
                output.flush()
            except (ValueError, OSError):
                pass
        if not WatchedOutput.used:
            return ""
        WatchedOutput.used = False
        self._marks += 1
        try:
            os.write(2, self._mark)
        except OSError:
            return ""
        return ',"printed":%d' % self._marks

    def _write(self, line):
        line += b"\n"
        with self._lock:
            written = os.write(self.tx, line)
            while written < len(line):
                line = line[written:]
                written = os.write(self.tx, line)


def _text_output(fd):
    raw = WatchedOutput(fd, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _bytes(text):
    try:
        return text.encode()
    except UnicodeEncodeError:  # lone surrogates: legal in Python and, escaped, in JSON
        return "".join(c if c < "\ud800" or c > "\udfff" else "\\u%04x" % ord(c) for c in text).encode()


def _encode(value):
    return wire_json.encode(value, _plain)


def _plain(value):
    """Dataclasses become objects; nothing else is guessed."""
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is None:
        raise TypeError("%s is not a JSON type" % type(value).__name__)
    return {name: getattr(value, name) for name in fields}


def read_request(line):
    """Id, method and parameters of one line."""
    try:
        message = wire_json.decode(line.decode())
    except ValueError as error:
        raise Answer(PARSE_ERROR, "parse error: %s" % error) from None
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise Answer(INVALID_REQUEST, "invalid request")
    return message.get("id"), message["method"], message.get("params")


def identity(orders, tools):
    """What the handshake answers."""
    return {
        "name": orders.get("id"),
        "version": orders.get("version"),
        "protocol_version": PROTOCOL_VERSION,
        "tools": tools,
    }
