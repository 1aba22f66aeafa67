"""What is told of an exception of a skill: bounded, its own lines only, and the whole of it in the log."""

import os


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


def print_traceback(error):
    """The whole traceback goes to the log, without our own frames at its start."""
    import traceback

    step, ours = error.__traceback__, os.path.dirname(__file__)
    while step is not None and os.path.dirname(step.tb_frame.f_code.co_filename) == ours:
        step = step.tb_next
    try:
        traceback.print_exception(type(error), error, step)
    except Exception:
        pass
