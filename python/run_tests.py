"""A small test runner: `tests/test_*.py` with plain `test_*` functions (async too) and unittest.TestCase classes.

Each case is announced before it runs and reported when it ends, so that the host can say which one never ended.
"""

import glob
import os
import sys

import failures
import functions

MOST_CASES = 1000


def run(orders, notify):
    """Runs all cases, reports each through `notify`, returns how many there were."""
    source = orders["source"]
    report = Report(source, notify)
    files = sorted(glob.glob(os.path.join(glob.escape(source), "tests", "test_*.py")))
    if files and report.guard("import %s" % os.path.basename(orders["entry"]), lambda: _load_skill(orders)) is None:
        return {"cases": report.count}
    sys.path.insert(0, os.path.join(source, "tests"))
    for path in files:
        label = os.path.relpath(path, source)
        module = report.guard("import %s" % label, lambda path=path: _load_tests(path))
        if module is not None:
            for name, case in _cases(module):
                if report.count >= MOST_CASES:
                    break
                report.case("%s::%s" % (label, name), case)
    return {"cases": report.count}


def _load_skill(orders):
    module = functions.load_skill(orders["entry"], orders["read"])
    sys.modules[os.path.splitext(os.path.basename(orders["entry"]))[0]] = module
    return module


def _load_tests(path):
    name = os.path.splitext(os.path.basename(path))[0]
    module = type(sys)(name)
    module.__file__ = path
    sys.modules[name] = module
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)
    return module


def _cases(module):
    """Pairs of name and a callable without arguments, in the order of the file."""
    import unittest

    for name, value in list(vars(module).items()):
        own = getattr(value, "__module__", None) == module.__name__
        if isinstance(value, type) and issubclass(value, unittest.TestCase):
            if own:
                yield from _class_cases(unittest, value)
        elif name.startswith("test") and callable(value) and not isinstance(value, type):
            yield name, lambda function=value: _call(function)


def _class_cases(unittest, cls):
    for method in unittest.defaultTestLoader.getTestCaseNames(cls):
        yield "%s.%s" % (cls.__name__, method), lambda method=method: _run_method(unittest, cls, method)


def _run_method(unittest, cls, method):
    class Result(unittest.TestResult):
        """Keeps the exception itself, where unittest keeps its text."""

        first = None

        def _keep(self, _case, failure):
            self.first = self.first or failure[1]

        def addError(self, case, err):
            self._keep(case, err)

        def addFailure(self, case, err):
            self._keep(case, err)

        def addSubTest(self, case, subtest, err):
            if err is not None:
                self._keep(case, err)

        def addUnexpectedSuccess(self, case):
            self.first = self.first or AssertionError("expected to fail, but passed")

    result = Result()
    unittest.TestSuite([cls(method)]).run(result)
    if result.first is not None:
        raise result.first


def _call(function):
    code = getattr(function, "__code__", None)
    if code is not None and code.co_argcount > len(function.__defaults__ or ()):
        raise TypeError("test functions take no arguments (fixtures are not supported)")
    answer = function()
    if hasattr(answer, "__await__"):
        functions.finish(answer)


class Report:
    def __init__(self, source, notify):
        self.source, self.notify, self.count = source, notify, 0

    def guard(self, name, action):
        """The value of `action`, or None after a failed case of that name was reported."""
        self.notify("test.start", {"name": name})
        try:
            return action()
        except BaseException as error:
            self._end(name, error)
            return None

    def case(self, name, action):
        self.notify("test.start", {"name": name})
        failure = None
        try:
            action()
        except BaseException as error:
            failure = error
        self._end(name, failure)

    def _end(self, name, error):
        self.count += 1
        params = {"name": name[:300], "status": "passed"}
        if error is not None and not _is_skip(error):
            where = failures.own_lines(error, self.source)
            params = {
                "name": name[:300],
                "status": "failed",
                "message": (failures.describe(error) + ("\n" + where if where else ""))[:6000],
            }
        self.notify("test.end", params)


def _is_skip(error):
    unittest = sys.modules.get("unittest")
    return unittest is not None and isinstance(error, unittest.SkipTest)
