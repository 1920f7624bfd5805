"""What an errback is told of the failure that it answers: Celery's rule, decided by how many arguments it takes."""

from contextlib import suppress
from functools import partial
from typing import Any

from celery import Task
from celery.utils.functional import arity_greater


def told_of(task: Task, sig: Any) -> tuple[str, tuple[None, ...]]:
    """``all`` (the request, the error, the traceback), ``id`` (the failed task's) or ``nothing``; and as many empty
    arguments.

    One that is bound is told the id, because ``self`` and its retries need a task. A group gives its members clones of
    an errback that take nothing: where such a clone could not be called, it is told what the original would be.
    """
    header = getattr(task, "__header__", None)
    wants_all = header is not None and not isinstance(header, partial) and _takes_more_than_one(header, sig)
    told = ("all", (None, None, None)) if wants_all else ("id", (None,))
    if sig.immutable and (header is None or _takes(header, sig.args, sig.kwargs)):
        return "nothing", ()
    return told


def _takes_more_than_one(header: Any, sig: Any) -> bool:
    """Whether it takes more than one argument beside its own, which come after what it is told."""
    if not sig.immutable and (sig.args or sig.kwargs):
        with suppress(TypeError, ValueError):  # arguments that do not fit: whoever calls it will say so
            return bool(arity_greater(partial(header, *sig.args, **sig.kwargs), 1))
    return bool(arity_greater(header, 1))


def _takes(header: Any, args: Any, kwargs: Any) -> bool:
    try:
        header(*args, **kwargs)
    except TypeError:
        return False
    return True
