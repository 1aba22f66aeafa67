"""The shape of a Python file, found by parsing. Nothing in it is executed and what comes out is bounded.

    functions   top-level functions: name, line, async, decorators, doc, parameters, input and output JSON Schema
    imports     modules by their full name, with line; `optional` when a missing one is caught
    calls       dotted names of what is called, with the first line (aliases resolved)
    serve       how the file most likely serves calls: functions | stdio | fd
    methods     JSON-RPC method names that stand in it as text
    arguments   its command line, when `argparse` reads it and all of it is literal
    undefined   names that it uses and nobody defines, with the first line
    syntax_error {line, message} instead of the rest, when it cannot be parsed
"""

import ast
import json
import re
import warnings

from names import undefined_names

MOST_FUNCTIONS, MOST_NAMES, MOST_TEXT, DEEPEST = 200, 300, 2000, 8
METHODS = ("handshake", "skill.handshake", "invoke", "health", "skill.health", "shutdown", "progress", "log")
SIMPLE = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "dict": {"type": "object"},
    "Dict": {"type": "object"},
    "Mapping": {"type": "object"},
}
SEQUENCES = {"list", "List", "Sequence", "Iterable", "Collection", "tuple", "Tuple", "set", "Set", "frozenset"}


def outline(text, limit=102_400):
    """The outline as plain data whose JSON stays below `limit` bytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text)
            compile(tree, "skill", "exec", dont_inherit=True)  # `return` outside of a function parses
            undefined = undefined_names(text, tree)
        except SyntaxError as error:
            return {"syntax_error": {"line": error.lineno or 1, "message": str(error.msg)[:500]}}
        except (ValueError, RecursionError, MemoryError) as error:
            return {"syntax_error": {"line": 1, "message": str(error)[:500] or type(error).__name__}}
    found = {**Reader(tree).outline(), "undefined": undefined}
    for drop in (_no_docs, _no_calls, _no_details):
        if len(json.dumps(found)) < limit - 1024:
            break
        drop(found)
    return found


def _no_docs(found):
    for function in found["functions"]:
        function["doc"] = ""


def _no_calls(found):
    found["calls"], found["undefined"] = [], []


def _no_details(found):
    found["functions"] = [{"name": f["name"], "line": f["line"], "async": f["async"]} for f in found["functions"]]
    found["truncated"] = True


class Reader:
    def __init__(self, tree):
        self.tree = tree
        self.classes, self.aliases = {}, {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.aliases[node.targets[0].id] = node.value

    def outline(self):
        functions = [node for node in self.tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        imports, names = _imports(self.tree)
        calls = _calls(self.tree, names)
        methods = _methods(self.tree)
        arguments = _arguments(self.tree, names)
        return {
            **({} if arguments is None else {"arguments": arguments}),
            "functions": [self.function(node) for node in functions[:MOST_FUNCTIONS]],
            "imports": imports,
            "calls": calls,
            "has_main": any(_is_main_guard(node) for node in self.tree.body),
            "serve": _serve(self.tree, calls, methods),
            "methods": methods,
            "doc": (ast.get_docstring(self.tree) or "")[:MOST_TEXT],
        }

    # --- functions ---

    def function(self, node):
        doc = (ast.get_docstring(node) or "")[:MOST_TEXT]
        parameters = self.parameters(node.args)
        found = {
            "name": node.name,
            "line": node.lineno,
            "async": isinstance(node, ast.AsyncFunctionDef),
            "decorators": [_source(decorator) for decorator in node.decorator_list[:20]],
            "doc": doc,
            "parameters": parameters,
            "input_schema": _input_schema(parameters, doc),
        }
        if node.returns is not None:
            found["returns"] = _source(node.returns)
            found["output_schema"] = self.schema(node.returns)
        return found

    def parameters(self, args):
        positional = [*args.posonlyargs, *args.args]
        defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
        rows = [
            self.parameter(arg, "positional_only" if index < len(args.posonlyargs) else "positional", default)
            for index, (arg, default) in enumerate(zip(positional, defaults))
        ]
        if args.vararg:
            rows.append(self.parameter(args.vararg, "var_positional", None, required=False))
        rows += [self.parameter(arg, "keyword", default) for arg, default in zip(args.kwonlyargs, args.kw_defaults)]
        if args.kwarg:
            rows.append(self.parameter(args.kwarg, "var_keyword", None, required=False))
        return rows[:100]

    def parameter(self, arg, kind, default, required=None):
        row = {"name": arg.arg, "kind": kind, "required": default is None if required is None else required}
        if arg.annotation is not None:
            row["annotation"] = _source(arg.annotation)
            row["schema"] = self.schema(arg.annotation)
        if default is not None:
            known, value = _literal(default)
            if known:
                row["default"] = value
        return row

    # --- types ---

    def schema(self, node, depth=0):
        """JSON Schema of an annotation; {} (anything) for what has no simple form."""
        if depth > DEEPEST:
            return {}
        if isinstance(node, ast.Constant):
            if node.value is None:
                return {"type": "null"}
            if isinstance(node.value, str) and len(node.value) < 500:
                try:
                    return self.schema(ast.parse(node.value, mode="eval").body, depth + 1)
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    return {}
            return {}
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self.union([node.left, node.right], depth)
        if isinstance(node, ast.Subscript):
            return self.subscript(_last_name(node.value), _elements(node.slice), depth)
        return self.named(_last_name(node), depth)

    def named(self, name, depth):
        if name in SIMPLE:
            return dict(SIMPLE[name])
        if name in SEQUENCES:
            return {"type": "array"}
        if name in self.classes:
            return self.class_schema(self.classes[name], depth)
        if name in self.aliases:
            return self.schema(self.aliases[name], depth + 1)
        return {}

    def subscript(self, name, parts, depth):
        if not parts:
            return {}
        if name == "Optional":
            return self.union([parts[0], ast.Constant(value=None)], depth)
        if name == "Union":
            return self.union(parts, depth)
        if name == "Literal":
            return _enum([value for known, value in map(_literal, parts) if known])
        if name == "Annotated":
            schema = self.schema(parts[0], depth + 1)
            text = next((p.value for p in parts[1:] if isinstance(p, ast.Constant) and isinstance(p.value, str)), None)
            return {**schema, "description": text[:MOST_TEXT]} if text else schema
        if name in ("Required", "NotRequired", "ReadOnly", "Final"):
            return self.schema(parts[0], depth + 1)
        if name in ("tuple", "Tuple") and not _is_ellipsis(parts[-1]):
            return {
                "type": "array",
                "prefixItems": [self.schema(part, depth + 1) for part in parts[:50]],
                "minItems": len(parts),
                "maxItems": len(parts),
            }
        if name in SEQUENCES:
            items = self.schema(parts[0], depth + 1)
            return {"type": "array", "items": items} if items else {"type": "array"}
        if name in ("dict", "Dict", "Mapping") and len(parts) == 2:
            values = self.schema(parts[1], depth + 1)
            return {"type": "object", "additionalProperties": values} if values else {"type": "object"}
        return {}

    def union(self, parts, depth):
        choices = []
        for part in parts[:50]:
            schema = self.schema(part, depth + 1)
            for choice in schema["anyOf"] if set(schema) == {"anyOf"} else [schema]:
                if choice not in choices:
                    choices.append(choice)
        if {} in choices:
            return {}
        return choices[0] if len(choices) == 1 else {"anyOf": choices}

    def class_schema(self, node, depth):
        bases = {_last_name(base) for base in node.bases}
        if bases & {"Enum", "StrEnum", "IntEnum"}:
            values = [_literal(child.value) for child in node.body if isinstance(child, ast.Assign)]
            return _enum([value for known, value in values if known])
        decorators = {_last_name(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list}
        if "TypedDict" not in bases and "dataclass" not in decorators:
            return {}
        total = not any(
            word.arg == "total" and isinstance(word.value, ast.Constant) and word.value.value is False
            for word in node.keywords
        )
        properties, required = {}, []
        for child in node.body[:100]:
            if not isinstance(child, ast.AnnAssign) or not isinstance(child.target, ast.Name):
                continue
            name = child.target.id
            properties[name] = self.schema(child.annotation, depth + 1)
            marker = _last_name(child.annotation.value) if isinstance(child.annotation, ast.Subscript) else ""
            if child.value is None and marker != "NotRequired" and (total or marker == "Required"):
                required.append(name)
        schema = {"type": "object", "properties": properties}
        return {**schema, "required": required} if required else schema


def _input_schema(parameters, doc):
    """The schema of the input object, whose keys are the keyword arguments."""
    named = [row for row in parameters if row["kind"] in ("positional", "keyword")]
    if len(parameters) == 1 and len(named) == 1 and named[0]["name"] in ("input", "params"):
        if named[0].get("schema", {}).get("type", "object") == "object":
            return named[0].get("schema") or {"type": "object"}
    described = _described(doc)
    properties = {}
    for row in named:
        schema = dict(row.get("schema", {}))
        if "default" in row:
            schema["default"] = row["default"]
        if row["name"] in described and "description" not in schema:
            schema["description"] = described[row["name"]]
        properties[row["name"]] = schema
    schema = {"type": "object", "properties": properties}
    required = [row["name"] for row in named if row["required"]]
    if required:
        schema["required"] = required
    if not any(row["kind"] == "var_keyword" for row in parameters):
        schema["additionalProperties"] = False
    return schema


def _described(doc):
    """Descriptions of parameters in the "Args:" part of a docstring."""
    part = re.search(r"^\s*(?:Args|Arguments|Parameters):\s*\n((?:[ \t]+\S.*\n?)+)", doc, re.MULTILINE)
    if part is None:
        return {}
    rows = re.findall(r"^[ \t]+(\w+)(?:[ \t]*\([^)\n]*\))?:[ \t]*(\S.*)$", part.group(1), re.MULTILINE)
    return {name: text.strip()[:500] for name, text in rows}


def _enum(values):
    kinds = {type(value) for value in values}
    schema = {"enum": values[:200]}
    for kind, name in ((str, "string"), (bool, "boolean"), (int, "integer")):
        if kinds == {kind}:
            schema["type"] = name
    return schema


# --- the command line ---

MOST_ARGUMENTS = 64
ACTIONS = {"store": "value", "store_true": "true", "store_false": "false", "count": "count", "append": "append"}
TYPES = {"str": "string", "int": "integer", "float": "number"}


def _arguments(tree, names):
    """Rows for each argument of the one parser of a script; None when there is none, or it isn't plain to see."""
    rows, parsers = [], 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func) or ""
        first, _, rest = name.partition(".")
        if names.get(first, first) + ("." + rest if rest else "") == "argparse.ArgumentParser":
            parsers += 1
        last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if last in ("add_subparsers", "add_mutually_exclusive_group", "parse_known_args"):
            return None
        if last == "add_argument":
            row = _argument(node)
            if row is None:
                return None
            rows.append((node.lineno, node.col_offset, row))
    rows.sort(key=lambda row: row[:2])
    found = [row for _line, _column, row in rows]
    names = [row["name"] for row in found]
    return found if parsers == 1 and len(found) <= MOST_ARGUMENTS and len(set(names)) == len(names) else None


def _argument(node):
    """One `add_argument`; None when something of it is not literal or not known here."""
    flags = [_literal(arg) for arg in node.args]
    words = {word.arg: word.value for word in node.keywords}
    if not flags or not all(known and isinstance(value, str) for known, value in flags) or None in words:
        return None
    if set(words) - {"action", "type", "default", "required", "choices", "nargs", "help", "dest", "metavar", "const"}:
        return None
    given = {key: _literal(words[key]) for key in ("action", "required", "choices", "nargs", "help", "dest", "default") if key in words}
    if any(not known for key, (known, _value) in given.items() if key not in ("default", "help", "choices")):
        return None
    value = {key: value for key, (known, value) in given.items() if known}
    options = [flag for _known, flag in flags]
    kind = ACTIONS.get(value.get("action", "store"))
    nargs = value.get("nargs")
    if kind is None or not (nargs in (None, "?", "*", "+") or type(nargs) is int):
        return None
    positional = not options[0].startswith("-")
    flag = None if positional else next((option for option in options if option.startswith("--")), options[0])
    name = value.get("dest") or (options[0] if positional else flag.lstrip("-")).replace("-", "_")
    row = {
        "name": name[:64],
        "kind": kind,
        "type": TYPES.get(_last_name(words["type"]), "string") if "type" in words else "string",
        "list": kind == "append" or nargs in ("*", "+") or (type(nargs) is int and nargs > 0),
        "required": nargs not in ("?", "*") if positional else value.get("required") is True,
        "help": value.get("help", "")[:500] if isinstance(value.get("help", ""), str) else "",
    }
    if flag is not None:
        row["flag"] = flag[:64]
    if isinstance(value.get("choices"), list):
        row["choices"] = value["choices"][:200]
    if value.get("default") is not None and kind == "value":
        row["default"] = value["default"]
    return row


# --- names ---


def _imports(tree):
    """Rows for each imported module, and what each local name stands for."""
    caught = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and node.handlers
        for child in node.body
        for inner in ast.walk(child)
    }
    rows, names = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module] if node.module and not node.level else []
            for alias in node.names:
                names[alias.asname or alias.name] = "%s.%s" % (node.module or "", alias.name)
        else:
            continue
        for module in modules:
            row = {"module": module[:200], "line": node.lineno}
            rows.append({**row, "optional": True} if id(node) in caught else row)
    rows.sort(key=lambda row: row["line"])
    return rows[:MOST_NAMES], names


def _calls(tree, names):
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _dotted(node.func)
            if name:
                first, _, rest = name.partition(".")
                name = names.get(first, first) + ("." + rest if rest else "")
                found[name] = min(found.get(name, node.lineno), node.lineno)
    rows = [{"name": name[:200], "line": line} for name, line in found.items()]
    return sorted(rows, key=lambda row: row["line"])[:MOST_NAMES]


def _methods(tree):
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return [name for name in METHODS if name in texts]


def _serve(tree, calls, methods):
    if "handshake" not in methods and "skill.handshake" not in methods:
        return "functions"
    attributes = {_dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {row["name"] for row in calls}
    if any(name.startswith("sys.stdin") for name in attributes if name) or "input" in called or "fileinput.input" in called:
        return "stdio"
    on_descriptor = any(
        isinstance(node, ast.Call)
        and _dotted(node.func) in ("os.read", "os.write", "os.fdopen", "open")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value in (0, 1)
        and not isinstance(node.args[0].value, bool)
        for node in ast.walk(tree)
    )
    return "fd" if on_descriptor else "functions"


def _is_main_guard(node):
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)


def _dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def _last_name(node):
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _elements(node):
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _is_ellipsis(node):
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _literal(node):
    """Whether a node is a plain JSON value, and the value."""
    try:
        value = ast.literal_eval(node)
        text = json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False, None
    return (True, json.loads(text)) if len(text) <= MOST_TEXT else (False, None)


def _source(node):
    try:
        return ast.unparse(node)[:300]
    except (RecursionError, ValueError):
        return "?"
