"""Workflow: an ``async def`` function, compiled to a machine whose state lives in the database."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from durableflow.language.call import Call
from durableflow.language.compiled import Compiled
from durableflow.language.inline import running, stored
from durableflow.language.options import NONE
from durableflow.language.schedules import Crons, entries

if TYPE_CHECKING:
    from durableflow.language.registry import Registry

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Workflow(Compiled[P, R_co]):
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
        super().__init__(function, name, registry)
        self.queue = queue
        self.schedules = entries(name, function, schedule)

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
        return await self._run(call.args, call.kwargs)

    def __repr__(self) -> str:
        return f"<workflow {self.name}, version {self.version}>"
