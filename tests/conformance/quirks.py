"""Shapes that Celery is known to run otherwise than its own rules have it; each was met among made-up canvases.

A canvas that has none of them has to come to the same on both sides.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from celery import Signature, chord, group
from celery.canvas import _chain, maybe_signature

from tests.conformance.scenario import Outcome
from tests.conformance.tasks import app, becomes

REVERSED = "a group in a group that is the header or the body of a chord: its members come out reversed"
PENDING = "a failure that has more to fail than the rest of a chain: some of it stays pending"
REPEATED = "a chord whose body ends in a group, and that is followed by a chord: tasks run more than once, on parts"
REPLACED = "before 5.7: a replaced task in a header, or with a callback: its result is lost, the callback runs twice"


def quirks(canvas: Signature, outcome: Outcome, version: tuple[int, int]) -> set[str]:
    """Which of these the canvas has. outcome: what it should come to; version: of Celery."""
    found = {REVERSED} if _reversed(canvas) else set()
    if outcome.errors:
        found.add(PENDING)
    if any(_repeated(part) for part in _parts(canvas)):
        found.add(REPEATED)
    if version < (5, 7) and any(part.task == becomes.name for part in _parts(canvas)):
        found.add(REPLACED)
    return found


def _parts(sig: Any) -> Iterator[Any]:
    """The canvas and everything in it."""
    sig = maybe_signature(sig, app=app)
    yield sig
    for part in _inner(sig):
        yield from _parts(part)


def _inner(sig: Any) -> list[Any]:
    if isinstance(sig, chord):
        return [group(sig.tasks), sig.body]
    return list(sig.tasks) if isinstance(sig, _chain | group) else []


def _reversed(sig: Any, chorded: bool = False) -> bool:
    """chorded: it is the header or the body of a chord."""
    sig = maybe_signature(sig, app=app)
    inner = [maybe_signature(part, app=app) for part in _inner(sig)]
    if isinstance(sig, group):
        several = any(isinstance(part, group) and len(list(part.tasks)) > 1 for part in inner)
        return (chorded and several) or any(_reversed(part, chorded and isinstance(part, group)) for part in inner)
    if isinstance(sig, _chain):
        return any(_reversed(part, len(inner) > 1) for part in inner)
    return any(_reversed(part, True) for part in inner)


def _repeated(sig: Any) -> bool:
    steps = [maybe_signature(part, app=app) for part in sig.tasks] if isinstance(sig, _chain) else []
    return any(
        isinstance(step, chord) and _ends_in_group(step.body) and isinstance(following, chord | group)
        for step, following in pairwise(steps)
    )


def _ends_in_group(sig: Any) -> bool:
    sig = maybe_signature(sig, app=app)
    if isinstance(sig, _chain):
        return _ends_in_group(sig.tasks[-1])
    return _ends_in_group(sig.body) if isinstance(sig, chord) else isinstance(sig, group)
