"""The stored forms of this package's own values, so that a call can wait in a variable while others are awaited.

Definitions are stored by name, calls as their definition's name and arguments. What a step is given, and what a step or
workflow gives back, may hold none of them: there a call is a forgotten await.
"""

from typing import Any

from durableflow import codec
from durableflow.errors import CorruptValue, NotAwaited
from durableflow.language.call import Call
from durableflow.language.gathering import Gather
from durableflow.language.lazy import Lazy, scope
from durableflow.language.options import NONE, Options
from durableflow.language.registry import Definition, find
from durableflow.language.step import AsyncStep, Step
from durableflow.language.timer import Sleep
from durableflow.language.workflow import Workflow


def _waits_in_a_variable(value: Lazy[Any]) -> bool:
    """True; raises NotAwaited where what is being stored is no workflow's variables."""
    here = scope.get()
    if here is None or here.sealed:
        value._used = True  # this error tells
        raise NotAwaited(f"{value._described()} is part of what a step or workflow is given, or gives; await it first")
    return True


def _new(kind: type[Any]) -> Any:
    lazy = object.__new__(kind)
    lazy._used = True  # it was kept in a variable that is read again: only a drop before that would be one
    return lazy


def _definition(name: object) -> Definition:
    here = scope.get()
    if not isinstance(name, str):
        raise CorruptValue(f"a definition is stored by its name, not as {name!r}")
    return find(name, here.registry if here else None)


class _Definitions:
    """Step, with the options of a variant, and Workflow."""

    tag = "definition"

    def takes(self, value: object) -> bool:
        return type(value) in (Step, AsyncStep, Workflow)

    def split(self, value: Any) -> tuple[object, object]:
        use = value.use if isinstance(value, Step) else NONE
        return {"name": value.name, "use": None if use is NONE else use}, None

    def create(self, needed: Any) -> object:
        definition, use = _definition(needed["name"]), needed["use"]
        if not isinstance(use, Options) or isinstance(definition, Workflow):
            return definition
        return definition.options(queue=use.queue, retry=use.retry, timeout=use.timeout, priority=use.priority)

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


class _Calls:
    tag = "call"

    def takes(self, value: object) -> bool:
        return type(value) is Call and _waits_in_a_variable(value)

    def split(self, value: Any) -> tuple[object, object]:
        value._used = True
        use = None if value.use is NONE else value.use
        return {"name": value.definition.name, "use": use}, {"args": list(value.args), "kwargs": value.kwargs}

    def create(self, needed: Any) -> object:
        call = _new(Call)
        call.definition = _definition(needed["name"])
        call.use = needed["use"] or NONE
        return call

    def fill(self, value: Any, rest: Any) -> None:
        value.args, value.kwargs = tuple(rest["args"]), rest["kwargs"]


class _Gathers:
    tag = "gather"

    def takes(self, value: object) -> bool:
        return type(value) is Gather and _waits_in_a_variable(value)

    def split(self, value: Any) -> tuple[object, object]:
        value._used = True
        return None, list(value.calls)

    def create(self, needed: object) -> object:
        return _new(Gather)

    def fill(self, value: Any, rest: Any) -> None:
        if not all(isinstance(member, Lazy) for member in rest):
            raise CorruptValue("a stored gather holds something that is no call")
        value.calls = tuple(rest)


class _Sleeps:
    tag = "sleep"

    def takes(self, value: object) -> bool:
        return type(value) is Sleep and _waits_in_a_variable(value)

    def split(self, value: Any) -> tuple[object, object]:
        value._used = True
        return value.seconds, None

    def create(self, needed: Any) -> object:
        sleep = _new(Sleep)
        sleep.seconds = float(needed)
        return sleep

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


for _extension in (_Definitions(), _Calls(), _Gathers(), _Sleeps()):
    codec.register(_extension)
