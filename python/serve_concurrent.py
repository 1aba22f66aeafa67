"""Serving several calls at a time: loaded only for a skill of functions that says `concurrent = true`.

Async functions run on one event loop in the main thread, plain ones in threads, at most so many as the orders say. A
`cancel` notification ends an async function, by `asyncio.CancelledError`; nothing can end a plain one.

Whatever Python code prints during a call is written to stderr between two marks. Behind the first stands the number
of the call, behind the second 0, each followed by a NUL.
"""

import asyncio
import concurrent.futures
import contextvars
import io
import os
import resource
import sys
import threading
import time

import skillwright
from wire import Answer, read_request

CANCELLED = -32800
COROUTINE = 0x80
MAX_LINE = 8192

_current = contextvars.ContextVar("call", default=None)


class Call:
    """One `invoke` under way."""

    def __init__(self, request_id):
        self.id = request_id
        self.task = None
        self.cancelled = self.waiting = False
        self.cpu_ms = None
        self.line = b""
        self.marks = 0

    def usage(self):
        """Of a plain function: processor milliseconds of its thread. Those of one loop can't be told apart."""
        if self.cpu_ms is None:
            return ""
        return ',"usage":[%d,%d]' % (self.cpu_ms, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    def printed(self):
        """How many marks stand in stderr when all that it printed has come."""
        return ',"printed":%d' % self.marks if self.marks else ""


class Output(io.RawIOBase):
    """Bytes that Python code prints, for the call in whose context it does."""

    def __init__(self, fd, mark):
        self._fd, self._mark = fd, mark.encode()
        self._lock = threading.Lock()
        self._marks = 0

    def writable(self):
        return True

    def fileno(self):
        return self._fd

    def write(self, data):
        data, call = bytes(data), _current.get()
        if call is None:
            with self._lock:
                self._write_all(data)
            return len(data)
        line = call.line + data
        end = len(line) if len(line) > MAX_LINE else line.rfind(b"\n") + 1
        call.line = line[end:]
        self._write_marked(call, line[:end])
        return len(data)

    def finish(self, call):
        """Writes what is left of a call's last line."""
        rest, call.line = call.line, b""
        self._write_marked(call, rest)

    def _write_marked(self, call, text):
        if text:
            with self._lock:
                begin, end = self._mark + b"%d\0" % call.id, self._mark + b"0\0"
                self._write_all(begin + text + end)
                self._marks += 2
                call.marks = self._marks

    def _write_all(self, data):
        try:
            while data:
                data = data[os.write(2, data) :]
        except OSError:
            pass


class Server:
    """Takes requests from the wire as they come."""

    def __init__(self, wire, functions, orders):
        self._wire, self._functions = wire, functions
        self._output = Output(2, orders["mark"])
        self._threads = concurrent.futures.ThreadPoolExecutor(orders["concurrent"], "call")
        self._loop = asyncio.new_event_loop()
        self._calls = {}
        self._buffer = bytearray()

    def run(self):
        """Serves until the input ends or `shutdown` comes."""
        for name in ("stdout", "stderr"):
            stream = io.TextIOWrapper(self._output, "utf-8", "backslashreplace", write_through=True)
            setattr(sys, name, stream)
            setattr(sys, "__%s__" % name, stream)
        skillwright._send = self._notify
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self._wire.rx, self._read)
        self._loop.run_forever()
        if self._calls:
            os._exit(0)  # nobody waits for them, and a plain function can't be ended

    def _notify(self, method, params):
        call = _current.get()
        self._wire.notify(method, params if call is None else {**params, "request_id": call.id})

    def _read(self):
        chunk = os.read(self._wire.rx, 65_536)
        if not chunk:
            self._loop.stop()
        self._buffer += chunk
        if b"\n" in chunk:
            *lines, self._buffer = self._buffer.split(b"\n")
            for line in lines:
                self._take(bytes(line))

    def _take(self, line):
        request_id = None
        try:
            request_id, method, params = read_request(line)
            if method == "invoke" and isinstance(request_id, int):
                call = self._calls[request_id] = Call(request_id)
                call.task = self._loop.create_task(self._serve(call, params))
            elif method in ("cancel", "skill.cancel"):
                self._cancel(params)
            elif method == "shutdown":
                self._wire.answer(request_id, '"result":null')
                self._loop.stop()
            else:
                result = self._functions.handle(method, params)
                self._wire.answer(request_id, '"result":' + self._wire.result(result))
        except Answer as answer:
            self._wire.answer(request_id, self._wire.error(answer))

    def _cancel(self, params):
        call = self._calls.get(params.get("id")) if isinstance(params, dict) else None
        if call is not None and not call.cancelled:
            call.cancelled = True
            if call.waiting:
                call.task.cancel()

    async def _serve(self, call, params):
        _current.set(call)
        try:
            member = '"result":' + self._wire.result(await self._value(call, params))
        except Answer as answer:
            member = self._wire.error(answer)
        except asyncio.CancelledError:
            member = self._wire.error(Answer(CANCELLED, "cancelled"))
        self._output.finish(call)
        del self._calls[call.id]
        self._wire.answer(call.id, member + call.usage() + call.printed())

    async def _value(self, call, params):
        """What a function answers. Only while an async one is awaited can it be cancelled."""
        tool, given = self._functions.tool(params)
        if _is_async(tool.function):
            value = self._functions.guarded(lambda: tool.start(given))
        else:
            value = await self._in_thread(call, lambda: self._functions.guarded(lambda: tool.start(given)))
        if not hasattr(value, "__await__"):
            return value
        call.waiting = True
        if call.cancelled:
            call.task.cancel()
        try:
            return await value
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            raise self._functions.failure(error) from None
        finally:
            call.waiting = False

    async def _in_thread(self, call, action):
        def run():
            began = time.thread_time()
            try:
                return action(), None
            except Answer as answer:  # a future can't carry every exception, a pair can
                return None, answer
            finally:
                call.cpu_ms = int((time.thread_time() - began) * 1000)

        value, failure = await self._loop.run_in_executor(self._threads, contextvars.copy_context().run, run)
        if failure is not None:
            raise failure
        return value


def _is_async(function):
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & COROUTINE)
