"""The Celery task that a step is.

Celery builds one tracer for each task and stores it as ``task.__trace__``, in the worker's parent process and again in
each pool child. Here that attribute is a data descriptor, so that whatever tracer is stored comes back wrapped by the
attempt's pipeline. Overriding ``Task.__call__`` alone would be too late: by then ``task_prerun`` and ``before_start``
have seen the message's arguments, of which there are none.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery, Task
from celery.app.trace import trace_ok_t

from durableflow.language import Step
from durableflow.language.options import Options
from durableflow.store.messages import SUBJECT
from durableflow.worker.attempt import active, trace_attempt
from durableflow.worker.body import run_body
from durableflow.worker.publisher import GRACE
from durableflow.worker.request import durable_request
from durableflow.worker.runtime import Runtime

SAFE: dict[str, Any] = {
    "acks_late": True,
    "acks_on_failure_or_timeout": True,
    "reject_on_worker_lost": True,
    "ignore_result": True,
    "store_errors_even_if_ignored": False,
    "track_started": False,
    "serializer": "json",
    "expires": None,
    "typing": False,
}
"""What our tasks need whatever the app's settings are: the result lives in PostgreSQL, and a message that is delivered
once more is harmless."""


class _Tracer:
    """The data descriptor behind ``__trace__``."""

    def __get__(self, task: Any, owner: type | None = None) -> Any:
        return None if task is None else task.__dict__.get("_durable_trace")

    def __set__(self, task: Any, trace: Callable[..., trace_ok_t] | None) -> None:
        task.__dict__["_durable_trace"] = None if trace is None else task.wrap_trace(trace)


class DurableTask:
    """The mixin that makes a task an attempt of a step; it comes first in the class's bases.

    runtime: of the application; step: the definition; options: the definition's.
    """

    __trace__ = _Tracer()

    runtime: Runtime
    step: Step[..., Any]
    options: Options

    def wrap_trace(self, trace: Callable[..., trace_ok_t]) -> Callable[..., trace_ok_t]:
        """The tracer that claims first. A message that carries arguments instead of a step's id (somebody sent the task
        with Celery's own means) is traced as it is: it runs, and is no part of any run."""

        def trace_durably(
            task_id: str, args: Any, kwargs: dict[str, Any], request: dict[str, Any] | None = None
        ) -> trace_ok_t:
            subject = kwargs.get(SUBJECT)
            if subject is None:
                return trace(task_id, args, kwargs, request)
            return trace_attempt(self.runtime, self, trace, task_id, subject, {} if request is None else request)

        return trace_durably

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        attempt = active()
        if attempt is None or attempt.task is not self or attempt.begun:
            # Sent with Celery's own means, or called by somebody's code: no part of a run.
            return run_body(super().__call__, args, kwargs)  # type: ignore[misc]
        return attempt.execute(super().__call__, args, kwargs)  # type: ignore[misc]

    def retry(self, *args: Any, **kwargs: Any) -> Any:
        """As Celery's, which asks ``signature_from_request`` for what it sends."""
        result = super().retry(*args, **kwargs)  # type: ignore[misc]  # with throw=False it returns the Retry
        attempt = active()
        if attempt is not None and attempt.task is self:
            attempt.asked = result
        return result

    def signature_from_request(self, request: Any = None, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """What ``retry()`` and ``autoretry_for`` would send: nothing. The step's row says when it is tried again."""
        attempt = active()
        if attempt is None or attempt.task is not self:
            return super().signature_from_request(request, args, kwargs, **options)  # type: ignore[misc]
        return _NothingToSend(attempt.arguments)


class _NothingToSend:
    """Stands for the signature of a retry, which must not be published."""

    def __init__(self, arguments: tuple[Any, Any]) -> None:
        self.args, self.kwargs = arguments

    def apply_async(self, *args: Any, **kwargs: Any) -> None:
        """Publish nothing."""


def step_task(app: Celery, runtime: Runtime, step: Step[..., Any]) -> Task:
    """The Celery task of a step: the app's own task class, with the mixin in front."""
    options = step.defaults
    attributes: dict[str, Any] = SAFE | {
        "name": step.name,
        "run": staticmethod(step.function),
        "runtime": runtime,
        "step": step,
        "options": options,
        "queue": options.queue,
        "backend": property(lambda _: runtime.no_results),
        "Request": durable_request(app.Task.Request),
        "__module__": step.function.__module__,
        "__doc__": step.function.__doc__,
    }
    if options.retry is not None:
        attributes["max_retries"] = options.retry.max_attempts - 1
    if options.timeout is not None:
        attributes["soft_time_limit"] = options.timeout
        attributes["time_limit"] = options.timeout + GRACE
    kind = type(step.function.__name__, (DurableTask, app.Task), attributes)
    task: Task = app.register_task(kind())
    return task
