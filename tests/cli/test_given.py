"""Somebody else's command line knows the application: no argument names it, and its settings are used."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from celery import Celery, current_app
from click.testing import CliRunner

from durableflow import Cron, DurableFlow
from durableflow.app import adopted_by
from durableflow.cli import run
from durableflow.cli.commands import APPLICATION, app, without_application
from durableflow.cli.mistake import Mistake
from tests.cli.conftest import environment, write
from tests.worker.workers import Worker

PROJECT = """
    import os
    from celery import Celery
    from durableflow import DurableFlow

    app = Celery("proj", broker=os.environ["BROKER"])
    app.conf.update(task_default_queue=os.environ["QUEUE"], imports=["flows"])
"""

FLOWS = """
    import os
    from durableflow import DurableFlow
    from proj import app

    flow = DurableFlow(app, database=os.environ["DATABASE"])

    @flow.step
    def double(x: int) -> int:
        return 2 * x

    @flow.workflow
    async def quadruple(x: int) -> int:
        return await double(await double(x))
"""

unadopted = Celery("unadopted", set_as_current=False)


@contextmanager
def current(app: Celery) -> Iterator[None]:
    """This is the app that Celery takes where none is named."""
    before = current_app._get_current_object()
    app.set_current()
    try:
        yield
    finally:
        before.set_current()


shop = DurableFlow("givenshop", settings={"window": 7})


@shop.step
def noted(x: int) -> None: ...


@shop.routine
async def twice(x: int) -> None:
    await noted(x)
    await noted(x)


@shop.workflow(schedule=Cron("0 3 * * *"))
async def nightly() -> None:
    await twice(1)


@pytest.fixture
def given(database_url: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command that is given the application."""
    shop.configure(database_url=database_url, broker_url="memory://")

    def command(*arguments: str, application: Callable[[], DurableFlow] = lambda: shop) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            run(arguments, prog_name="theirs", application=application)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    yield command
    shop.close()


def test_no_command_asks_for_what_is_given() -> None:
    def leaves(command: Any) -> list[Any]:
        below = getattr(command, "commands", None)
        return [command] if below is None else [leaf for each in below.values() for leaf in leaves(each)]

    theirs, ours = leaves(without_application()), leaves(typer.main.get_command(app))
    assert {leaf.name for leaf in ours} - {leaf.name for leaf in theirs} == {"dev"}
    assert APPLICATION in {parameter.name for leaf in ours for parameter in leaf.params}
    assert APPLICATION not in {parameter.name for leaf in theirs for parameter in leaf.params}


def test_commands_use_the_settings_of_the_application_that_is_given(given: Any, database_url: str) -> None:
    assert given("runs", "list") == (0, "no runs\n", "")
    status, run_id, _ = given("start", "nightly", "--key", "k")
    assert (status, given("runs", "show", run_id.strip())[0]) == (0, 0)
    assert "givenshop.nightly" in given("sql", "SELECT workflow FROM durableflow.runs")[1]
    assert given("schedules", "pause", "givenshop.nightly")[1] == "givenshop.nightly is paused\n"
    assert "givenshop.nightly" in given("schedules", "list")[1]
    assert "is at schema" in given("migrate")[1]
    # An URL that is given all the same wins.
    assert "no database answers" in given("runs", "list", "--database", "postgresql://127.0.0.1:1/x")[2]


def test_a_definition_is_found_by_its_name(given: Any) -> None:
    for name in ("nightly", "givenshop.nightly", "tests.cli.test_given:nightly", "twice"):
        assert given("graph", name)[1].startswith(name.rpartition(".")[2].rpartition(":")[2] + "@")
    assert given("graph", "nightyl")[2] == (
        "durableflow: givenshop has no workflow or routine named 'nightyl'; did you mean nightly?\n"
    )
    assert given("start", "twice")[2] == "durableflow: givenshop.twice is not a workflow but a Routine\n"


def test_the_application_is_asked_for_when_it_is_needed(given: Any) -> None:
    def nobody() -> DurableFlow:
        raise Mistake("there is none")

    status, said, _ = given("--help", application=nobody)
    assert (status, "Usage: theirs [OPTIONS]" in said) == (0, True)
    assert given("runs", "list", application=nobody) == (2, "", "durableflow: there is none\n")


def test_who_has_adopted_a_celery_app() -> None:
    theirs = Celery("theirs", set_as_current=False)
    assert adopted_by(theirs) is None
    flow = DurableFlow(theirs)
    assert adopted_by(theirs) is flow
    assert adopted_by(flow.celery) is flow
    assert adopted_by(shop.celery) is shop
    with current(theirs):
        assert adopted_by(current_app) is flow


def test_what_every_celery_command_loads_is_next_to_nothing() -> None:
    code = "import sys, durableflow.cli.celery; print([m for m in {} if m in sys.modules])"
    heavy = ["celery", "durableflow.config", "psycopg", "pydantic", "sqlalchemy", "typer"]
    done = subprocess.run([sys.executable, "-c", code.format(heavy)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_celery_lists_the_command_and_says_where_nobody_has_adopted_its_app() -> None:
    from celery.bin.celery import celery

    runner = CliRunner()
    assert "durableflow  Durable workflows" in runner.invoke(celery, ["--help"]).output
    for option in (["-A", f"{__name__}:unadopted"], []):
        with current(unadopted):
            nobody = runner.invoke(celery, [*option, "durableflow", "runs", "list"])
        assert nobody.exit_code == 2
        assert nobody.stderr.startswith("durableflow: no DurableFlow has adopted the Celery app '"), nobody.output


def test_celery_runs_a_worker_of_what_has_adopted_its_app(
    tmp_path: Path, database_url: str, broker_url: str, queue_name: str
) -> None:
    write(tmp_path / "proj.py", PROJECT)
    write(tmp_path / "flows.py", FLOWS)
    env = {"DATABASE": database_url, "BROKER": broker_url, "QUEUE": queue_name, "PYTHONPATH": str(tmp_path)}

    worker = Worker(
        {name: "" for name in os.environ if name.startswith("DURABLEFLOW_")} | env,
        tmp_path / "worker.log",
        *("-P", "solo"),
        command=("celery", "-A", "proj", "durableflow", "worker"),
    )
    try:
        started = subprocess.run(
            [sys.executable, "-m", "celery", "-A", "proj", "durableflow", "start", "quadruple", "--input", '{"x": 3}'],
            env=environment() | env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert started.returncode == 0, started.stderr
        worker.wait_for_log(f"{started.stdout.strip()}:2:0")
        worker.wait_for_log("proj.double")
    finally:
        print(worker.text())
        worker.close()
