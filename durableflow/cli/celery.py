"""``celery -A proj durableflow ...``: the entry point that every ``celery`` command loads, and so imports little."""

from typing import TYPE_CHECKING

import click

from durableflow.cli.mistake import Mistake
from durableflow.cli.nested import nested

if TYPE_CHECKING:
    from durableflow import DurableFlow

__all__ = ["command"]


def _adopter(context: click.Context) -> "DurableFlow":
    """The application that has adopted Celery's app of ``-A``."""
    from durableflow.app import adopted_by

    app = context.obj.app
    app.loader.import_default_modules()  # the application may be defined in a module that a worker would import
    found = adopted_by(app)
    if found is None:
        raise Mistake(
            f"no DurableFlow has adopted the Celery app {app.main or 'default'!r}: name it, as in "
            "`celery -A proj durableflow runs list`, and have proj, or a module that it imports, say DurableFlow(app)"
        )
    return found


command = nested(_adopter)
"""What Celery adds to its own commands."""
