"""What an idle worker, and an idle leader, ask of the database: counted over a minute that is not waited for."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from durableflow.steward import Sidecar, threads
from durableflow.steward.duty import Rota
from durableflow.store import elect
from tests.steward.world import World
from tests.support.clock import Clock


class Minute:
    """Lets time pass for a sidecar, and counts what it asks."""

    def __init__(self, database: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.asked = 1000.0, 0
        self._clock = clock
        self.sidecar = Sidecar(
            database=database,
            boot=uuid4(),
            queues=["q"],
            versions=[],
            publish=lambda messages: None,
            depth=lambda queue: 0,
            holds=set,
        )
        self.rotas: dict[Rota, Any] = {rota: rota._connect() for rota in (self.sidecar._pulse, self.sidecar._duties)}
        monkeypatch.setattr(threads, "monotonic", lambda: self.now)
        execute = psycopg.Connection.execute

        def counted(conn: Any, *args: Any, **kwargs: Any) -> Any:
            self.asked += conn in self.rotas.values()
            return execute(conn, *args, **kwargs)

        monkeypatch.setattr(psycopg.Connection, "execute", counted)

    def pass_by(self, seconds: float = 60.0, meanwhile: Callable[[], Any] = bool) -> int:
        """Gives how many statements were executed in that time; meanwhile: done by others at each moment of it."""
        asked, until = self.asked, self.now + seconds
        due = dict.fromkeys(self.rotas, self.now)
        while self.now < until:
            for rota, conn in self.rotas.items():
                if due[rota] <= self.now:
                    due[rota] = self.now + max(rota._round(conn), 0.001)
            meanwhile()
            step = min(due.values()) - self.now
            self.now += step
            self._clock.advance(step)
        return self.asked - asked

    def close(self) -> None:
        for conn in self.rotas.values():
            conn.close()


@pytest.fixture
def minute(database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Minute]:
    minute = Minute(database_url, clock, monkeypatch)
    yield minute
    minute.close()


def test_a_worker_that_does_not_lead_beats_and_watches_the_lease(world: World, minute: Minute) -> None:
    other = world.worker()
    elect.hold(world.conn, other, seconds=1.5)
    asked = minute.pass_by(meanwhile=lambda: elect.hold(world.conn, other, seconds=1.5))
    assert not minute.sidecar.leadership.leads
    assert 120 <= asked <= 200, "two beats a second; the rest is the lease and the audit"


def test_the_leader_asks_less_than_ten_times_a_second(world: World, minute: Minute) -> None:
    minute.pass_by(10)
    asked = minute.pass_by()
    assert minute.sidecar.leadership.leads
    assert 240 <= asked <= 600
    assert minute.sidecar.worker_id is not None


def test_ten_thousand_sleeping_timers_cost_no_more(world: World, minute: Minute) -> None:
    run_id = world.run()
    world.conn.execute(
        "INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)"
        " SELECT %s, 'timer', at, at FROM (SELECT durableflow_core.now() + n * interval '1 hour' AS at"
        " FROM generate_series(1, 10000) AS n) AS x",
        (run_id,),
    )
    minute.pass_by(10)
    assert minute.pass_by() <= 600
