"""``durableflow dev``: everything that an application needs, on this machine, from the package index alone."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from durableflow.cli.loading import check_module


class Broker(StrEnum):
    """What carries the messages."""

    VALKEY = "valkey"
    PGMQ = "pgmq"


def dev(
    application: Annotated[str, typer.Argument(metavar="MODULE:ATTRIBUTE", help="The application, such as shop:df")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND ...]", help="Run this while the stack is up, then stop")
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, help="Processes of each worker")] = 2,
    workers: Annotated[int, typer.Option(min=1, help="How many workers")] = 1,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Only PostgreSQL and the broker")] = False,
    broker: Annotated[Broker, typer.Option(help="`valkey`, or `pgmq`: PostgreSQL alone")] = Broker.VALKEY,
    state_dir: Annotated[Path, typer.Option(help="Keeps the data, the passwords and the logs")] = Path(".durableflow"),
    loglevel: Annotated[str, typer.Option("--loglevel", "-l", help="Of the workers")] = "INFO",
) -> None:
    """Run PostgreSQL, a broker and workers, with the schema migrated, until Ctrl-C or until COMMAND has ended.

    COMMAND gets DURABLEFLOW_DATABASE_URL and DURABLEFLOW_BROKER_URL; its exit status becomes that of this command.
    """
    from durableflow.devstack import Devstack

    check_module(application)
    stack = Devstack(
        None if no_worker else application,
        state_dir=state_dir,
        workers=workers,
        broker=broker.value,
        # Without Celery's chatter between workers, which costs a second at the start and serves nothing here.
        worker_options=["-c", str(concurrency), "--loglevel", loglevel, "--without-mingle", "--without-gossip"],
    )
    raise typer.Exit(stack.run(command or ()))
