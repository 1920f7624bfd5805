"""``./dev bench --brokers``: the same workload on each broker, taking turns in one run, as ratios to the first.

Each broker has a database of its own on one PostgreSQL, and two worker processes of two children; all are up all the
time, and one works. RabbitMQ has to be brought: ``--rabbitmq URL``. What is measured runs in a process of its own,
whose environment says which broker is meant: ``python -m benchmarks.brokers CHAINS STEPS STARTS``.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from rich.console import Console
from rich.table import Table

from durableflow.devstack import Devstack
from durableflow.migrations import migrate
from durableflow.migrations.pgmq import install_pgmq

ROOT = Path(__file__).parents[1]


@dataclass
class Side:
    """One broker. env: what makes a process use it; the figures: one for each turn."""

    name: str
    env: Mapping[str, str]
    steps_per_second: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    idle_statements: float = 0.0

    @property
    def database(self) -> str:
        """The URL of its database."""
        return self.env["DURABLEFLOW_DATABASE_URL"]


def measure_brokers(directory: str, console: Console, *, rabbitmq: str | None, rounds: int, runs: int) -> list[Any]:
    """Measure, print the table, and give the figures; runs: chains of ten steps that are started at once."""
    with Devstack(None, state_dir=directory) as stack, ExitStack() as workers:
        brokers = {"Valkey": stack.valkey.url, "RabbitMQ": rabbitmq, "PostgreSQL (pgmq)": "pgmq://"}
        sides = [
            Side(name, _environment(stack.postgres.url, url, number))
            for number, (name, url) in enumerate(brokers.items())
            if url is not None
        ]
        for side in sides:
            for number in range(2):
                _start_worker(workers, side, Path(directory) / f"{side.env['DURABLEFLOW_QUEUE']}-{number}.log", number)
        console.print("[dim]warming up[/dim]")
        for side in sides:
            _measure(side, 5, 5, 5)
        for number in range(rounds):
            console.print(f"[dim]turn {number + 1} of {rounds}[/dim]")
            for side in sides:
                figures = _measure(side, runs, 10, 50)
                side.steps_per_second.append(runs * 10 / figures["chains"])
                side.latency += figures["latency"]
        for side in sides:
            side.idle_statements = _statements_while_idle(side)
    _report(console, sides)
    return [
        {
            "name": f"broker {side.name}",
            "steps_per_second": side.steps_per_second,
            "start_to_step_median": statistics.median(side.latency),
            "start_to_step_p95": _p95(side.latency),
            "idle_transactions_per_second": side.idle_statements,
        }
        for side in sides
    ]


def _environment(postgres: str, broker: str, number: int) -> dict[str, str]:
    name = f"bench_{number}"
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    database = postgres.rpartition("/")[0] + f"/{name}"
    migrate(database)
    if broker == "pgmq://":
        install_pgmq(database)
    return {
        **os.environ,
        "DURABLEFLOW_DATABASE_URL": database,
        "DURABLEFLOW_BROKER_URL": broker,
        "DURABLEFLOW_QUEUE": f"bench-{uuid4().hex[:8]}",
    }


def _start_worker(workers: ExitStack, side: Side, log: Path, number: int) -> None:
    options = ["-c", "2", "--loglevel", "INFO", "-n", f"{log.stem}-{number}@%h", "--without-mingle"]
    command = [sys.executable, "-m", "durableflow", "worker", "benchmarks.app:df", *options]
    with log.open("wb") as output:
        worker = subprocess.Popen(command, cwd=ROOT, env=dict(side.env), stdout=output, stderr=output)
    workers.callback(worker.wait, 30)
    workers.callback(worker.terminate)
    deadline = time.monotonic() + 180
    while " ready." not in log.read_text(errors="replace"):
        if worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"no worker for {side.name}:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


def _measure(side: Side, runs: int, steps: int, starts: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.brokers", str(runs), str(steps), str(starts)]
    done = subprocess.run(command, cwd=ROOT, env=dict(side.env), stdout=subprocess.PIPE, check=True, timeout=600)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _statements_while_idle(side: Side, seconds: float = 10.0) -> float:
    """Transactions in the side's database in a second in which nothing is to be done."""
    query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    counts = []
    for pause in (seconds, 0.0):
        with psycopg.connect(side.database) as conn:
            row = conn.execute(query).fetchone()
        assert row is not None
        counts.append(row[0])
        time.sleep(pause)
    return float(counts[1] - counts[0]) / seconds


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _report(console: Console, sides: list[Side]) -> None:
    first = sides[0]
    table = Table("broker", "chains, steps/s", "ratio", "start() to first step", "p95", "ratio", "idle, transactions/s")
    for side in sides:
        speed, base = statistics.median(side.steps_per_second), statistics.median(first.steps_per_second)
        latency, usual = statistics.median(side.latency), statistics.median(first.latency)
        table.add_row(
            side.name,
            f"{speed:.0f}",
            f"{speed / base:.2f} x",
            f"{latency * 1000:.1f} ms",
            f"{_p95(side.latency) * 1000:.1f} ms",
            f"{latency / usual:.2f} x",
            f"{side.idle_statements:.1f}",
        )
    console.print(table)
    console.print("Two worker processes of two children on each broker, taking turns. Medians; ratios to the first.")


def main(runs: int, steps: int, starts: int) -> None:
    """In the environment of one broker: print the figures."""
    from benchmarks import app, measure

    with psycopg.connect(app.df.settings.require_database(), autocommit=True) as database:
        latency = measure.start_latency(starts)
        print(json.dumps({"chains": measure.durable_chain(database, runs, steps), "latency": latency}))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
