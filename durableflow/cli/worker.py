"""``durableflow worker``: a Celery worker for the application's steps and workflows."""

import sys
from collections.abc import Sequence
from itertools import zip_longest
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
    _refuse_unpatched(context.args)
    flow = load_application(application)
    check_servers(flow)
    try:
        flow.celery.worker_main(["worker", *context.args])
    except click.ClickException as error:  # Celery's own click, which typer does not know
        raise Mistake(f"celery worker: {error.format_message()}") from None
    except click.exceptions.Exit as end:
        raise typer.Exit(end.exit_code) from None


_GREENLETS = {"gevent": ("gevent.monkey", "is_module_patched"), "eventlet": ("eventlet.patcher", "is_monkey_patched")}


def _refuse_unpatched(options: Sequence[str]) -> None:
    """A pool of greenlets hangs in a process whose sockets do not know of them, because somebody else's command line
    (Flask's, Django's) has loaded the application before anybody read which pool it is to be."""
    for option, following in zip_longest(options, options[1:], fillvalue=""):
        pool = following if option in ("-P", "--pool") else option.removeprefix("--pool=").removeprefix("-P")
        if pool in _GREENLETS:
            module, asks = _GREENLETS[pool]
            if module not in sys.modules or not getattr(sys.modules[module], asks)("socket"):
                raise Mistake(
                    f"the pool {pool} has to be known before the application is loaded, and here it is not: use "
                    f"`durableflow worker module:df -P {pool}` or `celery -A module worker -P {pool}`"
                )
