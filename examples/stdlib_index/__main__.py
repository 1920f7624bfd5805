"""``./dev demo``: index the standard library, and be unkind to the machinery meanwhile.

Two workers are up. In the middle of the fan-out one of them is killed with SIGKILL and everything in the broker is
deleted. The run goes on, and the effect journal, which is outside of the database, tells whether anything was lost or
recorded twice.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import redis
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table

from durableflow import Run
from durableflow.devstack import Devstack
from examples.stdlib_index.journal import Journal

PROGRESS = """
SELECT count(*) FILTER (WHERE state = 'succeeded') AS done, count(*) AS all_of_them
FROM durableflow.steps WHERE run_id = %s AND name = 'stdlib_index.index_module'
"""

WHERE_IS_IT = """
SELECT state, line, source_line, waiting_for, waiting_since
FROM durableflow.runs WHERE id = %s
"""

WHAT_WENT_WRONG = """
SELECT name, attempt, outcome, count(*)
FROM durableflow.attempts WHERE run_id = %s GROUP BY name, attempt, outcome ORDER BY name, attempt
"""


class Demo:
    """One run of the workflow, and what is done to it."""

    def __init__(self, stack: Devstack, database: psycopg.Connection, directory: Path, console: Console) -> None:
        self.stack = stack
        self.database = database
        self.directory = directory
        self.console = console

    def play(self, packages: tuple[str, ...], nap: timedelta) -> bool:
        """Start, disturb, wait, prove. True: every module was recorded exactly once."""
        from examples.stdlib_index.workflow import Order, index, standard_library

        order = Order(standard_library(), str(self.directory), nap, packages)
        run = index(order).start(labels={"example": "stdlib_index"})
        self.console.print(f"run [bold]{run.id}[/bold] indexes {order.root}")
        self._follow(run)
        report = run.result(timeout=60)
        self._show_report(report)
        return self._prove(run, report.modules)

    def _follow(self, run: Run[Any]) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        disturbed, shown = False, ""
        with Progress(*columns, console=self.console) as progress:
            bar = progress.add_task("modules", total=None)
            while run.state == "running":
                self.stack.tend()
                done, total = self._one(PROGRESS, run)
                progress.update(bar, completed=done, total=total or None)
                if total and done > total // 3 and not disturbed:
                    disturbed = True
                    self._disturb()
                waiting = self._one(WHERE_IS_IT, run)
                if waiting[0] == "running" and done == total and waiting[3] != shown:
                    shown = waiting[3]
                    self.console.print(f"line {waiting[1]}: [cyan]{(waiting[2] or '').strip()}[/cyan] -> {shown}")
                time.sleep(0.1)
            done, total = self._one(PROGRESS, run)
            progress.update(bar, completed=done, total=total)

    def _disturb(self) -> None:
        victim = self.stack.workers[0]
        if victim.pid is not None:
            os.kill(victim.pid, signal.SIGKILL)
        self.console.print(f"[bold red]kill -9[/bold red] of {victim.name}, process {victim.pid}")
        with redis.Redis.from_url(self.stack.valkey.url) as broker:
            broker.flushall()
        self.console.print("[bold red]FLUSHALL[/bold red]: the broker has forgotten everything")

    def _show_report(self, report: Any) -> None:
        table = Table("", "", title="The index", show_header=False)
        table.add_row("modules", f"{report.modules}")
        table.add_row("lines", f"{report.lines:,}")
        table.add_row("functions", f"{report.functions:,}")
        table.add_row("public names without a docstring", f"{report.undocumented:,}")
        table.add_row("most complex", ", ".join(f"{name} ({number})" for name, number in report.most_complex))
        table.add_row("most imported", ", ".join(f"{name} ({number})" for name, number in report.most_imported))
        table.add_row("file", report.path)
        self.console.print(table)

    def _prove(self, run: Run[Any], modules: int) -> bool:
        tally = Journal(self.directory).tally()
        once = len(tally.effects) == modules and set(tally.effects.values()) == {1}
        verdict = "[green]every module was recorded exactly once[/green]" if once else "[red]NOT exactly once[/red]"
        self.console.print(
            f"effect journal: {sum(tally.effects.values())} records of {modules} modules, "
            f"{sum(tally.bodies.values())} bodies ran ({len(tally.repeated)} a second time): {verdict}"
        )
        for title, query in (("what went wrong on the way", WHAT_WENT_WRONG), ("where is it", WHERE_IS_IT)):
            self._print_query(title, query, run)
        return once

    def _print_query(self, title: str, query: str, run: Run[Any]) -> None:
        self.console.print(f"\n[bold]{title}[/bold]")
        self.console.print(Syntax(query.strip().replace("%s", f"'{run.id}'"), "sql", background_color="default"))
        cursor = self.database.execute(query, (run.id,))
        table = Table(*(column.name for column in cursor.description or ()))
        for row in cursor:
            table.add_row(*("" if value is None else str(value) for value in row))
        self.console.print(table)

    def _one(self, query: str, run: Run[Any]) -> tuple[Any, ...]:
        row = self.database.execute(query, (run.id,)).fetchone()
        assert row is not None
        return row


def main() -> int:
    """Run the demonstration; exit status 1 where the journal disagrees with the engine."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--packages", nargs="*", default=(), help="index these packages alone (default: all)")
    parser.add_argument("--nap", type=float, default=2.0, help="seconds of the durable sleep (default 2)")
    parser.add_argument("--state-dir", default=".durableflow/demo", help="where the servers keep their data")
    options = parser.parse_args()
    console = Console()
    Path(options.state_dir).mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=options.state_dir)).absolute()
    stack = Devstack(
        "examples.stdlib_index.workflow:df",
        state_dir=options.state_dir,
        workers=2,
        worker_options=["-c", "1"],
        say=lambda line: console.print(f"[dim]{line}[/dim]"),
    )
    with stack:
        os.environ.update(stack.env)
        with psycopg.connect(stack.postgres.url, autocommit=True) as database:
            exactly_once = Demo(stack, database, directory, console).play(
                tuple(options.packages), timedelta(seconds=options.nap)
            )
    return 0 if exactly_once else 1


if __name__ == "__main__":
    sys.exit(main())
