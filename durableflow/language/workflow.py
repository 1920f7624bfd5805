"""Workflow: an ``async def`` function, compiled to a machine whose state lives in the database."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from durableflow.language.call import Call
from durableflow.language.gathering import gather
from durableflow.language.inline import running, stored
from durableflow.language.options import NONE
from durableflow.language.schedules import Crons, entries
from durableflow.language.signature import Signature
from durableflow.language.step import Step
from durableflow.language.timer import sleep
from durableflow.language.unfit import child
from durableflow.machine import compile_function

if TYPE_CHECKING:
    from durableflow.language.registry import Registry

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Workflow(Generic[P, R_co]):
    """A workflow's definition; calling it gives a :class:`Call`, whose ``.start()`` starts a run.

    name: the registered one; function: the plain ``async def``; machine: what it was compiled to; registry: of its
    application; queue: the Celery queue on which its own code runs (None: the settings'); schedules: when it starts by
    itself.
    """

    def __init__(
        self,
        function: Callable[..., Coroutine[Any, Any, Any]],
        name: str,
        registry: "Registry",
        queue: str | None = None,
        schedule: Crons | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self.registry = registry
        self.queue = queue
        self.machine = compile_function(function, is_call_factory=is_call_factory)
        self.signature = Signature(function)
        self.schedules = entries(name, function, schedule)

    @property
    def version(self) -> str:
        """The version of its source: a run stays on the one it started with."""
        return self.machine.version

    def step_signatures(self) -> dict[str, str]:
        """The steps that the source names, as global name to the signature that each has now."""
        here = inspect.unwrap(self.function).__globals__
        found = ((name, here.get(name)) for name in sorted(self.machine.names))
        return {name: str(step.signature.full) for name, step in found if isinstance(step, Step)}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[R_co]:
        """Describe a run. Raises TypeError, as the function would, for arguments that it does not take."""
        self.signature.check(args, kwargs)
        return Call(self, args, kwargs, NONE)

    def run(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R_co]:
        """The workflow as a coroutine whose steps run in place, for unit tests: ``asyncio.run(checkout.run(order))``.

        Steps are called once, in order, without retries; sleeps do not wait. Arguments, results and errors of steps
        pass through their stored form, as they do between workers.
        """
        self.signature.check(args, kwargs)
        return self._run(args, kwargs)

    async def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> R_co:
        given: Any = stored({"args": list(args), "kwargs": kwargs}, self.name)
        with running(workflow=True):
            result: R_co = await self.function(*given["args"], **given["kwargs"])
        return stored(result, "result")

    async def _run_inline(self, call: Call[R_co]) -> R_co:
        raise TypeError(child(self.name))

    def __repr__(self) -> str:
        return f"<workflow {self.name}, version {self.version}>"


def is_call_factory(value: object) -> bool:
    """Whether calling ``value`` gives something that has to be awaited: the compiler refuses it as a bare statement."""
    if isinstance(value, Step | Workflow) or value is gather or value is sleep:
        return True
    return inspect.ismethod(value) and value.__func__ is Step.map
