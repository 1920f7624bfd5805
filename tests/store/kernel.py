"""What the kernel's tests share: runs, workers and turns written by hand, without a machine or Celery."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from durableflow.codec import Encoded, encode
from durableflow.language.turn import Fail, Finish, StepSpec, Suspend
from durableflow.store import advance
from durableflow.store.claim import Claimed, claim
from durableflow.store.complete import complete_alone
from durableflow.store.messages import StepId
from durableflow.store.start import NewRun, Started, start


@dataclass
class Kernel:
    """One connection that plays a client, a worker and a workflow."""

    conn: psycopg.Connection[tuple[Any, ...]]
    boot: UUID

    def start(self, *, key: str | None = None, amount: int = 1, deadline_at: Any = None) -> Started:
        arguments = encode({"amount": amount})
        new = NewRun(
            id=uuid4(), workflow="shop.checkout", version="v1", key=key, input=arguments, input_digest=str(amount),
            variables=arguments, state=0, line=10, labels="{}", priority=0, queue="q", deadline=deadline_at,
        )  # fmt: skip
        return start(lambda sql, parameters: self.conn.execute(sql, parameters).fetchall(), new, publishes=False)

    def move(self, run_id: UUID, turn: Suspend | Finish | Fail) -> Any:
        wakes, view = self.leased(run_id)
        return advance.commit(self.conn, advance.look(self.conn, view), wakes, turn)

    def leased(self, run_id: UUID) -> tuple[list[advance.Wake], advance.View]:
        """The run's wakes that are due, leased, and where it stands."""
        lease = advance.lease(self.conn, run_id, boot=self.boot, seconds=30)
        assert lease is not None
        assert lease.view is not None
        return lease.wakes, lease.view

    def at_step(self, names: Sequence[str] = ("shop.charge",), **options: Any) -> UUID:
        """A run that stands at an await of these steps."""
        run_id = self.start(**options).run_id
        assert self.move(run_id, suspend(*names)) is not None
        return run_id

    def claim(self, step: StepId, token: UUID | None = None) -> Claimed | None:
        return claim(self.conn, step, token or uuid4(), boot=self.boot, pid=1)

    def claimed(self, step: StepId) -> Claimed:
        attempt = self.claim(step)
        assert attempt is not None
        return attempt

    def complete(self, attempt: Claimed, turn: Suspend | Finish | Fail, output: object = None) -> Any:
        return complete_alone(self.conn, attempt.step, attempt.token, encode(output), turn)

    def one(self, query: str, *parameters: object) -> Any:
        row = self.conn.execute(query, parameters).fetchone()
        return None if row is None else row[0] if len(row) == 1 else row

    def step_state(self, step: StepId) -> str:
        return str(
            self.one(
                "SELECT state FROM durableflow_core.step WHERE run_id = %s AND rev = %s AND index = %s",
                step.run_id, step.rev, step.index,
            )
        )  # fmt: skip

    def run_state(self, run_id: UUID) -> str:
        return str(self.one("SELECT state FROM durableflow_core.run WHERE id = %s", run_id))

    def revs(self, run_id: UUID) -> list[int]:
        rows = self.conn.execute(
            "SELECT rev FROM durableflow_core.checkpoint WHERE run_id = %s ORDER BY rev", (run_id,)
        )
        return [row[0] for row in rows]

    def count(self, table: str, run_id: UUID) -> int:
        return int(self.one(f"SELECT count(*) FROM durableflow_core.{table} WHERE run_id = %s", run_id))


def boot_worker(conn: psycopg.Connection[tuple[Any, ...]]) -> UUID:
    """A worker's row; gives its boot id."""
    boot = uuid4()
    conn.execute(
        "INSERT INTO durableflow_core.worker (id, boot, hostname, pid) VALUES (%s, %s, 'here', 1)", (uuid4(), boot)
    )
    return boot


def spec(name: str, *, delay: float | None = None, queue: str = "q", index: int = 0, **given: Any) -> StepSpec:
    nothing = encode({"args": [], "kwargs": {}})
    kind = given.pop("kind", "task" if delay is None else "timer")
    return StepSpec(
        name=name, kind=kind, input=nothing, options="{}", queue=queue, priority=0, delay=delay, index=index, **given
    )


def suspend(*names: str, delay: float | None = None) -> Suspend:
    alone = len(names) == 1
    shape = json.dumps({"one": 0} if alone else {"all": [{"one": index} for index in range(len(names))]})
    role = "alone" if alone else "joined"
    steps = [spec(name, delay=delay, index=index, role=role) for index, name in enumerate(names)]
    return Suspend(state=1, line=12, variables=encode({"amount": 1}), awaits=shape, steps=steps)


def finish(value: object = "done") -> Finish:
    return Finish(output=encode(value))


def failure(message: str = "no") -> Fail:
    return Fail(error=encode(ValueError(message)))


def error_text(message: str = "no") -> Encoded:
    return encode(ValueError(message))
