"""Exceptions that are being handled: what a state in an ``except`` or ``finally`` clause runs inside of.

An exception's context and traceback are set through the descriptors of `BaseException`, since a class of the user's
may have a ``__setattr__`` of its own (a frozen dataclass has).
"""

from collections.abc import Callable
from types import CodeType, FunctionType, TracebackType
from typing import Any

from durableflow.machine.blocks import SENT
from durableflow.machine.frame import Frame

_CONTEXT: Any = BaseException.__dict__["__context__"]
_TRACEBACK: Any = BaseException.__dict__["__traceback__"]


def handled_in(handling: tuple[str, ...], frame: Frame) -> BaseException | None:
    """The exception that ``sys.exception()`` shows in a state that stands in these clauses, innermost first."""
    for slot in handling:
        error = frame.read(slot)
        if error is not None:
            return error  # type: ignore[no-any-return]
    return None


def inside(handled: BaseException, function: Callable[[], Any]) -> Any:
    """Run `function` as code of a handler of `handled`, which is left as it was."""
    context, traceback = _CONTEXT.__get__(handled), _TRACEBACK.__get__(handled)
    try:
        raise handled
    except BaseException:
        _CONTEXT.__set__(handled, context)
        _TRACEBACK.__set__(handled, traceback)
        return function()


def raise_at(
    code: CodeType, namespace: dict[str, Any], frame: Frame, handling: tuple[str, ...], error: BaseException
) -> None:
    """Make `error` look as if the workflow's await had raised it: its line is in the traceback, and the handled
    exception stands at the end of the chain of contexts, as for a coroutine that is awaited in place."""
    handled = handled_in(handling, frame)
    if handled is not None:
        attach(error, handled)
    context = _CONTEXT.__get__(error)
    frame[SENT].cell_contents = error
    function = FunctionType(code, namespace, None, None, (frame[SENT],))
    try:
        if handled is None:
            function()
        else:
            inside(handled, function)
    except BaseException as raised:
        strip(raised)
    _CONTEXT.__set__(error, context)


def attach(error: BaseException, handled: BaseException) -> None:
    """Put the handled exception at the end of the chain of contexts, unless it stands in there."""
    seen = {id(error)}
    last = error
    while last is not handled and last.__context__ is not None and id(last.__context__) not in seen:
        last = last.__context__
        seen.add(id(last))
    if last is not handled and id(handled) not in seen:
        _CONTEXT.__set__(last, handled)


OWN = {inside.__code__, raise_at.__code__}
"""Code that stands between the caller of the machine and the workflow's own frame."""


def strip(error: BaseException) -> None:
    """Let the traceback begin at the workflow's own frame."""
    traceback: TracebackType | None = _TRACEBACK.__get__(error)
    while traceback is not None and traceback.tb_frame.f_code in OWN:
        traceback = traceback.tb_next
    _TRACEBACK.__set__(error, traceback)
