"""Step: a function that runs as a Celery task, once per await, with its outcome recorded."""

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast
from uuid import uuid4

from durableflow.errors import NotAwaited
from durableflow.language.attempts import Attempt, executing
from durableflow.language.call import Call
from durableflow.language.gathering import Gather, gather
from durableflow.language.inline import run_body, running
from durableflow.language.lazy import Lazy
from durableflow.language.options import NONE, Options, Seconds, options
from durableflow.language.signature import Signature
from durableflow.retry import Retry

if TYPE_CHECKING:
    from durableflow.language.onestep import OneStep
    from durableflow.language.registry import Registry

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A")


class Step(Generic[P, R_co]):
    """A step's definition; calling it gives a :class:`Call` and runs nothing.

    name: the registered one, also its Celery task's; function: the plain function; registry: of its application;
    defaults: the options of the definition; use: those of this way to call it (see :meth:`options`).
    """

    def __init__(
        self, function: Callable[..., Any], name: str, registry: "Registry", defaults: Options, use: Options = NONE
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self.registry = registry
        self.defaults = defaults
        self.use = use
        self.signature = Signature(function)
        self.definition: Step[P, R_co] = self

    @property
    def is_async(self) -> bool:
        """Whether the function is an ``async def``."""
        return inspect.iscoroutinefunction(self.function)

    @functools.cached_property
    def machine(self) -> "OneStep":
        """The machine of a run that is this one step."""
        from durableflow.language.onestep import OneStep

        return OneStep(self)

    @property
    def queue(self) -> str | None:
        """The queue on which a run of this one step is advanced: None, the settings'."""
        return None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[R_co]:
        """Describe the work. Raises TypeError, as the function would, for arguments that it does not take."""
        self.signature.check(args, kwargs)
        for value in args:
            if isinstance(value, Lazy):
                raise _passed(self, value)
        for value in kwargs.values():
            if isinstance(value, Lazy):
                raise _passed(self, value)
        return Call(self.definition, args, kwargs, self.use)

    def options(
        self,
        *,
        queue: str | None = None,
        retry: Retry | None = None,
        timeout: Seconds | None = None,
        priority: int | None = None,
    ) -> "Step[P, R_co]":
        """This step with other options for the calls made of it: ``charge.options(queue="slow")(order)``.

        queue: a Celery queue; retry: a policy; timeout: seconds or a timedelta for one attempt; priority: 0 to 9.
        """
        variant: Step[P, R_co] = object.__new__(type(self))
        variant.__dict__.update(self.__dict__)
        variant.use = options(queue, retry, timeout, priority).over(self.use)
        return variant

    def map(self: Callable[[A], Call[R]], items: Iterable[A], *, limit: int | None = None) -> Gather[list[R]]:
        """One call for each item, awaited together: ``await ship.map(order.items)``; limit: how many at a time."""
        return cast("Gather[list[R]]", gather(*(self(item) for item in items), limit=limit))

    def run(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the plain function here and now, once, as a first attempt outside of any run. For unit tests."""
        with running(workflow=False), executing(self._only_attempt()):
            result: R_co = self.function(*args, **kwargs)
        return result

    async def _run_inline(self, call: Call[R_co]) -> R_co:
        with executing(self._only_attempt()):
            result: R_co = await run_body(self.function, call.args, call.kwargs, self.name)
        return result

    def _only_attempt(self) -> Attempt:
        run_id = uuid4()
        return Attempt(run_id, self.name, 1, f"{run_id}:1:0", 1, 0)

    def __repr__(self) -> str:
        return f"<step {self.name}>"


class AsyncStep(Step[P, R_co]):
    """A step whose function is an ``async def``: its ``run`` gives a coroutine."""

    def run(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R_co]:  # type: ignore[override]
        """Run the plain function here and now, once. For unit tests: ``await charge.run(order)``."""
        return self._run(args, kwargs)

    async def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> R_co:
        with running(workflow=False), executing(self._only_attempt()):
            result: R_co = await self.function(*args, **kwargs)
        return result


def _passed(step: Step[..., Any], value: Lazy[Any]) -> NotAwaited:
    value._used = True  # this error tells
    return NotAwaited(f"{value._described()} is passed to {step.name}() instead of its result; await it first")
