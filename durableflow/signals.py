"""Signals: what happens to runs, steps and workers, told in the process where it happens, to whoever has connected.

They are Celery's signals (``celery.utils.dispatch.Signal``) and connected in the same way::

    from durableflow import signals

    @signals.step_failed.connect(sender="shop.charge", weak=False)
    def page_somebody(error, run_id, **kwargs): ...

A signal is told after the commit of what it tells of, outside of any transaction, and at most once: a process that dies
in between tells nobody. What must not be missed belongs into a step, or is read from the views. Receivers are called
one after the other, where the thing happened; docs/reference/signals.md says what each carries and in which process.

A receiver that raises is logged and harms nothing: neither the run, nor the worker, nor the receivers after it. That
holds for ``sys.exit()`` and any BaseException of its own, too. What is not the receiver's passes through it, as through
any other code: Ctrl-C, the signal by which a worker ends a pool child, a greenlet that is killed.
"""

import logging
import os
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, overload

from celery.local import PromiseProxy
from celery.utils.dispatch import Signal as CelerySignal

F = TypeVar("F", bound=Callable[..., Any])

_log = logging.getLogger("durableflow.signals")

_GREENLETS = ("greenlet", "gevent", "eventlet")
"""The packages whose exceptions end a greenlet: that it is killed, or that its time is over."""

_OF_A_RUN = ("run_id", "workflow")
_OF_A_STEP = (*_OF_A_RUN, "step", "rev", "index", "attempt", "idempotency_key")


class Signal(CelerySignal):  # type: ignore[misc]
    """One of Celery's signals, whose sender is a name, and which no receiver can break.

    name; providing_args: the names of the arguments that receivers are given; receivers: those that are connected, to
    be looked at before anything is made ready to be sent.
    """

    name: str
    providing_args: set[str]
    receivers: list[Any]

    @overload
    def connect(
        self,
        receiver: F,
        /,
        sender: object = None,
        weak: bool = True,
        dispatch_uid: Hashable = None,
        retry: bool = False,
    ) -> F: ...
    @overload
    def connect(
        self, /, *, sender: object = None, weak: bool = True, dispatch_uid: Hashable = None, retry: bool = False
    ) -> Callable[[F], F]: ...
    def connect(self, *args: Any, **options: Any) -> Any:
        """Connect a receiver, as Celery's signals do; without one, a decorator.

        receiver: is called with keyword arguments, and takes ``**kwargs``; sender: the name of the step, workflow or
        host that it is about, or the step, workflow or task itself; None: all of them; weak: False keeps a receiver
        alive that nothing else refers to; dispatch_uid: of several receivers under one, the first is connected; retry:
        call a receiver that raises again, until it does not.

        Raises:
            ValueError: the receiver takes no ``**kwargs``.
        """
        at = 1 if args and callable(args[0]) else 0
        args = (*args[:at], *map(_name_of, args[at : at + 1]), *args[at + 1 :])
        return super().connect(*args, **_named(options))

    def disconnect(self, *args: Any, **options: Any) -> bool:
        """Disconnect a receiver, as Celery's signals do: by itself or by its ``dispatch_uid``, and by the sender that
        it was connected for. False: it was not connected."""
        args = (*args[:1], *map(_name_of, args[1:2]), *args[2:])
        return bool(super().disconnect(*args, **_named(options)))

    def send(self, sender: str, **facts: Any) -> list[tuple[Callable[..., Any], Any]]:
        """Tell every receiver. Gives what each returned, or what it raised."""
        responses: list[tuple[Callable[..., Any], Any]] = []
        for receiver in self._live_receivers(sender):
            try:
                response = receiver(signal=self, sender=sender, **facts)
            except BaseException as error:
                if _comes_from_outside(error):
                    raise
                _log.error("a receiver of %s raised an error: %r", self.name, receiver, exc_info=error)
                response = error
            responses.append((receiver, response))
        return responses

    send_robust = send


def _named(options: dict[str, Any]) -> dict[str, Any]:
    return options | {"sender": _name_of(options["sender"])} if "sender" in options else options


def _name_of(sender: Any) -> Any:
    """A step, workflow or task as its name: signals are sent under names. A task that its app has yet to make is left
    to Celery, which connects it once it is made."""
    if isinstance(sender, PromiseProxy) and not sender.__evaluated__():
        return sender
    name = getattr(sender, "name", None)
    return name if isinstance(name, str) else sender


def _comes_from_outside(error: BaseException) -> bool:
    """Whether this ends the thread that a receiver runs in, and is not the receiver's own error."""
    if isinstance(error, SystemExit):
        # A pool child that its parent ends by a signal exits with the signal's number minus 256.
        return isinstance(error.code, int) and -256 < error.code < -128
    if isinstance(error, Exception):
        return False
    return isinstance(error, KeyboardInterrupt) or type(error).__module__.partition(".")[0] in _GREENLETS


run_started = Signal(name="run_started", providing_args=_OF_A_RUN)
"""The first turn of a run has moved it on."""

run_finished = Signal(name="run_finished", providing_args=(*_OF_A_RUN, "result"))
"""A run has succeeded."""

run_failed = Signal(name="run_failed", providing_args=(*_OF_A_RUN, "error"))
"""A run has failed."""

run_cancelled = Signal(name="run_cancelled", providing_args=_OF_A_RUN)
"""A run was cancelled."""

step_started = Signal(name="step_started", providing_args=_OF_A_STEP)
"""An attempt was claimed, and its body is about to run."""

step_succeeded = Signal(name="step_succeeded", providing_args=(*_OF_A_STEP, "result"))
"""The result of a step is committed."""

step_retrying = Signal(name="step_retrying", providing_args=(*_OF_A_STEP, "error", "traceback", "delay"))
"""An attempt has failed, and another one is due."""

step_failed = Signal(name="step_failed", providing_args=(*_OF_A_STEP, "error", "traceback", "awaited"))
"""The last attempt of a step has failed."""

step_dead = Signal(name="step_dead", providing_args=(*_OF_A_STEP, "error", "traceback"))
"""A step has become a dead letter."""

worker_lost = Signal(name="worker_lost", providing_args=("worker_id", "hostname", "pid", "child", "silence"))
"""A worker was declared dead, or one of its pool children died at work."""

ALL = (
    run_started,
    run_finished,
    run_failed,
    run_cancelled,
    step_started,
    step_succeeded,
    step_retrying,
    step_failed,
    step_dead,
    worker_lost,
)
"""Every signal."""

__all__ = ["ALL", "Signal", *(signal.name for signal in ALL)]


def _fresh_locks() -> None:
    """In a forked child: the steward's thread may have held one at that moment, and is not there to release it."""
    for signal in ALL:
        signal.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_locks)
