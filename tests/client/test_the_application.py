import subprocess
import sys
from typing import Any

import pytest
from celery import Celery

import durableflow
from durableflow import DurableFlow
from durableflow.errors import ConfigurationError


def test_importing_the_package_loads_neither_celery_nor_a_driver() -> None:
    loaded = (
        "import sys, durableflow; print([m for m in ('celery', 'psycopg', 'alembic', 'pydantic') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_public_name_is_there_and_no_other() -> None:
    for name in durableflow.__all__:
        assert getattr(durableflow, name) is not None
    assert set(durableflow.__all__) <= set(dir(durableflow))
    with pytest.raises(AttributeError, match="no attribute 'Durable'"):
        durableflow.Durable  # noqa: B018


def test_an_application_has_a_celery_app_of_its_own_that_is_not_the_current_one() -> None:
    from celery import current_app

    before = current_app._get_current_object()
    df = DurableFlow("shop", broker="memory://")
    assert df.celery.main == "shop"
    assert current_app._get_current_object() is before


def test_an_existing_celery_app_is_adopted_under_its_name() -> None:
    app = Celery("theirs", set_as_current=False)
    df = DurableFlow(app)
    assert (df.celery, df.name) == (app, "theirs")

    @df.step
    def send(mail: str) -> None: ...

    assert send.name == "theirs.send"
    assert "theirs.send" in app.tasks


def test_no_broker_says_how_to_give_one_before_anything_is_stored(db: Any, database_url: str, monkeypatch: Any) -> None:
    monkeypatch.delenv("DURABLEFLOW_BROKER_URL", raising=False)
    df = DurableFlow("brokerless", database=database_url)

    @df.step
    def send(mail: str) -> None: ...

    with pytest.raises(ConfigurationError, match="DURABLEFLOW_BROKER_URL"):
        send("hello").start()
    assert db.execute("SELECT count(*) FROM durableflow_core.run").fetchone() == (0,)
