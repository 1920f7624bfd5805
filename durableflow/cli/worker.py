"""``durableflow worker``: a Celery worker for the application's steps and workflows."""

from typing import Annotated

import click
import typer

from durableflow.cli.loading import load_application
from durableflow.cli.mistake import Mistake
from durableflow.cli.servers import check_servers


def worker(
    context: typer.Context,
    application: Annotated[
        str | None, typer.Argument(metavar="MODULE:ATTRIBUTE", help="The application, such as shop:df")
    ],
) -> None:
    """Run a worker. Every option after the application is one of `celery worker`.

    For example: durableflow worker shop:df -c 4 -Q payments,durableflow --loglevel INFO
    """
    if application is not None and application.startswith("-"):
        raise Mistake("name the application first: durableflow worker shop:df [options of `celery worker`]")
    flow = load_application(application)
    check_servers(flow)
    try:
        flow.celery.worker_main(["worker", *context.args])
    except click.ClickException as error:  # Celery's own click, which typer does not know
        raise Mistake(f"celery worker: {error.format_message()}") from None
    except click.exceptions.Exit as end:
        raise typer.Exit(end.exit_code) from None
