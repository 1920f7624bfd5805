"""``durableflow migrate``: bring a database to the schema that this version needs."""

from typing import Annotated

import typer

from durableflow.cli.servers import settings
from durableflow.config import redact


def migrate(
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="Instead of DURABLEFLOW_DATABASE_URL", show_default=False)
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Instead of DURABLEFLOW_BROKER_URL; only pgmq:// matters", show_default=False),
    ] = None,
    revision: Annotated[
        str, typer.Option(help="A revision, `head`, or `base`, which removes the tables and what is in them")
    ] = "head",
) -> None:
    """Create or upgrade durableflow's tables and views; where the broker is pgmq://, install pgmq in its database.

    Any number of these may run at once.
    """
    from durableflow.migrations import migrate as bring_to
    from durableflow.migrations.pgmq import install_pgmq

    found = settings(database, broker)
    url, queues = found.require_database(), found.broker_database()
    typer.echo(f"{redact(url)} is at schema {bring_to(url, revision)}")
    if queues is not None and revision == "head":
        done = "has been installed" if install_pgmq(queues) else "is there already"
        typer.echo(f"pgmq {done} in {redact(queues)}")
