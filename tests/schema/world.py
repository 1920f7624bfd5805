"""Rows as the engine writes them, by hand: what the views are to show."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from durableflow.codec import encode

SOURCE = """async def checkout(order):
    payment = await charge(order)
    parcels = await gather(*(ship(item) for item in order["items"]))
    return payment, parcels
"""
FIRST_LINE = 10
CHARGE, SHIP = 11, 12  # lines in the file


class World:
    """One run and what belongs to it."""

    def __init__(self, db: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.db = db
        self.run_id = uuid4()
        self.rev = 0

    def insert(self, table: str, **columns: object) -> None:
        names = ", ".join(columns)
        values = ", ".join("%s::text[]" if isinstance(value, list) else "%s" for value in columns.values())
        self.db.execute(
            f"INSERT INTO durableflow_core.{table} ({names}) VALUES ({values})",  # type: ignore[arg-type]
            list(columns.values()),
        )

    def version(self) -> None:
        self.insert(
            "workflow_version", name="shop.checkout", version="v1", source=SOURCE, filename="/srv/shop.py",
            first_line=FIRST_LINE,
        )  # fmt: skip

    def run(self, **columns: object) -> UUID:
        given = {
            "id": self.run_id, "workflow": "shop.checkout", "version": "v1", "input": '{"order": 1}',
            "input_digest": "d", "queue": "durableflow",
        }  # fmt: skip
        self.insert("run", **(given | columns))
        self.insert(
            "checkpoint", run_id=self.run_id, rev=0, kind="start", state=0, line=FIRST_LINE, variables='{"order": 1}'
        )
        return self.run_id

    def checkpoint(self, line: int = CHARGE, *, variables: object = None, text: str | None = None) -> int:
        """The run comes to a place; variables are encoded, text is what is stored as it is."""
        self.rev += 1
        if text is None:
            encoded = encode({} if variables is None else variables)
            text = encoded.text
            for name, body in encoded.blobs.items():
                self.insert("value", run_id=self.run_id, hash=name, body=body)
        self.insert(
            "checkpoint", run_id=self.run_id, rev=self.rev, kind="advance", state=self.rev, line=line, variables=text,
            awaits='{"one": 0}',
        )  # fmt: skip
        return self.rev

    def step(self, index: int = 0, *, name: str = "shop.charge", state: str = "ready", **columns: object) -> None:
        given: dict[str, object] = {
            "run_id": self.run_id, "rev": self.rev, "index": index, "name": name, "state": state,
            "input": '{"args": [], "kwargs": {}}', "queue": "payments",
        }  # fmt: skip
        if state == "succeeded":
            given |= {"output": "null", "finished_at": "now()"}
        if state == "failed":
            given |= {
                "error": json.dumps({"~": "error", "class": "shop:Declined", "args": ["no"]}),
                "finished_at": "now()",
            }
        self.insert("step", **(given | columns))

    def ready(self, index: int = 0, *, due_at: datetime | str = "now()") -> None:
        self.insert(
            "ready", run_id=self.run_id, rev=self.rev, index=index, name="shop.charge", queue="payments", due_at=due_at
        )

    def worker(self, hostname: str = "host-a", **columns: object) -> UUID:
        worker_id = uuid4()
        self.insert("worker", **({"id": worker_id, "boot": uuid4(), "hostname": hostname, "pid": 100} | columns))
        return worker_id

    def running_step(self, worker_id: UUID, *, pid: int = 101, attempt: int = 1, index: int = 0) -> None:
        self.step(index, state="running", claim=uuid4(), worker_id=worker_id, attempt=attempt, started_at="now()")
        self.insert("claim", run_id=self.run_id, rev=self.rev, index=index, worker_id=worker_id, pid=pid)

    def attempt(self, outcome: str, *, attempt: int = 1, index: int = 0, **columns: object) -> None:
        given: dict[str, object] = {
            "run_id": self.run_id, "rev": self.rev, "index": index, "attempt": attempt, "outcome": outcome,
            "error": '{"~": "error", "class": "shop:Declined", "args": ["no"]}', "hostname": "host-a",
        }  # fmt: skip
        self.insert("attempt", **(given | columns))

    def row(self, view: str, columns: str) -> Any:
        """The run's one row of a view: a value, or a tuple of them."""
        key = "id" if view == "runs" else "run_id"
        rows = self.db.execute(
            f"SELECT {columns} FROM durableflow.{view} WHERE {key} = %s",  # type: ignore[arg-type]
            (self.run_id,),
        ).fetchall()
        assert len(rows) == 1
        return rows[0] if len(rows[0]) > 1 else rows[0][0]
