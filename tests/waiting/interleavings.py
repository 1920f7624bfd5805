"""Every order in which a few transitions can happen: a small model checker whose model is the engine, on PostgreSQL.

Each *actor* is a call of the engine's own code in a thread of its own, on a connection whose every statement, and every
commit, waits for its turn. One order after the other is played on a fresh run: the first that is possible, then the one
that differs in the last decision, until none is left. An actor that waits for a lock cannot go on; who holds it can.

::

    def play(stage):
        run = shop.one_event().start()
        sender = stage.actor("send", lambda at: send(at.execute, run.id, ...))
        stage.actor("look", lambda at: advance(at.runtime, run.id), after=[sender])
        stage.play()
        ...  # what must be true, whatever the order was

    assert interleavings(engine, play) > 10
"""

import copy
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from durableflow.store.faults import is_transient
from durableflow.worker import Runtime
from durableflow.worker.connections import connect
from tests.support.engine import Engine
from tests.support.races import PATIENCE, Connection

_WRITES = ("INSERT", "UPDATE", "DELETE")
_SOON = 0.005  # seconds in which a statement that does not wait for a lock is usually over


class Stepped:
    """A connection, as the engine uses one, that waits for its turn before each statement and each commit. What would
    be a transaction by itself has its commit apart, if it writes: until then it holds its locks."""

    def __init__(self, conn: Connection, pause: Callable[[str], None]) -> None:
        self.conn = conn
        self._pause = pause
        self._inside = False

    def execute(self, query: str, parameters: Any = None) -> Any:
        if self._inside or not any(verb in query for verb in _WRITES):
            self._pause(query)
            return self.conn.execute(query, parameters)
        with self.transaction():
            self._pause(query)
            return _Read(self.conn.execute(query, parameters))

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Transaction]:
        assert not self._inside
        self._inside = True
        try:
            with self.conn.transaction() as transaction:
                yield transaction
                self._pause("COMMIT")
        finally:
            self._inside = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.conn, name)


class _Read:
    """A cursor's rows, which the commit must not take away."""

    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        self._rows = cursor.fetchall() if cursor.description is not None else []
        self.rowcount = cursor.rowcount

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


class _OneConnection:
    """What ``worker.connections.Connections`` is to a runtime. deadlocks: how often PostgreSQL had to end one."""

    def __init__(self, conn: Stepped) -> None:
        self._conn = conn
        self.deadlocks = 0

    def transact(self, work: Callable[[Any], Any], *, again: Any = None, patience: float = 0.0) -> Any:
        while True:
            try:
                return work(self._conn)
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
                self.deadlocks += 1
                work = again or work


class Actor:
    """One call. name: for messages; after: those that must have ended before this one begins."""

    def __init__(
        self,
        name: str,
        conn: Connection,
        runtime: Runtime,
        call: Callable[["Actor"], Any],
        after: Sequence["Actor"],
        stops: Sequence[str] | None,
        stage: "Stage",
    ) -> None:
        self.name = name
        self.after = after
        self.pid = conn.info.backend_pid
        self.connection = Stepped(conn, self._pause)
        self.connections = _OneConnection(self.connection)
        self.runtime = copy.copy(runtime)
        self.runtime.__dict__["connections"] = self.connections
        self.outcome: Any = None
        self.error: BaseException | None = None
        self.state = "at work"
        self.at = ""
        self._call = call
        self._stops = stops
        self._fresh = True
        self._stage = stage
        self._go = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def execute(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """As ``store.start.Execute``."""
        rows: list[tuple[Any, ...]] = self.connection.execute(query, parameters).fetchall()
        return rows

    def proceed(self) -> None:
        """Do one thing, up to the next pause."""
        self.state = "at work"
        self._go.release()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"{self.name} does not end"

    def _run(self) -> None:
        try:
            self._wait("begin")
            self.outcome = self._call(self)
        except BaseException as error:
            self.error = error
        finally:
            self._arrive("done", "")

    def _pause(self, query: str) -> None:
        if self._fresh:  # it has just been let in
            self._fresh = False
        elif self._stops is None or query == "COMMIT" or any(stop in query for stop in self._stops):
            self._wait(" ".join(query.split())[:70])

    def _wait(self, at: str) -> None:
        self._arrive("paused", at)
        self._go.acquire()

    def _arrive(self, state: str, at: str) -> None:
        with self._stage.changed:
            self.state, self.at = state, at
            self._stage.changed.notify_all()


class Stage:
    """Where one order is played. decisions: which actor was let go on at each point, and who else could have been."""

    def __init__(self, engine: Engine, house: "_House", prefix: Sequence[int], preemptions: int | None) -> None:
        self.changed = threading.Condition()
        self.actors: list[Actor] = []
        self.decisions: list[tuple[int, int]] = []
        self.trace: list[str] = []
        self._engine = engine
        self._house = house
        self._prefix = prefix
        self._left = preemptions

    def actor(
        self,
        name: str,
        call: Callable[[Actor], Any],
        *,
        after: Sequence[Actor] = (),
        stops: Sequence[str] | None = None,
    ) -> Actor:
        """Add one. stops: only commits, and statements that contain one of these, wait for their turn."""
        conn = self._house.connection(len(self.actors))
        actor = Actor(name, conn, self._engine.runtime, call, after, stops, self)
        self.actors.append(actor)
        return actor

    def play(self) -> None:
        """Let everybody come to an end, in the order that is this stage's."""
        self._settle()
        last: Actor | None = None
        while any(actor.state != "done" for actor in self.actors):
            able = [a for a in self.actors if a.state == "paused" and all(b.state == "done" for b in a.after)]
            if not able:  # a deadlock, which PostgreSQL ends
                self._settle(deadlock=True)
                continue
            if last in able:  # going on with it comes first, and anything else is a preemption
                able = [last, *(actor for actor in able if actor is not last)]
                if self._left is not None and self._left <= 0:
                    able = able[:1]
            chosen = self._decide(len(able))
            if last in able and chosen > 0 and self._left is not None:
                self._left -= 1
            last = able[chosen]
            self.trace.append(f"{last.name}: {last.at}")
            last.proceed()
            self._settle()
        for actor in self.actors:
            actor.join()
            if actor.error is not None:
                raise actor.error

    def _decide(self, options: int) -> int:
        place = len(self.decisions)
        # On a busy machine somebody who was let go on may be found at work, where before they had come to a lock: then
        # there are fewer to choose from than when this order was drawn, and it is another order that is played.
        chosen = min(self._prefix[place], options - 1) if place < len(self._prefix) else 0
        self.decisions.append((chosen, options))
        return chosen

    def _settle(self, deadlock: bool = False) -> None:
        """Wait until everybody who was let go on has paused or ended, or waits for somebody's lock."""
        deadline = time.monotonic() + PATIENCE
        pause = _SOON
        while True:
            with self.changed:
                self.changed.wait_for(lambda: not self._at_work(), timeout=pause)
                working = self._at_work()
            if not working:
                return
            waiting = [actor for actor in working if self._house.is_blocked(actor.pid)]
            if len(waiting) == len(self._at_work()) and not deadlock:
                return
            deadlock = deadlock and len(waiting) == len(working)
            assert time.monotonic() < deadline, f"nothing happens any more: {self.trace}"
            pause = 0.001

    def _at_work(self) -> list[Actor]:
        return [actor for actor in self.actors if actor.state == "at work"]


class _House:
    """The connections, which all plays of a test use one after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connections: list[Connection] = []
        self._observer = connect(engine.runtime.settings, "observer")

    def connection(self, number: int) -> Connection:
        while len(self._connections) <= number:
            conn = connect(self._engine.runtime.settings, "durableflow step")
            conn.execute("SET deadlock_timeout = '20ms'")
            conn.execute("SET synchronous_commit = off")
            self._connections.append(conn)
        return self._connections[number]

    def is_blocked(self, pid: int) -> bool:
        """Whether this server process waits for a lock of another one."""
        row = self._observer.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (pid,)).fetchone()
        return row is not None and bool(row[0])

    def close(self) -> None:
        for conn in (*self._connections, self._observer):
            conn.close()


def interleavings(
    engine: Engine, play: Callable[[Stage], None], *, preemptions: int | None = None, most: int = 3000
) -> int:
    """Play every order once; gives how many there were.

    preemptions: in how many places at the most an actor that could go on has to wait for another one; None: in any.
    Raises what ``play`` raises, with the order in which that happened.
    """
    house = _House(engine)
    prefix: list[int] = []
    count = 0
    try:
        while True:
            stage = Stage(engine, house, prefix, preemptions)
            try:
                play(stage)
            except BaseException as error:
                error.add_note("in this order:\n  " + "\n  ".join(stage.trace))
                raise
            count += 1
            assert count <= most, f"more than {most} orders: let the actors stop at fewer places"
            decisions = stage.decisions
            while decisions and decisions[-1][0] + 1 == decisions[-1][1]:
                decisions.pop()
            if not decisions:
                return count
            chosen, _ = decisions.pop()
            prefix = [*(each for each, _ in decisions), chosen + 1]
    finally:
        house.close()
