"""What is measured. Each function does one piece of work on workers that are up, and gives the seconds that it took."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from celery import chain, chord
from celery.canvas import _chain
from celery.result import allow_join_result

from benchmarks import app
from durableflow import durable
from durableflow.worker.depth import Depth

PATIENCE = 300.0  # seconds until a measurement counts as hanging


def durable_chain(database: psycopg.Connection, runs: int, steps: int) -> float:
    """So many runs of so many no-op steps, one after the other within each run."""
    with _stopwatch() as watch:
        handles = [app.chain(steps).start() for _ in range(runs)]
        _wait(lambda: _unfinished(database) == 0)
    assert handles[-1].result(timeout=1) == 0
    return watch.seconds


def celery_chain(_database: psycopg.Connection, runs: int, steps: int) -> float:
    """The same with Celery's chain and its Redis result backend."""
    signature = chain(app.plain_noop.s(0), *(app.plain_noop.s() for _ in range(steps - 1)))
    with _stopwatch() as watch:
        results = [signature.apply_async() for _ in range(runs)]
        for result in results:
            result.get(timeout=PATIENCE, interval=0.01)
    return watch.seconds


def durable_fan_in(database: psycopg.Connection, width: int) -> float:
    """One run that awaits so many no-op steps together."""
    with _stopwatch() as watch:
        handle = app.fan_in(width).start()
        _wait(lambda: _unfinished(database) == 0)
    assert handle.result(timeout=5) == sum(range(width))
    return watch.seconds


def celery_chord(_database: psycopg.Connection, width: int) -> float:
    """The same with Celery's chord."""
    with _stopwatch() as watch, allow_join_result():
        result = chord(app.plain_noop.s(number) for number in range(width))(app.plain_total.s())
        assert result.get(timeout=PATIENCE, interval=0.01) == sum(range(width))
    return watch.seconds


def durable_canvas_chain(database: psycopg.Connection, runs: int, steps: int, *, stored: bool) -> float:
    """Celery's chain, run by ``durable``. stored: its results go to Celery's result backend, too, as they did before;
    durableflow has no need of it."""
    noop = app.plain_noop if stored else app.quiet_noop
    signature = chain(noop.s(0), *(noop.s() for _ in range(steps - 1)))
    with _stopwatch() as watch:
        handles = [durable(signature).start() for _ in range(runs)]
        _wait(lambda: _unfinished(database) == 0)
    assert handles[-1].result(timeout=1) == 0
    return watch.seconds


def durable_canvas_chord(database: psycopg.Connection, width: int, *, stored: bool) -> float:
    """Celery's chord, run by ``durable``. stored: as above."""
    noop, total = (app.plain_noop, app.plain_total) if stored else (app.quiet_noop, app.quiet_total)
    with _stopwatch() as watch:
        handle = durable(chord([noop.s(number) for number in range(width)], total.s())).start()
        _wait(lambda: _unfinished(database) == 0)
    assert handle.result(timeout=5) == sum(range(width))
    return watch.seconds


def large_canvas(database: psycopg.Connection, what: str, size: int) -> dict[str, float]:
    """A chain or a chord of so many tasks: seconds of ``start()``, and in all; and the most messages that were in the
    broker's queue at a time."""
    if what == "chain":
        # What `chain(...)` makes of them too, after it has copied all that it has for each further task: minutes.
        canvas = _chain(app.quiet_noop.s(0), *(app.quiet_noop.s() for _ in range(size - 1)))
    else:
        canvas = chord([app.quiet_noop.s(number) for number in range(size)], app.quiet_count.s())
    depth, deepest = Depth(app.celery), 0
    with _stopwatch() as watch:
        handle = durable(canvas).start()
        started = time.perf_counter() - watch.began
        while _unfinished(database):
            deepest = max(deepest, depth(app.celery.conf.task_default_queue) or 0)
            time.sleep(0.1)
    depth.close()
    assert handle.result(timeout=60) == (0 if what == "chain" else size)
    return {"seconds": watch.seconds, "start_seconds": started, "deepest": float(deepest)}


def graph(tasks: int, edges: int) -> float:
    """One run of a graph of no-op tasks, each of which needs up to so many of the sixty before it."""
    dice = random.Random(7)
    parents = [sorted(dice.sample(range(max(0, n - 60), n), min(n, edges))) for n in range(tasks)]
    with _stopwatch() as watch:
        app.graph(parents).start().result(timeout=PATIENCE)
    return watch.seconds


def timers(database: psycopg.Connection, runs: int, each: int) -> float:
    """So many runs that sleep so many times at once, all until the same moment: from then to the end of the last."""
    far = datetime.now(UTC) + timedelta(hours=1)
    with database.transaction():
        for _ in range(runs):
            app.naps(each, far).start(connection=database)
    _wait(lambda: _one(database, "SELECT count(*) FROM durableflow_core.wake WHERE reason = 'timer'") == runs * each)
    with database.transaction():
        for table in ("step", "wake"):
            database.execute(f"UPDATE durableflow_core.{table} SET due_at = now() + '1 s' WHERE due_at = %s", (far,))
        database.execute("UPDATE durableflow_core.wake SET visible_at = due_at WHERE visible_at = %s", (far,))
    _wait(lambda: _unfinished(database) == 0)
    early = "SELECT count(*) FROM durableflow_core.step WHERE kind = 'timer' AND finished_at < due_at"
    assert _one(database, early) == 0
    moment = "SELECT max(due_at) FROM durableflow_core.step WHERE kind = 'timer'"
    return _one(database, f"SELECT extract(epoch FROM max(finished_at) - ({moment}))::float8 FROM durableflow_core.run")


def start_latency(runs: int) -> list[float]:
    """Seconds from ``start()`` being called to the body of the first step, one run at a time."""
    seconds = []
    for number in range(runs):
        called = time.time()
        began = app.first_step(number).start().result(timeout=PATIENCE)
        seconds.append(began - called)
    return seconds


def resume_after_kill() -> float:
    """Seconds from kill -9 of the worker process that runs a step to the beginning of the next attempt elsewhere."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "attempts"
        handle = app.held(str(path)).start()
        _wait(lambda: path.exists() and path.read_text().endswith("\n"))
        child, parent = (int(pid) for pid in path.read_text().split()[1:3])
        killed = time.time()
        for pid in (parent, child):
            # The child goes by itself when its parent does, where the platform has such a thing; make sure of it.
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        handle.result(timeout=PATIENCE)
        began = float(path.read_text().splitlines()[1].split()[0])
    return began - killed


def statements_of_a_linear_step(database: psycopg.Connection, steps: int) -> dict[str, float]:
    """How many statements, each its own transaction, one step of a long chain costs, by whether the commit waits for
    the disk. A claim does not: it switches that off for its own transaction."""
    before = _calls(database)
    durable_chain(database, 1, steps)
    after = _calls(database)
    return {kind: (after[kind] - before[kind]) / steps for kind in before}


def until_two_workers_live(database: psycopg.Connection, tend: Callable[[], None]) -> None:
    """Have the stack start again what was killed, and wait until it has registered."""

    def two_live() -> bool:
        tend()
        row = database.execute("SELECT count(*) FROM durableflow.workers WHERE state = 'alive'").fetchone()
        return row is not None and row[0] >= 2

    _wait(two_live)


def _calls(database: psycopg.Connection) -> dict[str, float]:
    # Writes to steps, by their own text: heartbeats and duties are not a step's cost.
    row = database.execute(
        """
        SELECT coalesce(sum(calls) FILTER (WHERE query NOT ILIKE '%set_config%'), 0),
               coalesce(sum(calls) FILTER (WHERE query ILIKE '%set_config%'), 0)
        FROM pg_stat_statements
        WHERE query ILIKE '%durableflow_core.step%' AND query ~* '(insert|update|delete)'
        """
    ).fetchone()
    assert row is not None
    return {"synchronous": float(row[0]), "asynchronous": float(row[1])}


@dataclass
class _Watch:
    began: float
    seconds: float = 0.0


@contextmanager
def _stopwatch() -> Iterator[_Watch]:
    watch = _Watch(time.perf_counter())
    yield watch
    watch.seconds = time.perf_counter() - watch.began


def _unfinished(database: psycopg.Connection) -> int:
    return int(_one(database, "SELECT count(*) FROM durableflow_core.run WHERE state = 'running'"))


def _one(database: psycopg.Connection, query: str) -> float:
    row = database.execute(query).fetchone()
    assert row is not None
    return float(row[0])


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the benchmark's work does not end")
        time.sleep(0.02)
