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
from celery.canvas import _chain
from celery.exceptions import ImproperlyConfigured

from durableflow.language import Step
from durableflow.language.attempts import is_executing
from durableflow.language.options import GRACE
from durableflow.store.messages import SUBJECT
from durableflow.worker.asking import NothingToSend, Replaced
from durableflow.worker.attempt import active, trace_attempt
from durableflow.worker.body import run_body
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
        task.__dict__["_durable_trace"] = None if trace is None else task.durable_trace(trace)


class DurableTask:
    """The mixin that makes a task an attempt of a step; it comes first in the class's bases.

    durable_runtime: of the application; durable_step: the definition. The task is the user's own: names that it may
    have for itself are left to it.
    """

    __trace__ = _Tracer()

    durable_runtime: Runtime
    durable_step: Step[..., Any]

    def durable_trace(self, trace: Callable[..., trace_ok_t]) -> Callable[..., trace_ok_t]:
        """The tracer that claims first. A message that carries arguments instead of a step's id (somebody sent the task
        with Celery's own means) is traced as it is: it runs, and is no part of any run."""

        def trace_durably(
            task_id: str, args: Any, kwargs: dict[str, Any], request: dict[str, Any] | None = None
        ) -> trace_ok_t:
            subject = kwargs.get(SUBJECT)
            if subject is None:
                return trace(task_id, args, kwargs, request)
            return trace_attempt(self.durable_runtime, self, trace, subject, {} if request is None else request)

        return trace_durably

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        attempt = active()
        if attempt is not None and attempt.task is self and not attempt.begun:
            return attempt.execute(self._durable_body(), args, kwargs)
        # Sent with Celery's own means, or called by somebody's code: no part of a run.
        return run_body(self._durable_body(), args, kwargs)

    def _durable_body(self) -> Callable[..., Any]:
        """What the tracer would call if the class had no ``__call__`` of ours.

        Celery's own ``__call__`` gives a body that is called by hand a request of its own; a tracer avoids it where a
        class does not override it, and so must we: ``self.retry`` of a task that runs eagerly asks that request.
        """
        request = self.request_stack.top  # type: ignore[attr-defined]
        if super().__call__.__func__ is not Task.__call__ or request is None:  # type: ignore[misc]
            return super().__call__  # type: ignore[misc, no-any-return]
        if request.called_directly or request._protected:
            return super().__call__  # type: ignore[misc, no-any-return]
        request._protected = 1
        return self.run  # type: ignore[attr-defined, no-any-return]

    def replace(self, sig: Any) -> Any:
        """As Celery's: the task ends, and what is in ``sig`` takes its place. Its step becomes a child run.

        Raises ImproperlyConfigured, as Celery does, for a signature that is part of a chord, and for an empty chain.
        """
        attempt = active()
        simulated = attempt is None and is_executing(self.name)  # type: ignore[attr-defined]
        if not simulated and (attempt is None or attempt.task is not self):
            return super().replace(sig)  # type: ignore[misc]
        if "chord" in sig.options:
            raise ImproperlyConfigured("A signature replacing a task must not be part of a chord")
        if isinstance(sig, _chain) and not getattr(sig, "tasks", True):
            raise ImproperlyConfigured("Cannot replace with an empty chain")

        def replaced() -> None:  # called by Task.on_replace, after whatever the task's own does to the signature
            raise Replaced(sig)

        sig.delay = replaced
        return self.on_replace(sig)  # type: ignore[attr-defined]

    def add_to_chord(self, sig: Any, lazy: bool = False) -> Any:
        """Refused in a durable canvas, whose shape is stored: ``return self.replace(group(...))`` does it there."""
        attempt = active()
        if attempt is None or attempt.task is not self:
            return super().add_to_chord(sig, lazy)  # type: ignore[misc]
        raise ValueError(
            "a durable chord takes no more members: return self.replace(group(...)) from this task instead"
        )

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
        if attempt is not None and attempt.task is self:
            return NothingToSend(attempt.arguments, args, kwargs, options.get("queue"))
        if request is not None and SUBJECT in (request.kwargs or {}):  # in the parent, of a child that was lost
            return NothingToSend(([], {}), None, None, None)
        return super().signature_from_request(request, args, kwargs, **options)  # type: ignore[misc]


def step_task(app: Celery, runtime: Runtime, step: Step[..., Any]) -> Task:
    """The Celery task of a step: the app's own task class, with the mixin in front."""
    options = step.defaults
    attributes: dict[str, Any] = SAFE | {
        "name": step.name,
        "run": staticmethod(step.function),
        "durable_runtime": runtime,
        "durable_step": step,
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
