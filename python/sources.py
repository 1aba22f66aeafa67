"""A skill's own Python files, as they were checked before the start: who exchanges one in between runs nothing."""

import _frozen_importlib_external as machinery
import _imp
import os
import sys


def reader(orders):
    """A function that reads a Python file of the skill. With `digests` it, and every import, takes no other bytes."""
    digests, source = orders.get("digests"), orders.get("source")
    if not digests or not source:
        return read_plain

    def read(path):
        data = read_plain(path)
        if digests.get(os.path.relpath(path, source)) != sha256(data):
            raise ImportError('"%s" is not what was installed' % os.path.relpath(path, source))
        return data

    guard_imports(source, read)
    return read


def read_plain(path):
    with open(path, "rb") as file:
        return file.read()


def guard_imports(source, read):
    class CheckedLoader(machinery.SourceFileLoader):
        def get_data(self, path):
            return read(path)

        def path_stats(self, path):
            raise OSError("compiled files of a skill are not looked for")

    kinds = (machinery.ExtensionFileLoader, _imp.extension_suffixes()), (CheckedLoader, [".py"])

    def hook(path):
        if path != source and not path.startswith(source + os.sep):
            raise ImportError("none of the skill's own")
        return machinery.FileFinder(path, *kinds)

    sys.path_hooks.insert(0, hook)


def sha256(data):
    try:
        from _sha2 import sha256 as new  # Python 3.12 and later; `hashlib` would load OpenSSL
    except ImportError:
        try:
            from _sha256 import sha256 as new
        except ImportError:
            from hashlib import sha256 as new
    return new(data).hexdigest()
