"""What a skill may import from its host. Importing it is optional: plain functions need nothing of it.

    from skillwright import tool, progress

    @tool
    def resize(width: int) -> dict:
        progress(1, 10, "reading")
        ...
"""

_tools = {}
_send = None


class SkillError(Exception):
    """Raise it to answer with your own message, JSON-RPC error code and data instead of a traceback."""

    def __init__(self, message, code=-32000, data=None):
        super().__init__(message)
        self.code = code if isinstance(code, int) else -32000
        self.data = data


def tool(function=None, *, name=None):
    """Marks a function as a tool of this skill. The manifest's list of tools, if it has one, decides."""
    if function is None:
        return lambda inner: tool(inner, name=name)
    _tools[name or function.__name__] = function
    return function


def progress(done=None, total=None, message=None):
    """Tells the caller how far the running call is."""
    given = {"progress": done, "total": total, "message": message}
    _notify("progress", {key: value for key, value in given.items() if value is not None})


def log(message, level="info", **fields):
    """Adds a line to the log of the running call."""
    _notify("log", {"level": str(level), "message": str(message), **fields})


def _notify(method, params):
    if _send is not None:
        _send(method, params)
