"""Attempts of steps: by their mocks, or by the steps' own functions, run in place."""

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from celery.app.task import Context
from celery.exceptions import Ignore, SoftTimeLimitExceeded

from durableflow import codec
from durableflow.errors import CorruptValue, SimulationError
from durableflow.language import Attempt, Step, executing
from durableflow.language.options import Options, load
from durableflow.language.results import described
from durableflow.language.storable import Given, Told
from durableflow.store.messages import StepId
from durableflow.testing.mocks import Planned
from durableflow.testing.state import Work
from durableflow.worker.asking import Replaced
from durableflow.worker.errbacks import chord_error, task_id
from durableflow.worker.verdict import Verdict, judge

_CELERYS_RETRIES = 3
"""How often a step without a policy may raise Celery's Retry."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ends. seconds: after so long, None: it does not; lost: with its worker; output: with this value,
    as stored; error: with this one; replaced: by this signature."""

    seconds: float | None
    lost: bool = False
    output: codec.Encoded | None = None
    error: BaseException | None = None
    replaced: Any = None


class Executor:
    """Runs attempts. limit: most bytes of one stored value. An ``async def`` has an event loop of its own."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit

    def arguments(self, work: Work) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a step is called with. Raises CorruptValue."""
        run, spec = work.run, work.spec
        given: tuple[codec.Extension, ...] = ()
        if spec.answers:
            given = (Told(lambda what, body: _told(work, what, body)),)
        if spec.needs:
            results = {index: run.decode(run.works[work.rev, index].output or "null") for index in spec.needs}
            given = (*given, Given(results))
        try:
            input_: Any = codec.decode(spec.input.text, blobs=run.needed(spec.input.text), extensions=given)
            return tuple(input_["args"]), input_["kwargs"]
        except (TypeError, KeyError) as error:
            raise CorruptValue(f"the input of {spec.name} is not one: {described(error)}") from None

    def attempt(self, work: Work, planned: Planned, options: Options) -> Ended:
        """Carry out one attempt of a step, and tell how it will end. Raises SimulationError where a mock is wrong."""
        assert work.record is not None
        spec, run = work.spec, work.run
        key = f"{run.id}:{work.rev}:{spec.index}"
        me = Attempt(run.id, spec.name, work.attempt, key, work.rev, spec.index, lambda: not work.abandoned)
        with executing(me):
            ended = self.carry_out(planned, work.record.args, work.record.kwargs, spec.name)
        limit = options.timeout
        if limit is not None and not ended.lost and (ended.seconds is None or ended.seconds > limit):
            return Ended(limit, error=SoftTimeLimitExceeded())
        return ended

    def carry_out(self, planned: Planned, args: tuple[Any, ...], kwargs: Mapping[str, Any], name: str) -> Ended:
        """What is planned, with the values in their stored form."""
        seconds = planned.seconds
        if seconds is None or planned.lost:
            return Ended(seconds, lost=planned.lost)
        if planned.error is not None:
            return Ended(seconds, error=planned.error)
        try:
            value = planned.value if planned.function is None else self._call(planned.function, args, kwargs)
            return Ended(seconds, output=codec.encode(value, where=f"{name} result", limit=self._limit))
        except Replaced as replaced:
            return Ended(seconds, replaced=replaced.sig)
        except Ignore:
            return Ended(seconds, output=codec.encode(None))
        except SimulationError:
            raise
        except (Exception, SystemExit) as error:
            return Ended(seconds, error=error)

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        result = function(*args, **kwargs)
        if not inspect.iscoroutine(result):
            return result
        context = contextvars.copy_context()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return _to_its_end(result, context)
        with ThreadPoolExecutor(1) as beside:  # the test itself is an `async def`, whose loop is busy with us
            return beside.submit(_to_its_end, result, context).result()


def _told(work: Work, what: str, body: int | None) -> object:
    """What a step that answers a failure is told of it."""
    run = work.run
    others = (run.works[work.rev, index] for index in work.spec.answers)
    failed = min((each for each in others if each.state == "failed" and each.attempt), key=lambda each: each.order or 0)
    place = StepId(run.id, work.rev, failed.spec.index)
    of = failed if body is None else run.works[work.rev, body]
    told_id = task_id(StepId(run.id, work.rev, of.spec.index), of.spec.options)
    if what == "error":
        error = run.decode(failed.error or "null")
        return error if body is None else run.decode(chord_error(error, place, failed.spec.options).text)
    if what == "traceback":
        return ""
    if what == "id":
        return told_id
    given = failed.record if body is None else None
    args, kwargs = ([], {}) if given is None else (given.args, given.kwargs)
    return Context({"id": told_id, "task": of.spec.name, "args": args, "kwargs": kwargs, "called_directly": False})


def _to_its_end(coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(coroutine, context=context)


def options_of(work: Work, step: Step[..., Any]) -> Options:
    """The options of a step, with those of this call in front. The waits between attempts are drawn without jitter, so
    that every simulation takes the same time: they are the longest that the policy allows."""
    options = load(work.spec.options).over(step.defaults)
    return options if options.retry is None else replace(options, retry=replace(options.retry, jitter=False))


def verdict_on(error: BaseException, options: Options, failures: int) -> Verdict:
    """Whether an attempt that ended with an error is followed by another one, as a worker decides it."""
    allowed = _CELERYS_RETRIES if options.retry is None else options.retry.max_attempts - 1
    return judge(error, options, failures, allowed)
