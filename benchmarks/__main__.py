"""``./dev bench``: durableflow beside Celery, on one broker and the same two worker processes, in one run, as ratios.

The machines that run this are noisy, so the two sides take turns, and a ratio is that of the medians.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from durableflow.devstack import Devstack

Result = dict[str, Any]


def main() -> int:
    """Measure, print a table, and write JSON where that is asked for."""
    options = _options()
    console = Console()
    if options.brokers:
        return _brokers(console, options)
    with tempfile.TemporaryDirectory(prefix="durableflow-bench-") as directory:
        stack = Devstack(
            "benchmarks.app:df", state_dir=directory, workers=2, worker_options=["-c", "2", "--loglevel", "WARNING"]
        )
        with stack:
            os.environ.update(stack.env)
            # Imported here: the application reads the addresses of the stack from the environment.
            from benchmarks import measure

            with psycopg.connect(stack.postgres.url, autocommit=True) as database:
                database.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                console.print("[dim]warming up[/dim]")
                measure.durable_chain(database, 5, 5)
                measure.celery_chain(database, 5, 5)
                results = _measure(measure, database, stack, options, console)
            gc.collect()  # Celery's results talk to their backend when they go: let that be while it is there
            server = psycopg.connect(stack.postgres.url).info.server_version // 10000
    _report(console, results, server)
    _write(options, results)
    return 0


def _brokers(console: Console, options: argparse.Namespace) -> int:
    from benchmarks.brokers import measure_brokers

    with tempfile.TemporaryDirectory(prefix="durableflow-bench-") as directory:
        results = measure_brokers(
            directory, console, rabbitmq=options.rabbitmq, rounds=options.rounds, runs=options.runs
        )
    _write(options, results)
    return 0


def _write(options: argparse.Namespace, results: list[Result]) -> None:
    if options.json:
        document = {"machine": _machine(), "results": results}
        Path(options.json).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="also write the results as JSON")
    parser.add_argument("--brokers", action="store_true", help="compare the brokers instead, on the chain")
    parser.add_argument("--rabbitmq", metavar="URL", help="a RabbitMQ to take part in that, as amqp://...")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side (default 3)")
    parser.add_argument("--runs", type=int, default=200, help="runs of the chain (default 200)")
    parser.add_argument("--steps", type=int, default=10, help="steps of each chain (default 10)")
    parser.add_argument("--width", type=int, default=3000, help="steps of the fan-in (default 3000)")
    parser.add_argument("--long", type=int, default=10_000, help="tasks of the long chain (default 10000)")
    parser.add_argument("--wide", type=int, default=100_000, help="tasks of the wide chord (default 100000)")
    parser.add_argument("--tasks", type=int, default=2000, help="tasks of the graph (default 2000)")
    parser.add_argument("--timers", type=int, default=10_000, help="timers of one moment (default 10000)")
    parser.add_argument("--kills", type=int, default=3, help="workers to kill (default 3)")
    return parser.parse_args()


def _measure(
    measure: Any, database: psycopg.Connection, stack: Devstack, options: argparse.Namespace, console: Console
) -> list[Result]:
    console.print(f"[dim]chain: {options.runs} runs of {options.steps} steps[/dim]")
    chain = _versus(
        "chain_vs_celery",
        options.rounds,
        options.runs * options.steps,
        lambda: measure.durable_chain(database, options.runs, options.steps),
        lambda: measure.celery_chain(database, options.runs, options.steps),
    )
    console.print(f"[dim]fan-in: 1 run of {options.width} steps[/dim]")
    fan_in = _versus(
        "fanin_vs_chord",
        options.rounds,
        options.width,
        lambda: measure.durable_fan_in(database, options.width),
        lambda: measure.celery_chord(database, options.width),
    )
    console.print("[dim]the same as canvases[/dim]")
    canvases = []
    for stored, name in ((False, ""), (True, "_stored")):
        canvases += [
            _versus(
                f"canvas_chain{name}_vs_celery",
                options.rounds,
                options.runs * options.steps,
                lambda stored=stored: measure.durable_canvas_chain(
                    database, options.runs, options.steps, stored=stored
                ),
                lambda: measure.celery_chain(database, options.runs, options.steps),
            ),
            _versus(
                f"canvas_chord{name}_vs_celery",
                options.rounds,
                options.width,
                lambda stored=stored: measure.durable_canvas_chord(database, options.width, stored=stored),
                lambda: measure.celery_chord(database, options.width),
            ),
        ]
    large = []
    for what, size in (("chain", options.long), ("chord", options.wide)):
        console.print(f"[dim]one {what} of {size}[/dim]")
        large.append({"name": f"large_{what}", "size": size, **measure.large_canvas(database, what, size)})
    console.print(f"[dim]graph: {options.tasks} tasks, each needs three[/dim]")
    seconds = statistics.median(measure.graph(options.tasks, 3) for _ in range(options.rounds))
    graph = {"name": "graph", "seconds": seconds, "durable_per_second": options.tasks / seconds}
    console.print(f"[dim]timers: {options.timers} in runs of ten[/dim]")
    seconds = measure.timers(database, options.timers // 10, 10)
    timers = {"name": "timers_10k", "timers": options.timers, "seconds": seconds}
    console.print("[dim]latency, statements[/dim]")
    latency = sorted(measure.start_latency(50))
    statements = measure.statements_of_a_linear_step(database, 200)
    console.print("[dim]kill -9[/dim]")
    resumed = []
    for _ in range(options.kills):
        resumed.append(measure.resume_after_kill())
        measure.until_two_workers_live(database, stack.tend)
    return [
        chain,
        fan_in,
        *canvases,
        *large,
        graph,
        timers,
        {"name": "start_latency", "seconds": statistics.median(latency), "p95_seconds": latency[47]},
        {"name": "resume_after_kill9", "seconds": statistics.median(resumed), "each": resumed},
        {"name": "statements_per_linear_step", **statements},
    ]


def _versus(name: str, rounds: int, steps: int, durable: Callable[[], float], plain: Callable[[], float]) -> Result:
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(plain())
        ours.append(durable())
    seconds, celery_seconds = statistics.median(ours), statistics.median(theirs)
    return {
        "name": name,
        "ratio": celery_seconds / seconds,
        "durable_per_second": steps / seconds,
        "celery_per_second": steps / celery_seconds,
        "durable_seconds": ours,
        "celery_seconds": theirs,
    }


def _machine() -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("celery", "psycopg", "redis")},
    }


def _report(console: Console, results: list[Result], server: int) -> None:
    by_name = {result["name"]: result for result in results}
    table = Table("", "durableflow", "Celery", "ratio", title="durableflow beside Celery's own canvas")
    for name, title in (
        ("chain_vs_celery", "workflow of a chain, steps/s"),
        ("fanin_vs_chord", "fan-in against chord, steps/s"),
        ("canvas_chain_vs_celery", "durable(chain), steps/s"),
        ("canvas_chord_vs_celery", "durable(chord), steps/s"),
        ("canvas_chain_stored_vs_celery", "the same chain, its results in the backend too"),
        ("canvas_chord_stored_vs_celery", "the same chord, its results in the backend too"),
    ):
        result = by_name[name]
        table.add_row(
            title,
            f"{result['durable_per_second']:.0f}",
            f"{result['celery_per_second']:.0f}",
            f"{result['ratio']:.2f} x",
        )
    for what in ("chain", "chord"):
        large = by_name[f"large_{what}"]
        table.add_row(
            f"one {what} of {large['size']} tasks",
            f"{large['seconds']:.1f} s, start() {large['start_seconds']:.1f} s; {large['deepest']:.0f} in the broker",
            "",
            "",
        )
    graph = by_name["graph"]
    table.add_row("graph of tasks that need tasks, steps/s", f"{graph['durable_per_second']:.0f}", "", "")
    timers = by_name["timers_10k"]
    table.add_row(f"{timers['timers']} timers of one second, in runs of ten", f"{timers['seconds']:.1f} s", "", "")
    latency, resumed = by_name["start_latency"], by_name["resume_after_kill9"]
    table.add_row("start() to first step, median (p95)", _ms(latency["seconds"], latency["p95_seconds"]), "", "")
    table.add_row("kill -9 to the step's next attempt", f"{resumed['seconds']:.2f} s", "1 h by default", "")
    statements = by_name["statements_per_linear_step"]
    table.add_row(
        "statements of a linear step",
        f"{statements['synchronous']:.2f} that wait for the disk, {statements['asynchronous']:.2f} (claim) that do not",
        "",
        "",
    )
    console.print(table)
    machine = _machine()
    console.print(
        f"{machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}, PostgreSQL {server} (fsync on), "
        f"Celery {machine['celery']} on Valkey; two worker processes of two children each. Ratios of medians."
    )


def _ms(median: float, p95: float) -> str:
    return f"{median * 1000:.1f} ms ({p95 * 1000:.1f} ms)"


if __name__ == "__main__":
    sys.exit(main())
