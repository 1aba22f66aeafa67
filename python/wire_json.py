"""JSON by the accelerator of the standard library alone.

The `json` package in front of it loads `re`, `enum` and `functools` for patterns that only its slow way uses: a third
of the start of a process that needs nothing else of them. The rules are the same, but NaN and Infinity are not written.
"""

try:
    import _json
except ImportError:  # an interpreter without it
    _json = None


WHITE = " \t\n\r"


def decode(text):
    """The value of a text. Raises ValueError."""
    text = text.strip(WHITE)
    try:
        value, end = _scan(text, 0)
    except StopIteration as stop:
        raise ValueError("a value is missing at character %d" % stop.value) from None
    if end < len(text):
        raise ValueError("something follows the value at character %d" % end)
    return value


def encode(value, default):
    """A value as text, in one line; `default` makes values of JSON out of others. Raises TypeError, ValueError, RecursionError."""
    if type(value) is str:
        return _string(value)
    # Anew each time: it remembers what it is inside of, and threads share nothing.
    return "".join(_json.make_encoder({}, default, _string, None, ":", ",", False, False, False)(value, 0))


class Rules:
    """What the scanner asks for."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


if _json is None:
    import json

    def encode(value, default):  # noqa: F811
        form = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
        return json.dumps(value, default=default, **form)

    decode = json.loads  # noqa: F811
else:
    _scan, _string = _json.make_scanner(Rules), _json.encode_basestring
