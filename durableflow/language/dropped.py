"""Whether a call that was made and never awaited was forgotten, or overtaken by an exception.

``calls = [ship(item) for item in items]`` inside of a ``try`` may be left half way by an error that the workflow
handles; its calls are then dropped by nobody's fault. What was raised and handled leaves no trace at run time, so the
source is asked: an exception can only have come in between where a ``try`` with handlers, or a ``with``, protects code
that runs after the call was made.
"""

import ast

from durableflow.machine import StoredSource


def may_be_overtaken(stored: StoredSource, place: str) -> bool:
    """Whether an exception that the workflow handles may have come between the call, made at ``place`` ("file:line"),
    and its await."""
    made_at = int(place.rpartition(":")[2]) - stored.first_line + 1 if stands_in(stored, place) else 0
    try:
        tree = ast.parse(stored.source)
    except SyntaxError:
        return True
    return any(_protects_until(node) >= made_at for node in ast.walk(tree))


def stands_in(stored: StoredSource, place: str) -> bool:
    """Whether ``place`` ("file:line") is in the source of this function."""
    file, _, line = place.rpartition(":")
    return file == stored.filename and 0 <= int(line) - stored.first_line <= stored.source.count("\n")


def _protects_until(node: ast.AST) -> int:
    """The last line of code whose exceptions the statement may swallow; -1: it swallows none."""
    if isinstance(node, ast.With) or (isinstance(node, ast.Try | ast.TryStar) and (node.handlers or node.finalbody)):
        return node.body[-1].end_lineno or node.lineno
    return -1
