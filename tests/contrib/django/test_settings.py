"""What Django's settings say, and what `manage.py check` says of them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from celery import Celery

from durableflow.config import Settings
from tests.worker.workers import ROOT


@pytest.fixture
def fresh(site_url: str, settings: Any) -> Callable[..., Any]:
    """An application made anew, from other settings of Django's."""
    from durableflow.contrib.django.flow import DjangoFlow

    def make(app: str | Celery = "shop", **given: Any) -> DjangoFlow:
        settings(**given)
        return DjangoFlow(app)

    return make


@pytest.fixture
def settings() -> Any:
    from django.test import override_settings

    overrides: list[Any] = []

    def give(**given: Any) -> None:
        overrides.append(override_settings(**given))
        overrides[-1].enable()

    yield give
    for override in reversed(overrides):
        override.disable()


def test_every_field_can_be_given_and_wins_over_the_environment(
    fresh: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "database_url": "postgresql://elsewhere/runs",
        "broker_url": "redis://elsewhere/1",
        "secret_key": "secret",
        "queue": "orders",
        "session_locks": False,
        "retention": 3600.0,
        "worker_timeout": 20.0,
        "max_value_bytes": 1024,
        "window": 10,
        "max_losses": 5,
        "max_turn_tries": 7,
    }
    for name in values:
        monkeypatch.setenv(f"DURABLEFLOW_{name.upper()}", "1")
    df = fresh(**{f"DURABLEFLOW_{name.upper()}": value for name, value in values.items()})
    assert set(values) <= set(Settings.model_fields)
    found = {name: getattr(df.settings, name) for name in values}
    assert found.pop("secret_key").get_secret_value() == values.pop("secret_key")
    assert found == values
    assert df.home.alias is None  # none of DATABASES is there


def test_the_database_is_the_default_one_and_the_broker_celerys(fresh: Callable[..., Any], site_url: str) -> None:
    from durableflow.contrib.django import df

    app = Celery("adopted", broker="redis://of-the-app/0", set_as_current=False)
    adopted = fresh(app)
    assert adopted.home.alias == "default"
    with psycopg.connect(adopted.settings.require_database()) as there, psycopg.connect(site_url) as here:
        assert there.info.dbname == here.info.dbname
    assert adopted.settings.broker_url == "redis://of-the-app/0"
    assert adopted.settings.queue == "celery"
    assert fresh(CELERY_BROKER_URL="redis://of-nobody/0").settings.broker_url == "redis://of-nobody/0"
    assert (df.name, df.celery.main) == ("site", "site")


def test_an_address_that_is_an_entry_of_databases_is_that_entry(fresh: Callable[..., Any], site_url: str) -> None:
    same = site_url.replace("127.0.0.1", "localhost") + "?application_name=other"
    assert fresh(DURABLEFLOW_DATABASE_URL=same).home.alias == "default"
    other = fresh(DURABLEFLOW_DATABASE_URL="postgresql://pgbouncer:6432/shop", DURABLEFLOW_ALIAS="default")
    assert (other.home.alias, other.home.url()) == ("default", "postgresql://pgbouncer:6432/shop")


def test_a_test_runners_database_is_followed(fresh: Callable[..., Any]) -> None:
    from django.db import connections

    entry = connections["default"].settings_dict
    name = entry["NAME"]
    address = "postgresql://me@pgbouncer:6432/shop?sslmode=disable"
    df = fresh(DURABLEFLOW_DATABASE_URL=address, DURABLEFLOW_ALIAS="default")
    assert (df.settings.database_url, df.home.in_test) == (address, False)
    derived = fresh(DURABLEFLOW_DATABASE_URL=None)
    assert derived.home.in_test is False
    entry["NAME"] = "test_shop"
    try:
        assert df.settings.database_url == "postgresql://me@pgbouncer:6432/test_shop?sslmode=disable"
        assert derived.settings.require_database().endswith("/test_shop?application_name=django%20of%20the%20tests")
        assert derived.home.in_test
    finally:
        entry["NAME"] = name


def test_entries_become_addresses() -> None:
    from durableflow.contrib.django.home import url_of

    for entry, url in (
        ({"NAME": "a"}, "postgresql:///a"),
        ({"NAME": "a", "USER": "u", "HOST": "h", "PORT": 1}, "postgresql://u@h:1/a"),
        ({"NAME": "a b", "USER": "u@", "PASSWORD": "p:/", "HOST": "h"}, "postgresql://u%40:p%3A%2F@h/a%20b"),
        ({"NAME": "a", "HOST": "/run/pg", "PORT": "2"}, "postgresql:///a?host=/run/pg&port=2"),
        ({"NAME": "a", "HOST": "::1", "PORT": 3}, "postgresql://[::1]:3/a"),
        ({"OPTIONS": {"service": "shop", "pool": True, "isolation_level": 2}}, "postgresql:///?service=shop"),
    ):
        assert url_of(entry) == url
        psycopg.conninfo.conninfo_to_dict(url)


def test_a_project_is_known_by_its_layout(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings as djangos
    from django.core.exceptions import ImproperlyConfigured

    from durableflow.contrib.django.conf import celery_app
    from tests.contrib.django.project.celery import app

    assert celery_app() is app
    settings(DURABLEFLOW_CELERY_APP="tests.contrib.django.project:celery_app")
    assert celery_app() is app
    for wrong, said in (
        ("tests.contrib.django.project.selery:app", "there is no module 'tests.contrib.django.project.selery'"),
        ("tests.contrib.django.project.celery:application", "has no 'application'"),
        ("tests.contrib.django.project.celery:os", "is not a Celery app, but module"),
        ("celery", "is of the form"),
    ):
        settings(DURABLEFLOW_CELERY_APP=wrong)
        with pytest.raises(ImproperlyConfigured, match=said):
            celery_app()
    settings(DURABLEFLOW_CELERY_APP=None)
    with monkeypatch.context() as patched:
        patched.setattr(djangos, "SETTINGS_MODULE", "tests.contrib.django.orders.models")
        assert celery_app() == "tests"  # none is there, one is made
        half = ModuleType("tests.contrib.django.orders.celery")
        half.__spec__ = object()  # type: ignore[assignment]
        patched.setitem(sys.modules, half.__name__, half)
        with pytest.raises(ImproperlyConfigured, match="holds 0 Celery apps where one is expected"):
            celery_app()


def test_two_durableflows_do_not_share_a_celery_app(fresh: Callable[..., Any]) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from durableflow import DurableFlow

    app = Celery("twice", set_as_current=False)
    DurableFlow(app)
    with pytest.raises(ImproperlyConfigured, match="has a DurableFlow"):
        fresh(app)


def test_check_tells_what_is_wrong(settings: Any, site_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.checks import run_checks

    from durableflow.contrib.django import df
    from durableflow.contrib.django.home import Home

    def said() -> list[str]:
        df._settings_now = None
        df.__dict__.pop("home", None)
        return [f"{message.id} {message.msg} {message.hint}" for message in run_checks()]

    try:
        assert said() == []
        settings(DURABLEFLOW_WORKR_TIMEOUT=3)
        assert said() == [
            "durableflow.E001 There is no setting DURABLEFLOW_WORKR_TIMEOUT. Did you mean DURABLEFLOW_WORKER_TIMEOUT?"
        ]
        settings(DURABLEFLOW_WINDOW=0, DURABLEFLOW_DATABASE_URL="mysql://me:hidden@db/shop")
        assert "database_url must start with postgresql://" in said()[-1]
        assert "window" in said()[-1]
        assert "hidden" not in str(said())
        settings(DURABLEFLOW_WINDOW=None, DURABLEFLOW_DATABASE_URL=None, DURABLEFLOW_ALIAS="replica")
        assert "DURABLEFLOW_ALIAS = 'replica': DATABASES has only default" in said()[-1]
        settings(DURABLEFLOW_ALIAS=None, DURABLEFLOW_BROKER_URL="redis://other/0")
        assert "durableflow.W001" in said()[-1]
        settings(DURABLEFLOW_BROKER_URL=None)
        monkeypatch.setattr("durableflow.contrib.django.home._is_postgresql", lambda alias: False)
        assert "durableflow.E003" in said()[-1]
    finally:
        df._settings_now = None
        df.__dict__["home"] = Home()


def test_importing_durableflow_imports_no_django() -> None:
    code = "import sys; sys.modules['django'] = None; import durableflow.app, durableflow.cli.commands"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_celery_app_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    """Every process hears of it: a worker without its workflows would be missed much later."""
    code = (
        "import django\nfrom django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['durableflow.contrib.django'], DURABLEFLOW_CELERY_APP='proj.celery:app')\n"
        "django.setup()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "ImproperlyConfigured: DURABLEFLOW_CELERY_APP = 'proj.celery:app': there is no module 'proj'" in done.stderr
