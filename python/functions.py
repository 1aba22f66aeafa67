"""A skill made of functions: which of them are tools, and how one is called with the input of a request."""

import os
import sys

import skillwright
from failures import describe, failure_data, print_traceback
from wire import IMPORT_FAILED, INVALID_PARAMS, METHOD_NOT_FOUND, TOOL_FAILED, Answer, identity

SCALARS = {"str", "int", "float", "bool", "list", "tuple", "bytes"}


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
            return identity(self._orders, sorted(self.tools()))
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
        print_traceback(error)
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
        return finish(answer) if hasattr(answer, "__await__") else answer

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


def finish(awaitable):
    """Runs a coroutine on one loop for the life of the process, so that clients kept in globals stay usable."""
    import asyncio

    if not _loop:
        _loop.append(asyncio.new_event_loop())
        asyncio.set_event_loop(_loop[0])

    async def wait():
        return await awaitable

    return _loop[0].run_until_complete(wait())
