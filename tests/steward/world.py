"""Rows as other transitions would have left them, written by hand: workers, and steps in every state."""

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg

from durableflow.store.messages import StepId

Connection = psycopg.Connection[tuple[Any, ...]]


class World:
    """One database, seen over one autocommit connection."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    def one(self, query: str, *parameters: object) -> Any:
        row = self.conn.execute(query, parameters).fetchone()
        return None if row is None else row[0] if len(row) == 1 else row

    def worker(
        self,
        *,
        versions: tuple[str, ...] = (),
        holds: tuple[str, ...] = (),
        seen: float = 0,
        dead: bool = False,
        lock_key: int | None = None,
    ) -> UUID:
        """A worker. seen: seconds since its last beat; dead: it has a tombstone."""
        worker_id = uuid4()
        self.conn.execute(
            """
            INSERT INTO durableflow_core.worker
                (id, boot, hostname, pid, versions, holds, lock_key, postmaster_at, seen_at, tombstone_at)
            VALUES (%s, %s, 'elsewhere', 4711, %s, %s, %s, pg_postmaster_start_time(),
                    durableflow_core.now() - make_interval(secs => %s), CASE WHEN %s THEN durableflow_core.now() END)
            """,
            (worker_id, uuid4(), list(versions), list(holds), lock_key, seen, dead),
        )
        return worker_id

    def run(self, *, version: str = "v1", parked: str | None = None, queue: str = "q") -> UUID:
        """A run that stands at rev 1."""
        run_id = uuid4()
        self.conn.execute(
            "INSERT INTO durableflow_core.run (id, workflow, version, input, input_digest, queue, parked_reason)"
            " VALUES (%s, 'shop.checkout', %s, '{}', '', %s, %s)",
            (run_id, version, queue, parked),
        )
        self.conn.execute(
            "INSERT INTO durableflow_core.checkpoint (run_id, rev, kind, state, line, variables) VALUES"
            " (%(run)s, 0, 'start', 0, 1, '{}'), (%(run)s, 1, 'advance', 1, 2, '{}')",
            {"run": run_id},
        )
        return run_id

    def steps(self, count: int = 1, *, run_id: UUID | None = None, **ready: Any) -> list[StepId]:
        """Steps that are ready: see ``ready``."""
        run_id = run_id or self.run()
        first = self.one("SELECT count(*) FROM durableflow_core.step WHERE run_id = %s", run_id)
        made = [StepId(run_id, 1, first + n) for n in range(count)]
        for step in made:
            self.ready(step, **ready)
        return made

    def ready(
        self,
        step: StepId,
        *,
        queue: str = "q",
        priority: int = 0,
        due_in: float = 0,
        dispatched: float | None = None,
        dispatches: int = 1,
    ) -> None:
        """dispatched: seconds since it was; dispatches: how often it was until then."""
        self.conn.execute(
            """
            INSERT INTO durableflow_core.step (run_id, rev, index, name, state, input, queue, priority)
            VALUES (%s, %s, %s, 'shop.charge', 'ready', '{"args": [], "kwargs": {}}', %s, %s)
            """,
            (step.run_id, step.rev, step.index, queue, priority),
        )
        self.conn.execute(
            """
            INSERT INTO durableflow_core.ready
                (run_id, rev, index, name, queue, priority, due_at, dispatched_at, dispatches)
            VALUES (%(run)s, %(rev)s, %(index)s, 'shop.charge', %(queue)s, %(priority)s,
                    durableflow_core.now() + make_interval(secs => %(due_in)s),
                    durableflow_core.now() - make_interval(secs => %(dispatched)s), %(dispatches)s)
            """,
            {
                "run": step.run_id,
                "rev": step.rev,
                "index": step.index,
                "queue": queue,
                "priority": priority,
                "due_in": due_in,
                "dispatched": dispatched,
                "dispatches": 0 if dispatched is None else dispatches,
            },
        )

    def claimed(
        self, worker_id: UUID, *, pid: int = 4712, losses: int = 0, run_id: UUID | None = None, shard: int | None = None
    ) -> StepId:
        """A step that runs for the worker."""
        (step,) = self.steps(run_id=run_id)
        self.claim(step, worker_id, pid=pid)
        self.conn.execute(
            "UPDATE durableflow_core.step SET losses = %s, attempt = %s, shard = %s"
            " WHERE run_id = %s AND rev = %s AND index = %s",
            (losses, losses + 1, shard, step.run_id, step.rev, step.index),
        )
        return step

    def claim(self, step: StepId, worker_id: UUID, *, pid: int = 4712) -> UUID:
        """Let the worker take an attempt of a ready step; gives the token."""
        token = uuid4()
        with self.conn.transaction():
            claim(self.conn, step, worker_id, token, pid=pid)
        return token

    def complete(self, step: StepId) -> None:
        complete(self.conn, step)

    def step(self, step: StepId, columns: str = "state") -> Any:
        return self.one(
            f"SELECT {columns} FROM durableflow_core.step WHERE run_id = %s AND rev = %s AND index = %s",
            step.run_id, step.rev, step.index,
        )  # fmt: skip

    def count(self, table: str, run_id: UUID | None = None) -> int:
        which = "" if run_id is None else "WHERE run_id = %s"
        return int(self.one(f"SELECT count(*) FROM durableflow_core.{table} {which}", *([run_id] if run_id else [])))

    def wake(
        self,
        run_id: UUID,
        *,
        visible: float | str = 0,
        due: float = 0,
        leased_by: UUID | None = None,
        dispatches: int = 0,
    ) -> int:
        """A wake of the run; visible, due: seconds from now, or 'infinity'."""
        visible_at = (
            "'infinity'" if visible == "infinity" else f"durableflow_core.now() + {float(visible)} * interval '1s'"
        )
        return int(
            self.one(
                f"""
                INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at, leased_by, dispatches)
                VALUES (%s, 'start', durableflow_core.now() + make_interval(secs => %s), {visible_at}, %s, %s)
                RETURNING id
                """,
                run_id, due, leased_by, dispatches,
            )
        )  # fmt: skip

    def finish(self, run_id: UUID, *, ago: float = 0) -> None:
        self.conn.execute(
            "UPDATE durableflow_core.run SET state = 'succeeded', output = %s,"
            " finished_at = durableflow_core.now() - make_interval(secs => %s) WHERE id = %s",
            (json.dumps(None), ago, run_id),
        )


def claim(conn: Connection, step: StepId, worker_id: UUID, token: UUID, *, pid: int = 4712) -> None:
    """What a claim writes, whether or not the worker is alive: a claim may commit just after the tombstone."""
    key = (step.run_id, step.rev, step.index)
    conn.execute("DELETE FROM durableflow_core.ready WHERE run_id = %s AND rev = %s AND index = %s", key)
    conn.execute(
        "UPDATE durableflow_core.step SET state = 'running', claim = %s, worker_id = %s, attempt = attempt + 1,"
        " started_at = durableflow_core.now() WHERE run_id = %s AND rev = %s AND index = %s",
        (token, worker_id, *key),
    )
    conn.execute(
        "INSERT INTO durableflow_core.claim (run_id, rev, index, worker_id, pid) VALUES (%s, %s, %s, %s, %s)",
        (*key, worker_id, pid),
    )


def complete(conn: Connection, step: StepId) -> None:
    """What a completion writes."""
    key = (step.run_id, step.rev, step.index)
    conn.execute(
        "UPDATE durableflow_core.step SET state = 'succeeded', output = 'null', finished_at = durableflow_core.now()"
        " WHERE run_id = %s AND rev = %s AND index = %s AND state = 'running'",
        key,
    )
    conn.execute("DELETE FROM durableflow_core.claim WHERE run_id = %s AND rev = %s AND index = %s", key)
