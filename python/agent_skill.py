"""Serves a folder of Agent Skills: its instructions, its files, and each Python script of `scripts/` as a tool.

This text becomes part of the package, below a header with the scripts' dependencies; a function for each script and
the table of their command lines follow. Standard library only, Python >= 3.9.
"""

import contextlib
import io
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
MOST_BYTES = 65_536
#: Added for this package: no part of what was written.
OWN = ("manifest.toml", "skill.py")
#: By name of the tool: path, and arguments of the command line (None: a plain list).
SCRIPTS = {}


def instructions():
    """What this skill is good for and how it is done, and the files that belong to it."""
    name = next(name for name in ("SKILL.md", "skill.md") if os.path.exists(os.path.join(FOLDER, name)))
    with open(os.path.join(FOLDER, name), encoding="utf-8-sig") as file:
        lines = file.read().splitlines()
    end = next(index for index, line in enumerate(lines) if index and line.rstrip() == "---")
    return {"instructions": "\n".join(lines[end + 1 :]).strip("\n"), "files": _files()}


def read_file(path):
    """A text file of the skill, by its path as `instructions` lists it."""
    if path not in _files():
        raise ValueError("the skill has no file %r; it has %s" % (path, ", ".join(_files()[:50])))
    with open(os.path.join(FOLDER, path), "rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError("%r is larger than %d bytes" % (path, MOST_BYTES))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("%r is no text" % path) from None


def _files():
    found = []
    for folder, folders, names in os.walk(FOLDER):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        found += [os.path.relpath(os.path.join(folder, name), FOLDER) for name in sorted(names)]
    return [path for path in found if path not in OWN]


def _run(tool, given):
    """Runs a script as if it had been started by hand: JSON that it prints is the answer, else the text."""
    script = SCRIPTS[tool]
    path = os.path.join(FOLDER, script["path"])
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace", write_through=True)
    stdin = io.TextIOWrapper(io.BytesIO(given.pop("stdin", "").encode()), encoding="utf-8")
    argv, sys.argv = sys.argv, [path, *_command_line(script["arguments"], given)]
    paths = list(sys.path)
    sys.path.insert(0, os.path.dirname(path))
    before, sys.stdin = sys.stdin, stdin
    try:
        with contextlib.redirect_stdout(out):
            _execute(path)
    except SystemExit as end:
        if end.code not in (None, 0):
            printed = out.buffer.getvalue().decode("utf-8", "replace")[-2000:].strip()
            # argparse exits with 2 and has said why on stderr
            raise RuntimeError("%s ended with %s%s" % (script["path"], end.code, printed and ": " + printed)) from None
    finally:
        sys.path[:] = paths
        sys.argv, sys.stdin = argv, before
    text = out.buffer.getvalue().decode("utf-8", "replace").strip()
    try:
        return json.loads(text)
    except ValueError:
        return text


def _execute(path):
    module = type(sys)("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)


def _command_line(arguments, given):
    """The words of a command line. No value can pass for an option."""
    if arguments is None:
        return [str(word) for word in given.get("args", [])]
    options, places = [], []
    for row in arguments:
        name, flag = row["name"], row.get("flag")
        if name not in given or given[name] is None:
            continue
        value = given[name]
        if flag is None:
            places += [_word(one) for one in (value if row["list"] else [value])]
        elif row["kind"] in ("true", "false"):
            options += [flag] if value is (row["kind"] == "true") else []
        elif row["kind"] == "count":
            options += [flag] * int(value)
        elif row["kind"] == "append":
            options += [_option(flag, one) for one in value]
        elif row["list"]:
            wrong = next((one for one in value if _word(one).startswith("-") and not _is_number(one)), None)
            if wrong is not None:
                raise ValueError("%r of %r could be taken for an option" % (wrong, name))
            options += [flag, *[_word(one) for one in value]]
        else:
            options.append(_option(flag, value))
    return [*options, "--", *places] if places else options


def _option(flag, value):
    return "%s=%s" % (flag, _word(value)) if flag.startswith("--") else flag + _word(value)


def _word(value):
    return value if isinstance(value, str) else json.dumps(value)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
