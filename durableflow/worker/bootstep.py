"""The steward inside a Celery worker's parent process.

A worker-level bootstep that starts after the pool has forked and before the consumer: the first message must find a
registered worker, because a claim is made in a worker's name. It works before the broker can be reached, and survives
the broker's restarts. ``stop`` is called before the pool has drained, and the steps that still run there are a living
worker's: the heartbeat goes on until ``worker_shutdown``. A cold shutdown calls ``terminate`` instead, and kills the
children: then the worker says at once that it is gone, and what they were doing is given to others.
"""

import logging
import os
import time
from collections.abc import Collection, Sequence
from typing import Any
from uuid import uuid4

from billiard import get_start_method
from celery import bootsteps, signals
from celery.platforms import EX_FAILURE
from celery.worker import state

from durableflow.client.schedules import tick_run
from durableflow.errors import ConfigurationError
from durableflow.steward import Sidecar, StewardSettings
from durableflow.store.messages import SUBJECT, Message
from durableflow.worker.boot import broker_trouble, consume_own_queues, declare_queues, prepare, schedules_of
from durableflow.worker.depth import Depth
from durableflow.worker.runtime import BOOT, Runtime

_log = logging.getLogger(__name__)

_LOOK_AFTER_CHILDREN = 0.5
"""Seconds between two looks for pool children that have died."""

_REGISTRATION = 15.0
"""Seconds for which the first message waits for the worker to be registered."""


def steward_step(runtime: Runtime) -> type[bootsteps.StartStopStep]:
    """The bootstep for one application's workers."""
    return type("Steward", (_Steward,), {"runtime": runtime, "__module__": __name__, "requires": _Steward.requires})


class _Steward(bootsteps.StartStopStep):  # type: ignore[misc]
    requires = ("celery.worker.components:Pool",)

    runtime: Runtime

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        os.environ[BOOT] = str(uuid4())  # before the pool starts: its children inherit it
        if get_start_method() == "spawn":
            os.environ["FORKED_BY_MULTIPROCESSING"] = "1"  # Celery's own way to tell a child that it was not forked
        self._sidecar: Sidecar | None = None
        self._looks: Any = None
        self._prepare()

    def start(self, worker: Any) -> None:
        runtime = self.runtime
        settings = runtime.settings
        publisher = runtime.publisher

        def publish(messages: Sequence[Message]) -> None:
            publisher.publish_or_raise(messages)

        self._sidecar = runtime.sidecar = Sidecar(
            database=settings.require_database(),
            boot=runtime.boot,
            queues=list(runtime.app.amqp.queues.consume_from),
            versions=runtime.registry.versions(),
            publish=publish,
            depth=Depth(runtime.app),
            holds=lambda: held(worker),
            schedules=schedules_of(runtime),
            new_tick=lambda entry, at: tick_run(runtime.registry.workflow(entry.workflow), entry, at, settings),
            settings=StewardSettings(
                worker_timeout=settings.worker_timeout,
                max_losses=settings.max_losses,
                window=settings.window,
                retention=settings.retention,
                session_locks=settings.session_locks,
            ),
        )
        self._sidecar.start()
        self._await_registration()
        signals.worker_shutdown.connect(self._on_shutdown, sender=worker, weak=False)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Miss a dead child soon. Celery looks when the child's pipe closes, which is a moment before the child can be
        waited for, and where it then finds nothing it looks again only after five seconds. Called at each connect."""
        look = getattr(getattr(worker.pool, "_pool", None), "maintain_pool", None)
        if look is not None:  # a pool that has processes
            if self._looks is not None:
                self._looks.cancel()
            self._looks = hub.call_repeatedly(_LOOK_AFTER_CHILDREN, look)

    def stop(self, worker: Any) -> None:
        """The pool drains after this: the steward goes on until it has."""

    def terminate(self, worker: Any) -> None:
        self._end()

    def _prepare(self) -> None:
        """Before there are children: what is wrong ends the worker with the reason, and without a traceback."""
        try:
            prepare(self.runtime)
        except ConfigurationError as error:
            _log.critical("%s: %s", type(error).__name__, error)
            raise SystemExit(EX_FAILURE) from None
        trouble = broker_trouble(self.runtime)
        consume_own_queues(self.runtime)
        if trouble is None:
            declare_queues(self.runtime)
        else:
            _log.error("%s", trouble)

    def _await_registration(self) -> None:
        until = time.monotonic() + _REGISTRATION
        while self._sidecar is not None and self._sidecar.worker_id is None and time.monotonic() < until:
            time.sleep(0.02)

    def _on_shutdown(self, **_: Any) -> None:
        self._end()

    def _end(self) -> None:
        sidecar, self._sidecar = self._sidecar, None
        if sidecar is not None:
            sidecar.stop()
            self.runtime.connections.close()


def held(worker: Any) -> Collection[str] | None:
    """What this worker has taken from the broker, as ``<run_id>:<rev>:<index>``; None while that is not known.

    Called from the steward's thread. While the consumer reconnects, the parent hears nothing of its children, and what
    it believes is out of date. In a shutdown only what the pool has got counts: the rest goes back to the broker.
    """
    stopping = state.should_stop is not None or state.should_terminate is not None
    consumer = getattr(worker, "consumer", None)
    hears = consumer is not None and consumer.blueprint.state == bootsteps.RUN and consumer.connection is not None
    if not hears and not stopping:
        return None
    requests = _copy(state.active_requests)
    for request in _copy(state.reserved_requests):
        if not stopping or request._apply_result is not None:
            requests.add(request)
    subjects = {_subject(request) for request in requests if SUBJECT in request.request_dict}
    # Anybody can put a message into the broker. PostgreSQL refuses a NUL, and the heartbeat must not fail for it.
    return {subject for subject in subjects if "\x00" not in subject}


def _copy(requests: Any) -> set[Any]:
    while True:
        try:
            return set(requests)
        except RuntimeError:  # the event loop's thread changed it
            continue


def _subject(request: Any) -> str:
    """A message's id is its subject and the number of its dispatch."""
    return str(request.id).rpartition(":")[0]
