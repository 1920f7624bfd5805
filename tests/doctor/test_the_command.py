"""``durableflow doctor`` as it is called, beside real workers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durableflow.cli import main, run
from durableflow.config import Settings
from durableflow.doctor.checks import CHECKS
from tests.docs.pages import ROOT, anchors
from tests.doctor import shop
from tests.doctor.conftest import KEY, NO_DATABASE, celery_app, check, flow, wait_for
from tests.worker.workers import Worker

Done = "subprocess.CompletedProcess[str]"


def doctor(*arguments: str, **variables: str) -> Done:
    """As a process."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("DURABLEFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "durableflow", "doctor", *arguments],
        cwd=ROOT,
        env=env | variables,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


Inline = Callable[..., Done]


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inline:
    """In this process, which is quicker."""
    monkeypatch.setattr(sys, "path", sys.path.copy())

    def called(*arguments: str, **variables: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["durableflow", "doctor", *arguments])
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), said.out, said.err)

    return called


@pytest.fixture
def env(database_url: str, broker_url: str, queue_name: str) -> dict[str, str]:
    return {
        "DURABLEFLOW_DATABASE_URL": database_url,
        "DURABLEFLOW_BROKER_URL": broker_url,
        "DURABLEFLOW_QUEUE": queue_name,
        "DURABLEFLOW_SECRET_KEY": KEY,
        "DOCTOR_QUEUE": f"{queue_name}-special",
    }


@pytest.fixture
def worker(env: dict[str, str], tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(
        env, tmp_path / "worker.log", "-c", "1", command=("celery", "-A", "tests.doctor.shop:app", "worker")
    )
    try:
        yield worker.wait_until_ready()
    finally:
        worker.close()
        print(worker.text())


@pytest.mark.smoke
def test_a_worker_that_stops_leaves_a_queue_that_nobody_consumes(
    worker: Worker, env: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = doctor("tests.doctor.shop:df", "--json", **env)
    document = json.loads(done.stdout)
    found: dict[str, Any] = {one["name"]: one for one in document["checks"]}
    assert set(found) == {one.name for one in CHECKS}
    assert [one["name"] for one in found.values() if one["state"] in ("danger", "not made")] == [], done.stdout
    assert (done.returncode, document["dangerous"]) == (0, False)
    assert [one["title"] for one in found["workers"]["findings"]] == ["there is only one worker"]
    assert found["queues"]["state"] == found["unknown-tasks"]["state"] == "fine"
    assert KEY not in done.stdout

    assert worker.stop() == 0
    queue = env["DURABLEFLOW_QUEUE"]
    with psycopg.connect(database_url) as connection:
        wait_for(connection, "clinic.charge", queue)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(shop.df.__dict__, "settings", Settings.load())
    (finding,) = check(shop.df, "queues").findings
    assert (finding.severity, finding.title) == ("danger", f"1 step or run waits in {queue!r}, which nobody consumes")
    assert finding.mending.startswith(f"start a worker with -Q {queue}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The current directory has a module with a Celery app that nothing has adopted."""
    (tmp_path / "old_and_plain.py").write_text(
        "from celery import Celery\n"
        "app = Celery('legacy', broker='redis://:hunter2@127.0.0.1:1/0', set_as_current=False)\n"
        "app.conf.task_always_eager = True\n"
        "number = 1\n"
    )
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("old_and_plain", None)


@pytest.mark.usefixtures("project")
def test_the_report_is_for_people_and_holds_no_password(inline: Inline) -> None:
    done = inline("old_and_plain:app", DURABLEFLOW_DATABASE_URL=NO_DATABASE)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("danger  there is no secret key\n")
    assert "danger  no database answers" in done.stdout
    assert "-> start PostgreSQL, or correct DURABLEFLOW_DATABASE_URL" in done.stdout
    assert "not made: schema, primary, durability" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.usefixtures("project")
def test_a_celery_app_that_nothing_has_adopted_is_examined_as_if_it_were(inline: Inline) -> None:
    done = inline("old_and_plain:app", "--json", DURABLEFLOW_DATABASE_URL=NO_DATABASE)
    assert done.returncode == 1, done.stderr
    assert "hunter2" not in done.stdout
    found = {one["name"]: one["state"] for one in json.loads(done.stdout)["checks"]}
    assert (found["eager"], found["prefetch"], found["broker"]) == ("danger", "fine", "danger")


def test_it_takes_its_application_from_whoever_runs_it_as_celery_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["doctor", "--json"], prog_name="celery durableflow", application=lambda: flow(celery_app()))
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)["application"] == "legacy"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("old_and_plain:number", "is not a DurableFlow application, or a Celery app but an int"),
        ("old_and_plain:nothing", "old_and_plain has no 'nothing': did you mean old_and_plain:app?"),
        ("old_and_plain", "'old_and_plain' is not of the form module:attribute"),
    ],
)
def test_anything_else_is_refused_with_status_2(inline: Inline, wrong: str, said: str) -> None:
    done = inline(wrong)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_every_check_has_its_place_in_the_documentation() -> None:
    page = ROOT / "docs" / "how-to" / "doctor.md"
    assert {one.name for one in CHECKS} <= anchors(page)
    assert len({one.name for one in CHECKS}) == len(CHECKS)
