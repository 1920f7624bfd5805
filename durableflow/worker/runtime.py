"""What the tasks of one application share in one process."""

import functools
import os
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from celery import Celery

from durableflow import codec
from durableflow.config import Settings
from durableflow.errors import ConfigurationError
from durableflow.language import Named, Registry
from durableflow.steward import Sidecar
from durableflow.store.load import values
from durableflow.worker import timeouts
from durableflow.worker.connections import Connections
from durableflow.worker.publisher import Publisher
from durableflow.worker.versions import find

BOOT = "DURABLEFLOW_BOOT"
"""The environment variable by which pool children, forked or spawned, know the worker that they belong to."""


class Host(Protocol):
    """What is needed of an application (``durableflow.DurableFlow``). celery: its Celery app; registry: its workflows
    and steps; settings: read when they are first needed; surrounding: what a body runs in."""

    @property
    def celery(self) -> Celery: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def settings(self) -> Settings: ...
    def surrounding(self) -> AbstractContextManager[None]: ...


class Runtime:
    """One application's tasks at run time. Nothing is read or connected before it is needed.

    owned: whether the Celery app is durableflow's own, and not one that somebody else configures; sidecar: the steward,
    in a worker's parent process.
    """

    def __init__(self, host: Host, app: Celery, *, owned: bool) -> None:
        self.host = host
        self.app = app
        self.owned = owned
        self.publisher = Publisher(app, ranks=owned)
        self.sidecar: Sidecar | None = None

    @property
    def registry(self) -> Registry:
        """The application's definitions."""
        return self.host.registry

    @functools.cached_property
    def settings(self) -> Settings:
        """The application's settings."""
        return self.host.settings

    @functools.cached_property
    def connections(self) -> Connections:
        """This process' way to the database."""
        return Connections(self.settings)

    def forget(self) -> None:
        """Read the settings anew when they are needed next."""
        for cached in ("settings", "connections"):
            self.__dict__.pop(cached, None)

    @property
    def boot(self) -> UUID:
        """The id of the worker process that we are, or whose child we are.

        Raises:
            ConfigurationError: this process is no worker's.
        """
        boot = os.environ.get(BOOT)
        if boot is None:
            raise ConfigurationError(
                "a durableflow task runs outside of a worker: start one with `durableflow worker` or `celery worker`"
            )
        return UUID(boot)

    def definition(self, name: str, version: str) -> Named | str:
        """What a run of that version is advanced with; or, in words, why this process cannot."""
        found = self.registry.get(name, version)
        return found if found is not None else find(self, name, version)

    def large_values(self, run_id: UUID, *texts: str | None) -> dict[str, str]:
        """The large values of the run that stored texts refer to, by hash."""
        if not any(codec.references(text) for text in texts if text is not None):
            return {}
        return self.connections.transact(lambda conn: values(conn, run_id, texts))

    def on_child_lost(self, pid: int) -> None:
        """A pool child of ours is gone. From any thread; waits for nothing."""
        if self.sidecar is not None:
            self.sidecar.child_lost(pid)

    def on_turn_lost(self, run_id: UUID, pid: int | None) -> None:
        """A pool child of ours is gone that was advancing this run; pid: the child's. From any thread; waits for
        nothing."""
        if self.sidecar is not None:
            self.sidecar.turn_lost(run_id, pid)

    def on_hard_limit(self, pid: int, seconds: float) -> None:
        """A pool child of ours is being killed because its step ran too long. From any thread; waits for nothing."""
        if self.sidecar is not None:
            timeouts.report(self, self.sidecar, pid, seconds)
