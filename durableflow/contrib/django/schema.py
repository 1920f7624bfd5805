"""durableflow's schema is brought to its revision by Django's own ``manage.py migrate``."""

from typing import Any

import psycopg
from django.core.management.base import CommandError

from durableflow.contrib.django import df
from durableflow.errors import DurableFlowError
from durableflow.migrations import current_revision, head_revision, migrate


def migrate_with_django(using: str, verbosity: int = 1, **_: Any) -> None:
    """A receiver of ``post_migrate``: also the database of a test is complete after it. Where the schema is in no
    database of Django's, nothing happens here.

    Raises CommandError, with the reason: PostgreSQL is not there, or a newer durableflow has been.
    """
    if using != df.home.alias:
        return
    try:
        url = df.settings.require_database()
        with psycopg.connect(url) as connection:  # `flush` comes by here, too, after each TransactionTestCase
            found = current_revision(connection)
        if found == head_revision():
            return
        reached = migrate(url)
    except (DurableFlowError, psycopg.OperationalError) as error:
        raise CommandError(f"durableflow's schema: {error}") from error
    if verbosity >= 1:
        print(f"  durableflow's schema is at {reached}" + (f", it was at {found}" if found else ""))
