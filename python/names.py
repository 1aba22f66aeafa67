"""Names that a Python file uses and nobody defines, found by its symbol tables. Nothing in it is executed.

A name counts as defined when it is bound anywhere in the module, or is a builtin of this interpreter; so what is found
fails whenever its line runs. Files that make names while they run (`import *`, `exec`, `globals()`) are left alone, and
so is what stands in a `try` that catches a missing name, or in an annotation that is never evaluated.
"""

import ast
import builtins
import symtable

MOST = 50
MODULE = {"__annotations__", "__builtins__", "__file__", "__path__", "__name__", "__doc__", "__spec__", "__loader__"}
SITE = {"copyright", "credits", "exit", "help", "license", "quit"}
MAKERS = {"exec", "globals", "vars", "locals"}
CATCHES = {"NameError", "Exception", "BaseException"}


def undefined_names(text, tree):
    """Rows of name and first line, in the order of lines."""
    if any(_makes_names(node) for node in ast.walk(tree)):
        return []
    top = symtable.symtable(text, "skill", "exec")
    tables = list(_tables(top))
    known = set(dir(builtins)) | MODULE | SITE | {"__package__", "__debug__", "__qualname__", "__module__"}
    known.update(symbol.get_name() for symbol in top.get_symbols() if _is_bound(symbol))
    for table in tables:
        known.update(s.get_name() for s in table.get_symbols() if s.is_declared_global() and s.is_assigned())
    missing = {
        symbol.get_name()
        for table in tables
        for symbol in table.get_symbols()
        # `is_local` besides `is_global`: symtable takes a function that is called "top" for the module
        if symbol.is_referenced() and (table is top or (symbol.is_global() and not symbol.is_local()))
        if symbol.get_name() not in known
    }
    forgiven = {id(inner) for node in _forgiven(tree) for inner in ast.walk(node)}
    lines = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in missing and isinstance(node.ctx, ast.Load):
            if id(node) not in forgiven:
                lines[node.id] = min(lines.get(node.id, node.lineno), node.lineno)
    rows = [{"name": name[:200], "line": line} for name, line in lines.items()]
    return sorted(rows, key=lambda row: row["line"])[:MOST]


def _tables(table):
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _is_bound(symbol):
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace() or symbol.is_annotated()


def _makes_names(node):
    if isinstance(node, ast.ImportFrom):
        return any(alias.name == "*" for alias in node.names)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS


def _forgiven(tree):
    unread = any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)
    for node in ast.walk(tree):
        if _catches_names(node):
            yield node
        elif unread:
            notes = (getattr(node, "annotation", None), getattr(node, "returns", None))
            yield from (note for note in notes if isinstance(note, ast.AST))


def _catches_names(node):
    if not isinstance(node, ast.Try):
        return False
    caught = [inner for handler in node.handlers for inner in _types(handler.type)]
    return any(name is None or name in CATCHES for name in caught)


def _types(node):
    """Names of what a handler catches; None for everything."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [part.id if isinstance(part, ast.Name) else None if part is None else "?" for part in parts]
