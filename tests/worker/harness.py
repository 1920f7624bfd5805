"""A worker without a broker or processes: messages are handed to the tasks' tracers, as Celery does."""

import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
from celery.app.trace import build_tracer, trace_ok_t

from durableflow import DurableFlow
from durableflow.store import register
from durableflow.store.messages import ADVANCE, SUBJECT, Message
from durableflow.worker import Runtime
from durableflow.worker.runtime import BOOT


class Harness:
    """published: what would be in the broker."""

    def __init__(self, df: DurableFlow, db: psycopg.Connection[Any], monkeypatch: Any) -> None:
        self.runtime: Runtime = df._runtime
        self.db = db
        self.boot, self.worker_id = uuid4(), uuid4()
        self.published: list[Message] = []
        for cached in ("settings", "connections"):
            self.runtime.__dict__.pop(cached, None)
        monkeypatch.setenv(BOOT, str(self.boot))
        monkeypatch.setattr(self.runtime.publisher, "publish", self._publish)
        register.register(
            db, self.worker_id, boot=self.boot, hostname="here", pid=os.getpid(), queues=[], versions=[], lock_key=None
        )

    def _publish(self, messages: Sequence[Message]) -> bool:
        self.published += messages
        return True

    def close(self) -> None:
        self.runtime.connections.close()
        for cached in ("settings", "connections"):
            self.runtime.__dict__.pop(cached, None)

    def task(self, name: str) -> Any:
        return self.runtime.app.tasks[name]

    def deliver(self, message: Message, **request: Any) -> trace_ok_t:
        """Trace one message, as a pool child would."""
        task = self.task(message.task)
        task.__trace__ = build_tracer(task.name, task, app=self.runtime.app)
        given = {"id": message.id, "task": message.task, "delivery_info": {}, "hostname": "here", **request}
        traced: trace_ok_t = task.__trace__(message.id, [], {SUBJECT: message.subject}, given)
        return traced

    def advance(self, run_id: UUID) -> list[Message]:
        """Advance a run, and give what that published."""
        self.published.clear()
        self.deliver(Message(ADVANCE, f"{run_id}:advance:x", str(run_id), "q"))
        return list(self.published)

    def deliver_all(self) -> None:
        """Deliver what is published until nothing is."""
        while self.published:
            self.deliver(self.published.pop(0))

    def step(self, run_id: UUID) -> tuple[Any, ...]:
        """State and error of the run's newest step."""
        row = self.db.execute(
            "SELECT state, output::text, error::text FROM durableflow_core.step WHERE run_id = %s "
            "ORDER BY rev DESC, index DESC LIMIT 1",
            (run_id,),
        ).fetchone()
        assert row is not None
        return row

    def rev(self, run_id: UUID) -> int:
        """The number of the run's newest checkpoint."""
        row = self.db.execute(
            "SELECT max(rev) FROM durableflow_core.checkpoint WHERE run_id = %s", (run_id,)
        ).fetchone()
        assert row is not None
        return int(row[0])
