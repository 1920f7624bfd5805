"""What the doctor says of workers, queues and runs, as the tables have them."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from durableflow.config import Settings
from durableflow.doctor import Checked
from durableflow.store import elect, heartbeat, register
from durableflow.store.messages import ADVANCE, Message
from tests.doctor import shop
from tests.doctor.conftest import KEY, celery_app, check, flow, titles, wait_for
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process

Database = psycopg.Connection[Any]
Register = Callable[..., Any]

CHARGE = f"clinic.charge@{shop.charge.machine.version}"


@pytest.fixture
def in_process(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with in_this_process(shop.df, database_url, "clinic", monkeypatch):
        shop.df.__dict__["settings"] = Settings.load(secret_key=KEY)
        yield


@pytest.fixture
def engine(in_process: None, db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with engine_of(shop.df, db, monkeypatch) as engine:
        register_leaves(db)
        yield engine


def register_leaves(db: Database) -> None:
    """The engine's own worker, which has neither queues nor code, is none that counts here."""
    db.execute("UPDATE durableflow_core.worker SET seen_at = seen_at - interval '1 day'")


@pytest.fixture
def worker(db: Database) -> Register:
    """Register a worker: worker(queues=..., versions=...); it leads. Gives its id."""

    def add(*queues: str, versions: list[str] | None = None) -> Any:
        new = uuid4()
        shop.df.celery.finalize()  # a worker knows its tasks and canvases
        code = shop.df.registry.versions() if versions is None else versions
        register.register(db, new, boot=uuid4(), hostname="there", pid=42, queues=queues, versions=code, lock_key=None)
        elect.hold(db, new, seconds=60.0)
        return new

    return add


def look(name: str) -> Checked:
    return check(shop.df, name)


def test_workers_for_every_queue_with_this_code_are_fine(in_process: None, db: Database, worker: Register) -> None:
    worker("clinic", "clinic-special")
    worker("clinic", "clinic-special")
    wait_for(db, "clinic.charge", "clinic")
    for name in ("workers", "queues", "unknown-tasks", "signed-versions", "seen-in-the-future", "connections"):
        assert look(name).state == "fine", look(name)


def test_no_worker_or_only_one_or_none_that_leads_is_told(in_process: None, db: Database, worker: Register) -> None:
    assert titles(look("workers")) == ["warning: no worker is alive"]
    assert look("queues").state == "fine"  # told once
    first = worker("clinic", "clinic-special")
    assert titles(look("workers")) == ["warning: there is only one worker"]
    worker("clinic", "clinic-special")
    db.execute("UPDATE durableflow_core.leadership SET expires_at = now() - interval '1 minute'")
    assert titles(look("workers")) == ["danger: no worker leads"]
    register.leave(db, first)
    db.execute("UPDATE durableflow_core.worker SET seen_at = now() - interval '1 minute'")
    assert titles(look("workers")) == ["warning: no worker is alive"]  # silent: whether it lives is not known


def test_code_that_no_worker_has_is_told_before_runs_of_it_are_started(in_process: None, worker: Register) -> None:
    worker("clinic", versions=[CHARGE])
    worker("clinic", versions=[CHARGE])
    (finding,) = look("workers").findings
    assert finding.title == "no living worker has the code that is here"
    assert "clinic.checkout@" in finding.meaning
    assert "clinic.charge@" not in finding.meaning


def test_a_queue_that_work_waits_in_and_nobody_consumes_is_a_danger(
    in_process: None, db: Database, worker: Register
) -> None:
    wait_for(db, "clinic.special", "clinic-special")
    title = "danger: 1 step or run waits in 'clinic-special', which nobody consumes"
    assert titles(look("queues")) == [title]
    gone = worker("clinic", "clinic-special")
    assert look("queues").state == "fine"
    worker("clinic")
    register.leave(db, gone)
    assert titles(look("queues")) == [title]
    db.execute("DELETE FROM durableflow_core.ready")
    assert titles(look("queues")) == ["warning: no durableflow worker consumes the queue 'clinic-special'"]


def test_a_run_that_waits_to_be_looked_at_waits_in_its_queue(engine: Engine, worker: Register) -> None:
    shop.checkout(1).start()
    assert titles(look("queues")) == ["danger: 1 step or run waits in 'clinic', which nobody consumes"]
    engine.drive()
    assert look("queues").state == "fine"


def test_routes_of_other_tasks_to_queues_that_nobody_consumes_are_told(database_url: str, worker: Register) -> None:
    def broken(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_: Any) -> None:
        if name == "odd":
            raise LookupError(args[0])

    app = celery_app(task_routes=(broken, {"slow.*": {"queue": "slow"}}), task_default_queue="main")
    for name in ("slow.one", "plain", "odd"):
        app.task(name=name, shared=False)(nothing)
    app.task(name="own", shared=False, queue="of-its-own")(nothing)
    worker("main", versions=[])
    assert titles(check(flow(app, database=database_url), "queues")) == [
        "warning: no durableflow worker consumes the queue 'of-its-own'",
        "warning: no durableflow worker consumes the queue 'slow'",
        "warning: the route of odd cannot be found",
    ]


def test_a_step_that_nobody_knows_is_a_danger(in_process: None, db: Database, worker: Register) -> None:
    wait_for(db, "clinic.charge", "clinic")
    wait_for(db, "clinic.renamed", "clinic")
    wait_for(db, "clinic.renamed", "clinic")
    wait_for(db, "other.step", "other")
    title = "danger: nobody knows the task 'clinic.renamed', of which 2 steps wait"
    assert titles(look("unknown-tasks")) == [
        title,
        "danger: nobody knows the task 'other.step', of which 1 step waits",
    ]
    worker("other", versions=["other.step@1"])
    assert titles(look("unknown-tasks")) == [title]


def test_a_run_that_no_worker_can_go_on_with_is_a_danger_before_it_is_parked_and_a_warning_afterwards(
    engine: Engine, db: Database, worker: Register
) -> None:
    run = shop.patience(1).start()
    engine.drive()
    worker("clinic", "clinic-special")
    assert look("signed-versions").state == "fine"
    # As after a deploy: the code that the run began with is nowhere but in the database.
    db.execute("UPDATE durableflow_core.run SET version = 'before'")
    db.execute(
        'INSERT INTO durableflow_core.workflow_version SELECT (jsonb_populate_record(v, \'{"version": "before"}\')).* '
        "FROM durableflow_core.workflow_version AS v WHERE name = 'clinic.patience'"
    )
    assert look("signed-versions").state == "fine"  # signed with this key
    shop.df.__dict__["settings"] = Settings.load(secret_key=SecretStr("another key that is long enough"))
    engine.runtime.__dict__.pop("settings", None)
    (finding,) = look("signed-versions").findings
    assert finding.title == "no worker can run the version that 1 run of clinic.patience began with"
    assert "carries no signature of this secret key" in finding.meaning

    assert look("parked").state == "fine"
    run.send("paid", {})
    engine.deliver(Message(ADVANCE, "x", str(run.id), "clinic"))
    (finding,) = look("parked").findings
    assert finding.title == "1 run is parked"
    assert "its stored source is not signed with this secret_key" in finding.meaning
    assert str(run.id) in finding.meaning


def test_dead_letters_are_counted(engine: Engine) -> None:
    for amount in (-1, -2, 3):
        shop.checkout(amount).start()
    engine.drive()
    assert titles(look("dead-letters")) == ["note: there are 2 dead letters"]


def test_a_worker_that_was_seen_in_the_future_is_a_danger(
    in_process: None, db: Database, clock: Clock, worker: Register
) -> None:
    new = worker("clinic")
    assert look("seen-in-the-future").state == "fine"
    clock.advance(-600)
    (finding,) = look("seen-in-the-future").findings
    assert finding.title == "workers were last seen in the future, by up to 600 s"
    assert "there (pid 42)" in finding.meaning
    heartbeat.beat(db, new, ())
    assert look("seen-in-the-future").state == "fine"


def nothing() -> None: ...
