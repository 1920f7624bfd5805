"""What only the worker's parent process sees of an attempt, or of a turn: that its child died, or was killed at the
hard time limit.

These hooks run in Celery's event loop, which must not wait for a database: they hand the fact to the steward's thread.
It is matched by worker and child pid. By step would be wrong: the step may be running again, elsewhere, by now.
"""

import os
from typing import Any
from uuid import UUID

from billiard.einfo import ExceptionWithTraceback
from celery.exceptions import Terminated, WorkerLostError
from kombu.utils.imports import symbol_by_name

from durableflow.store.messages import SUBJECT


class _Observed:
    """Mixed in front of an app's own request class, which stays in charge. Tells of a child that died."""

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, WorkerLostError | Terminated):
            self._child_is_gone()
        return super().on_failure(exc_info, *args, **kwargs)  # type: ignore[misc]

    def _child_is_gone(self) -> None:
        raise NotImplementedError

    def _child(self) -> int | None:
        """The pool child that took the message; None in pools that have none of their own (threads, solo)."""
        pid: int | None = self.worker_pid  # type: ignore[attr-defined]
        return pid if pid != os.getpid() else None


class _Step(_Observed):
    def on_timeout(self, soft: bool, timeout: float) -> Any:
        child = self._child()
        if not soft and child is not None and SUBJECT in self.request_dict:  # type: ignore[attr-defined]
            self.task.durable_runtime.on_hard_limit(child, timeout)  # type: ignore[attr-defined]
        return super().on_timeout(soft, timeout)  # type: ignore[misc]

    def _child_is_gone(self) -> None:
        child = self._child()
        if child is not None:
            self.task.durable_runtime.on_child_lost(child)  # type: ignore[attr-defined]


class _Turn(_Observed):
    def _child_is_gone(self) -> None:
        try:
            run_id = UUID(self.kwargs[SUBJECT])  # type: ignore[attr-defined]
        except (KeyError, ValueError, TypeError, AttributeError):
            return  # a message that names no run
        self.task.durable_runtime.on_turn_lost(run_id, self._child())  # type: ignore[attr-defined]


def durable_request(base: str | type) -> type:
    """The request class for steps, over the one that the app has (a class or its qualified name)."""
    return type("DurableRequest", (_Step, symbol_by_name(base)), {})  # type: ignore[no-untyped-call]


def turn_request(base: str | type) -> type:
    """The request class for ``durableflow.advance``, likewise."""
    return type("TurnRequest", (_Turn, symbol_by_name(base)), {})  # type: ignore[no-untyped-call]
