"""``python -m examples.checkout``: sell a few orders, and kill a worker on the way.

Three orders are ordinary, one asks for what is not there, one is paid with a card that the bank declines. The servers
and two workers come up by themselves; when the first payment has been taken, one worker gets SIGKILL. At the end the
world outside (a payment provider, a warehouse, a carrier) is asked what has really happened.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from durableflow import Run
from durableflow.devstack import Devstack
from durableflow.errors import RunFailed

ORDERS = (
    {"id": "41", "items": ["tea", "pot"], "cents": 1900},
    {"id": "42", "items": ["tea", "tea", "tea"], "cents": 1200},
    {"id": "43", "items": ["pot"], "cents": 1500},
    {"id": "44", "items": ["pot", "lamp"], "cents": 4500},
    {"id": "45", "items": ["tea"], "cents": 2_000_000},
)

WHERE_ARE_THEY = """
SELECT key, state, line, source_line, waiting_for
FROM durableflow.runs
WHERE workflow = 'shop.checkout' AND labels ->> 'batch' = %s
ORDER BY key
"""

ATTEMPTS = """
SELECT r.key, a.name, a.attempt, a.outcome, a.error ->> 'class' AS error
FROM durableflow.attempts AS a JOIN durableflow.runs AS r ON r.id = a.run_id
WHERE r.labels ->> 'batch' = %s AND a.outcome <> 'succeeded'
ORDER BY r.key, a.finished_at
"""


def main() -> int:
    """Sell the orders. Exit status 1: the world disagrees with the engine."""
    parser = argparse.ArgumentParser(prog="python -m examples.checkout", description=__doc__)
    parser.add_argument("--state-dir", default=".durableflow/checkout", help="where the servers keep their data")
    directory = Path(parser.parse_args().state_dir).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    batch = Path(tempfile.mkdtemp(prefix="batch-", dir=directory))
    os.environ["CHECKOUT_WORLD"] = str(batch / "world.sqlite")
    console = Console()
    stack = Devstack(
        "examples.checkout.shop:df",
        state_dir=directory,
        workers=2,
        worker_options=["-c", "1"],
        say=lambda line: console.print(f"[dim]{line}[/dim]"),
    )
    with stack:
        os.environ.update(stack.env)
        with psycopg.connect(stack.postgres.url, autocommit=True) as database:
            return 0 if sell(stack, database, batch.name, console) else 1


def sell(stack: Devstack, database: psycopg.Connection, batch: str, console: Console) -> bool:
    """Start the runs, kill a worker, wait, and compare. True: every customer paid what they should have."""
    from examples.checkout.shop import WORLD, Order, checkout

    runs = {
        order["id"]: checkout(Order.model_validate(order)).start(key=f"{batch}/{order['id']}", labels={"batch": batch})
        for order in ORDERS
    }
    while not WORLD.effects("charge"):
        stack.tend()
        time.sleep(0.02)
    kill(stack, console)
    ask(database, console, "Where are they?", WHERE_ARE_THEY, batch)
    while any(run.state == "running" for run in runs.values()):
        stack.tend()
        time.sleep(0.1)
    for order_id, run in runs.items():
        console.print(f"order {order_id}: {outcome(run)}")
    ask(database, console, "What did not succeed at once?", ATTEMPTS, batch)
    charged, refunded = dict(WORLD.effects("charge")), dict(WORLD.effects("refund"))
    console.print(f"charged {charged} in {WORLD.requests('charge')} requests, refunded {refunded}")
    console.print(f"on stock {WORLD.stock()}")
    right = len(WORLD.effects("charge")) == 4 and set(charged) == {"41", "42", "43", "44"} and refunded == {"44": 4500}
    console.print("[green]every customer paid once[/green]" if right else "[red]somebody paid wrongly[/red]")
    return right


def kill(stack: Devstack, console: Console) -> None:
    """kill -9, as a machine does that loses its power."""
    victim = stack.workers[0]
    if victim.pid is not None:
        os.kill(victim.pid, signal.SIGKILL)
    console.print(f"[bold red]kill -9[/bold red] of {victim.name}, process {victim.pid}")


def outcome(run: Run[Any]) -> str:
    """How a run ended, in a line."""
    try:
        return f"sold, {', '.join(run.result(timeout=60).parcels)}"
    except RunFailed as failed:
        return f"not sold, {failed.__cause__!r}"


def ask(database: psycopg.Connection, console: Console, title: str, query: str, batch: str) -> None:
    """Print a question in SQL, and its answer."""
    console.print(f"\n[bold]{title}[/bold]")
    console.print(Syntax(query.strip().replace("%s", f"'{batch}'"), "sql", background_color="default"))
    cursor = database.execute(query, (batch,))
    table = Table(*(column.name for column in cursor.description or ()))
    for row in cursor:
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
