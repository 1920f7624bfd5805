"""What workflows and routines have in common: an ``async def`` that was compiled to a machine."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from durableflow.language.begun import spawn
from durableflow.language.gathering import gather
from durableflow.language.racing import race
from durableflow.language.receiving import approval, receive
from durableflow.language.signature import Signature
from durableflow.language.step import Step
from durableflow.language.timer import sleep, sleep_until
from durableflow.machine import compile_function

if TYPE_CHECKING:
    from durableflow.language.registry import Registry

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Compiled(Generic[P, R_co]):
    """name: the registered one; function: the plain ``async def``; machine: what it was compiled to; registry: of its
    application."""

    def __init__(self, function: Callable[..., Coroutine[Any, Any, Any]], name: str, registry: "Registry") -> None:
        functools.update_wrapper(self, function)  # type: ignore[arg-type]
        self.function = function
        self.name = name
        self.registry = registry
        self.machine = compile_function(function, is_call_factory=is_call_factory)
        self.signature = Signature(function)

    @property
    def version(self) -> str:
        """The version of its source: a run, or a frame of one, stays on the one that it was entered with."""
        return self.machine.version

    def signatures(self) -> dict[str, str]:
        """The steps, routines and workflows that the source names, as global name to the signature that each has
        now."""
        here = inspect.unwrap(self.function).__globals__
        found = ((name, here.get(name)) for name in sorted(self.machine.names))
        return {name: str(each.signature.full) for name, each in found if isinstance(each, Step | Compiled)}


def is_call_factory(value: object) -> bool:
    """Whether calling ``value`` gives something that has to be awaited: the compiler refuses it as a bare statement."""
    if isinstance(value, Step | Compiled) or any(value is factory for factory in _FACTORIES):
        return True
    return inspect.ismethod(value) and value.__func__ is Step.map


_FACTORIES: tuple[object, ...] = (gather, race, sleep, sleep_until, receive, approval, spawn)
