"""What ``manage.py check`` says about durableflow's settings and its schema."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name for it
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from durableflow.contrib.django import conf, df
from durableflow.errors import ConfigurationError
from durableflow.migrations import current_revision, head_revision


def check_settings(**_: Any) -> list[CheckMessage]:
    """Names that are none of ours, values that are refused, a database or a broker that nobody has named."""
    found: list[CheckMessage] = []
    for name, meant in conf.unknown():
        hint = f"Did you mean {meant}?" if meant else "docs/reference/settings.md has all of them."
        found.append(Error(f"There is no setting {name}.", hint=hint, id="durableflow.E001"))
    try:
        database = df.settings.database_url
    except (ImproperlyConfigured, ConfigurationError) as refused:
        return [*found, Error(str(refused), id="durableflow.E002")]
    if database is None:
        found.append(
            Error(
                'durableflow has no database: DATABASES["default"] is not PostgreSQL.',
                hint=f"Set {conf.DATABASE_URL}, or name the entry of DATABASES that is, in {conf.ALIAS}.",
                id="durableflow.E003",
            )
        )
    if df.celery_is_own and df.settings.broker_url is None:
        found.append(
            Error(
                "durableflow has no broker: this project has no Celery app, and no broker is named.",
                hint=f"Set {conf.BROKER_URL} or CELERY_BROKER_URL, or name the Celery app in {conf.CELERY_APP}.",
                id="durableflow.E004",
            )
        )
    if not df.celery_is_own and conf.given_broker() not in (None, df.celery.conf.broker_url):
        found.append(
            Warning(
                f"{conf.BROKER_URL} is not used: messages go over the broker of the Celery app {df.name!r}.",
                hint="Remove it, or have the Celery app use it: CELERY_BROKER_URL.",
                id="durableflow.W001",
            )
        )
    return found


def check_schema(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Whether the schema is the one that this code needs. Django asks only about databases that the command names."""
    try:
        alias = df.home.alias
    except ImproperlyConfigured:
        return []  # check_settings tells
    if alias is None or alias not in (databases or ()):
        return []
    connection = connections[alias]
    connection.ensure_connection()
    found, needed = current_revision(connection.connection), head_revision()
    if found == needed:
        return []
    state = "not there" if found is None else f"at {found}, and this code needs {needed}"
    hint = "`manage.py migrate` brings it there."
    return [Warning(f"durableflow's schema is {state} (database {alias!r}).", hint=hint, id="durableflow.W002")]
