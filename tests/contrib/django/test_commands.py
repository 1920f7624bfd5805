"""``manage.py durableflow`` and ``manage.py migrate``."""

import io
import json
import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from tests.contrib.django.conftest import SETTINGS, stand_on
from tests.worker.workers import ROOT


def test_manage_pys_own_options_are_left_to_it(project: None) -> None:
    from durableflow.contrib.django.management.commands.durableflow import _without_djangos

    given = ["runs", "--settings", "a.b", "list", "--pythonpath=x", "--limit", "3", "--", "env", "--settings", "c"]
    assert _without_djangos(given) == ["runs", "list", "--limit", "3", "--", "env", "--settings", "c"]


def test_a_command_uses_the_projects_database_and_leaves_the_environment_alone(
    published: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.management import CommandError, call_command

    from tests.contrib.django.orders.workflows import checkout

    monkeypatch.setenv("DURABLEFLOW_DATABASE_URL", "")
    before = dict(os.environ)
    run = checkout(1).start(key="one")
    said = io.StringIO()
    call_command("durableflow", "runs", "list", stdout=said)
    assert str(run.id) in said.getvalue()
    call_command("durableflow", "runs", "cancel", str(run.id), stdout=said)
    assert run.state == "cancelled"
    with pytest.raises(CommandError) as refused:
        call_command("durableflow", "runs", "show", "nonsense", stdout=said)
    assert refused.value.returncode == 2
    call_command("durableflow", "schedules", "list", stdout=said)
    assert "no schedules" in said.getvalue()
    assert dict(os.environ) == before


def test_the_command_line_as_it_is_typed(site_url: str, published: list[Any]) -> None:
    from tests.contrib.django.orders.workflows import checkout

    checkout(1).start(key="one")

    def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "TEST_DATABASE_URL": site_url}
        command = [sys.executable, "-m", "django", "durableflow", *arguments, "--settings", SETTINGS]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False)

    listed = typed("sql", "SELECT key FROM durableflow.runs")
    assert listed.returncode == 0, listed.stderr
    assert "one" in listed.stdout
    wrong = typed("schedules", "pause", "site.daily")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("durableflow: ")
    assert "site.nightly" in wrong.stderr


def test_migrate_brings_the_schema_and_check_misses_it(empty_database_url: str, site_template: str) -> None:
    from django.core.checks import run_checks
    from django.core.management import call_command
    from django.db import connections

    from durableflow.migrations import current_revision, head_revision

    stand_on(empty_database_url)

    def warnings() -> list[str]:
        return [str(message.msg) for message in run_checks(databases=["default"])]

    try:
        assert warnings() == ["durableflow's schema is not there (database 'default')."]
        assert run_checks() == []  # which asks no database
        call_command("migrate", "--run-syncdb", verbosity=0)
        assert warnings() == []
        with psycopg.connect(empty_database_url) as connection:
            assert current_revision(connection) == head_revision()
            connection.execute("UPDATE durableflow_core.schema_revision SET version_num = '9999'")
        with pytest.raises(Exception, match="upgrade the durableflow package"):
            call_command("migrate", verbosity=0)
        assert "at 9999" in warnings()[0]
    finally:
        connections.close_all()


def test_makemigrations_finds_nothing_to_do(site_url: str) -> None:
    from django.core.management import call_command

    said = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=said)
    assert "No changes detected" in said.getvalue()


def test_what_a_view_has_is_what_a_model_has(db: psycopg.Connection[Any], project: None) -> None:
    from django.apps import apps

    from durableflow.contrib.django.fields import Key

    for model in apps.get_app_config("durableflow").get_models():
        view = json.loads(f"[{model._meta.db_table.replace('.', ',')}]")[1]
        there = {
            row[0]
            for row in db.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'durableflow' "
                "AND table_name = %s",
                (view,),
            )
        }
        mapped = {field.column for field in model._meta.concrete_fields if not isinstance(field, Key)}
        assert mapped == there, view
