"""The serving loop: trusted code that runs a skill inside its sandbox. Standard library only, Python >= 3.9.

`main(orders)` is called by boot.py once the process is confined. Orders, one JSON object:

    mode     functions | stdio | fd | tests | outline
    entry    absolute path of the skill's file          source   folder of the package's sources
    digests  SHA-256 of its Python files, by path below source: other bytes are not run
    site     site-packages folders, appended (no .pth file ever runs)
    tools    names of the functions to serve            id, version   what the handshake answers
    limit    bytes of one message                       env      environment, secrets included
    concurrent  calls that are served at the same time, 1 unless the skill says that it can do more
    mark     written to stderr behind what a call printed
    text     the Python text to outline          args   what follows the entry in sys.argv

Every mode but fd moves the protocol off descriptors 0 and 1, so that no print, child process or C library can
break it.
"""

import io
import os
import sys
import time

import skillwright
import sources
import wire_json

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
TOOL_FAILED, TOO_LARGE, NOT_JSON, IMPORT_FAILED = -32000, -32001, -32002, -32003
PROTOCOL_VERSION = 2
SCALARS = {"str", "int", "float", "bool", "list", "tuple", "bytes"}


def main(orders):
    mode = orders["mode"]
    os.environ.update(orders.get("env") or {})
    overlapping = mode == "functions" and orders.get("concurrent", 1) > 1
    trusted = _trusted_modules("overlapping" if overlapping else mode)
    rx, tx = (0, 1) if mode == "fd" else _private_channel()
    wire = Wire(rx, tx, orders.get("limit") or 102_400)
    skillwright._send = wire.notify
    _set_paths(orders)
    orders["read"] = sources.reader(orders)
    if mode in ("stdio", "fd"):
        _run_program(orders, rx, tx, mode)
    elif mode == "outline":
        wire.serve(_fixed(orders, {"outline": lambda _params: trusted["outline"].outline(orders["text"], wire.limit)}))
    elif mode == "tests":
        wire.watch_output(orders["mark"])
        wire.serve(_fixed(orders, {"run_tests": lambda _params: trusted["run_tests"].run(orders, wire.notify)}))
    elif overlapping:
        trusted["serve_concurrent"].Server(wire, Functions(orders), orders).run()
    else:
        wire.watch_output(orders["mark"])
        wire.serve(Functions(orders).handle)


def _trusted_modules(mode):
    """Imports our own modules, then takes them out of the way of a skill's modules of the same names."""
    names = {"outline": ["outline"], "tests": ["run_tests"], "overlapping": ["serve_concurrent"]}.get(mode, [])
    loaded = {name: __import__(name) for name in names}
    for name in ("serve", "sources", "wire_json", *names):
        sys.modules.pop(name, None)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if path and os.path.abspath(path) != here]
    return loaded


def _private_channel():
    """The protocol's descriptors, no longer 0 and 1: input becomes /dev/null, output becomes stderr, for children too."""
    rx, tx = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0, inheritable=True)
    os.close(null)
    os.dup2(2, 1, inheritable=True)
    return rx, tx


def _set_paths(orders):
    sys.path.extend(orders.get("site") or [])
    if orders.get("entry"):
        folders = [os.path.dirname(orders["entry"]), orders.get("source") or ""]
        sys.path[:0] = list(dict.fromkeys(folder for folder in folders if folder))
        sys.argv = [orders["entry"], *orders.get("args", ())]


# --- the wire ---------------------------------------------------------------------------------------------------


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


# --- answers ----------------------------------------------------------------------------------------------------


def _fixed(orders, methods):
    """The handler of a process that serves no skill but one piece of our own work."""

    def handle(method, params):
        if method in ("handshake", "skill.handshake"):
            return _identity(orders, [])
        if method not in methods:
            raise Answer(METHOD_NOT_FOUND, "method not found: %s" % method)
        return methods[method](params)

    return handle


def _identity(orders, tools):
    return {
        "name": orders.get("id"),
        "version": orders.get("version"),
        "protocol_version": PROTOCOL_VERSION,
        "tools": tools,
    }


class Functions:
    """A skill made of functions. The file is imported at the first handshake, which tells how it went."""

    def __init__(self, orders):
        self._orders = orders
        self._source = orders.get("source") or os.path.dirname(orders["entry"])
        self._tools = None

    def handle(self, method, params):
        """The result of one request."""
        if method == "invoke":
            tool, given = self.tool(params)
            return self.guarded(lambda: tool.call(given))
        if method in ("handshake", "skill.handshake"):
            return _identity(self._orders, sorted(self.tools()))
        if method in ("health", "skill.health", "ping"):
            return {"status": "ok"}
        raise Answer(METHOD_NOT_FOUND, "method not found: %s" % method)

    def tool(self, params):
        """The tool that an `invoke` names, and what it is given."""
        name = params.get("tool") if isinstance(params, dict) else None
        tool = self.tools().get(name)
        if tool is None:
            raise Answer(METHOD_NOT_FOUND, "no tool named %r" % name, {"tools": sorted(self.tools())})
        return tool, params.get("input")

    def tools(self):
        if self._tools is None:
            module = self.guarded(lambda: load_skill(self._orders["entry"], self._orders["read"]), IMPORT_FAILED)
            self._tools = _find_tools(module, self._orders)
        return self._tools

    def guarded(self, action, code=TOOL_FAILED):
        try:
            return action()
        except BaseException as error:  # SystemExit too: a tool that exits has not answered
            raise self.failure(error, code) from None

    def failure(self, error, code=TOOL_FAILED):
        """The answer that an exception of the skill becomes. Its traceback goes to the log."""
        if isinstance(error, Answer):
            return error
        if isinstance(error, skillwright.SkillError):
            return Answer(error.code, str(error), error.data)
        _print_traceback(error)
        return Answer(code, describe(error), failure_data(error, self._source))


def load_skill(entry, read):
    """Imports the entry file as `skill` (a hand-run `__main__` block stays quiet), also known by its own name."""
    module = type(sys)("skill")
    module.__file__ = entry
    stem = os.path.splitext(os.path.basename(entry))[0]
    sys.modules["skill"] = module
    sys.modules.setdefault(stem, module)
    exec(compile(read(entry), entry, "exec", dont_inherit=True), module.__dict__)
    return module


def _find_tools(module, orders):
    names = orders.get("tools") or []
    marked = {name: fn for name, fn in skillwright._tools.items()}
    if not names:
        names = list(marked) or ["invoke"]
    found = {name: marked.get(name) or getattr(module, name, None) for name in names}
    missing = [name for name, function in found.items() if not callable(function)]
    if missing:
        own = sorted(
            name
            for name, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", None) == "skill" and not name.startswith("_")
        )
        entry = os.path.basename(orders["entry"])
        raise Answer(
            METHOD_NOT_FOUND,
            "%s defines no function named %s; it defines %s" % (entry, ", ".join(missing), ", ".join(own) or "none"),
            {"tools": own[:50]},
        )
    return {name: Tool(function) for name, function in found.items()}


class Tool:
    """A function with what a call must know of its signature. Not `inspect`: importing it costs 5 ms."""

    def __init__(self, function):
        self.function = function
        target = function
        while hasattr(target, "__wrapped__"):
            target = target.__wrapped__
        code = getattr(target, "__code__", None)
        self.known = code is not None
        self.models = {}
        if code is None:
            return
        skip = 1 if hasattr(target, "__self__") else 0
        positional = code.co_varnames[skip : code.co_argcount]
        keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        optional = len(target.__defaults__ or ())
        self.names = set(positional) | set(keyword_only)
        self.required = set(positional[: len(positional) - optional]) | (
            set(keyword_only) - set(target.__kwdefaults__ or ())
        )
        self.open = bool(code.co_flags & 8)
        hints = getattr(target, "__annotations__", {})
        scope = getattr(target, "__globals__", {})
        self.whole = _takes_whole_input(positional, keyword_only, self.open, hints)
        for name in self.names:
            hint = hints.get(name)
            model = scope.get(hint) if isinstance(hint, str) else hint
            if isinstance(model, type) and hasattr(model, "__dataclass_fields__"):
                self.models[name] = model

    def call(self, given):
        answer = self.start(given)
        return _finish(answer) if hasattr(answer, "__await__") else answer

    def start(self, given):
        """What the function returns: an async one has not run yet."""
        if self.known and self.whole is not None and not (isinstance(given, dict) and set(given) == {self.whole}):
            return self.function(given)
        return self.function(**self.arguments(given))

    def arguments(self, given):
        if given is None:
            given = {}
        if not isinstance(given, dict):
            raise Answer(INVALID_PARAMS, "input is a %s, an object is needed" % type(given).__name__)
        if not self.known:
            return given
        if given.keys() == self.names:
            return {name: self.model(name, value) for name, value in given.items()} if self.models else given
        missing = self.required - given.keys()
        extra = set() if self.open else given.keys() - self.names
        if missing or extra:
            said = [
                "%s arguments: %s" % (what, ", ".join(sorted(names)))
                for what, names in (("missing", missing), ("unexpected", extra))
                if names
            ]
            raise Answer(
                INVALID_PARAMS, "; ".join(said), {"missing": sorted(missing), "unexpected": sorted(extra)}
            )
        if not self.models:
            return given
        return {name: self.model(name, value) for name, value in given.items()}

    def model(self, name, value):
        model = self.models.get(name)
        if model is None or not isinstance(value, dict):
            return value
        try:
            return model(**value)
        except TypeError as error:
            raise Answer(INVALID_PARAMS, "argument %s: %s" % (name, error)) from None


def _takes_whole_input(positional, keyword_only, is_open, hints):
    """The name of the one parameter that is to get the whole input object, or None."""
    if len(positional) != 1 or keyword_only or is_open or positional[0] not in ("input", "params"):
        return None
    hint = hints.get(positional[0])
    name = hint if isinstance(hint, str) else getattr(hint, "__name__", "")
    return None if name in SCALARS else positional[0]


_loop = []


def _finish(awaitable):
    """Runs a coroutine on one loop for the life of the process, so that clients kept in globals stay usable."""
    import asyncio

    if not _loop:
        _loop.append(asyncio.new_event_loop())
        asyncio.set_event_loop(_loop[0])

    async def wait():
        return await awaitable

    return _loop[0].run_until_complete(wait())


# --- failures ---------------------------------------------------------------------------------------------------


def describe(error):
    try:
        text = str(error)
    except Exception:
        text = "?"
    return ("%s: %s" % (type(error).__name__, text) if text else type(error).__name__)[:2000]


def failure_data(error, source):
    data = {"exception": type(error).__name__}
    if isinstance(error, OSError) and error.errno is not None:
        data["errno"] = error.errno
    lines = own_lines(error, source)
    if lines:
        data["traceback"] = lines
    return data


def own_lines(error, source, most=12):
    """The traceback of the skill's own lines, the innermost last, bounded."""
    frames, step = [], error.__traceback__
    while step is not None:
        path = step.tb_frame.f_code.co_filename
        if path.startswith(source + os.sep):
            frames.append((path, step.tb_lineno, step.tb_frame.f_code.co_name))
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.filename and str(error.filename).startswith(source + os.sep):
        frames.append((error.filename, error.lineno or 0, "<syntax>"))
    if len(frames) > most:
        frames = frames[: most // 2] + frames[-most // 2 :]
    import linecache

    text = []
    for path, line, name in frames:
        code = linecache.getline(path, line).strip()[:200]
        text.append('File "%s", line %d, in %s' % (os.path.relpath(path, source), line, name[:100]))
        if code:
            text.append("    " + code)
    return "\n".join(text)[:4000]


def _print_traceback(error):
    """The whole traceback goes to the log, without our own frames at its start."""
    import traceback

    step, ours = error.__traceback__, os.path.dirname(__file__)
    while step is not None and os.path.dirname(step.tb_frame.f_code.co_filename) == ours:
        step = step.tb_next
    try:
        traceback.print_exception(type(error), error, step)
    except Exception:
        pass


# --- programs that speak for themselves -------------------------------------------------------------------------


def _run_program(orders, rx, tx, mode):
    """Runs the entry file as `__main__`. In stdio mode only Python's own streams reach the protocol."""
    if mode == "stdio":
        sys.stdin = sys.__stdin__ = open(rx, "r", encoding="utf-8", closefd=False)
        sys.stdout = sys.__stdout__ = open(tx, "w", encoding="utf-8", buffering=1, closefd=False)
    else:
        sys.stdout.reconfigure(line_buffering=True)
    entry, module = orders["entry"], type(sys)("__main__")
    module.__file__ = entry
    sys.modules["__main__"] = module
    exec(compile(orders["read"](entry), entry, "exec", dont_inherit=True), module.__dict__)
