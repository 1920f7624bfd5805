"""A Django project in this process, on a database of the test's own."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from durableflow import DurableFlow
from durableflow.store.messages import Message
from tests.support import databases
from tests.support.engine import Engine, engine_of

SETTINGS = "tests.contrib.django.project.settings"


@pytest.fixture(scope="session", autouse=True)
def project() -> None:
    """Django is set up once a process. What it does to the environment is undone, for the sake of other tests."""
    before = {name: os.environ.get(name) for name in ("DJANGO_SETTINGS_MODULE", "TZ")}
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    try:
        import django

        django.setup()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        time.tzset()


def stand_on(url: str) -> None:
    """Have Django's default connection, and df with it, use this database."""
    from django.db import connections

    from durableflow.contrib.django import df
    from durableflow.contrib.django.home import Home

    given = conninfo_to_dict(url)
    connections["default"].close()
    connections["default"].settings_dict.update(
        NAME=given["dbname"],
        USER=given.get("user", ""),
        PASSWORD=given.get("password", ""),
        HOST=given.get("host", ""),
        PORT=given.get("port", ""),
    )
    df.__dict__["home"] = Home()


@pytest.fixture(scope="session")
def site_template(postgres_url: str, project: None) -> Iterator[str]:
    """A database as ``manage.py migrate`` leaves it."""
    from django.core.management import call_command
    from django.db import connections

    with databases.database(postgres_url) as url:
        stand_on(url)
        call_command("migrate", "--run-syncdb", verbosity=0)
        connections.close_all()
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def site_url(postgres_url: str, site_template: str) -> Iterator[str]:
    """A database of the test's own, with the tables of the project and of durableflow."""
    from django.db import connections

    from durableflow.contrib.django import df

    with databases.database(postgres_url, template=site_template) as url:
        stand_on(url)
        yield url
        connections.close_all()
        df.close()


@pytest.fixture
def db(site_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """An autocommit connection to the test's database: what others see."""
    with psycopg.connect(site_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def published(site_url: str, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """What was handed to the broker."""
    sent: list[Message] = []

    def publish(messages: Any) -> bool:
        sent.extend(messages)
        return True

    monkeypatch.setattr(DurableFlow, "publisher", property(lambda self: publish))
    return sent


@pytest.fixture
def runs(db: psycopg.Connection[Any]) -> Callable[[], int]:
    """How many runs others see."""
    return lambda: int(db.execute("SELECT count(*) FROM durableflow_core.run").fetchone()[0])  # type: ignore[index]


@pytest.fixture
def engine(db: psycopg.Connection[Any], published: list[Message], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Everything that workers and the leader would do."""
    from durableflow.contrib.django import df

    with engine_of(df, db, monkeypatch) as engine:
        engine.published = published
        yield engine
