"""What is wrong is said at the start, in words, with the way out; and what a worker brings is stored."""

import json
from collections.abc import Callable
from typing import Any

import psycopg

from durableflow import DurableFlow
from tests.worker import shop
from tests.worker.workers import Worker

Start = Callable[..., Worker]


def ends_with(worker: Worker, text: str) -> bool:
    assert worker.process.wait(30) == 1
    log = worker.text()
    assert text in log, log
    assert "Traceback" not in log, log
    return True


def test_a_database_without_the_schema(start_worker: Start, env: Any, empty_database_url: str) -> None:
    worker = start_worker(wait=False, more={"DURABLEFLOW_DATABASE_URL": empty_database_url})
    assert ends_with(worker, "SchemaMissing: database")
    assert "durableflow migrate" in worker.text()


def test_a_database_that_is_newer_than_the_code(start_worker: Start, db: psycopg.Connection[Any]) -> None:
    db.execute("UPDATE durableflow_core.schema_revision SET version_num = '9999'")
    assert ends_with(start_worker(wait=False), "SchemaNewer: database")


def test_no_database(start_worker: Start) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/nowhere"
    worker = start_worker(wait=False, more={"DURABLEFLOW_DATABASE_URL": url})
    assert ends_with(worker, "DatabaseUnreachable: no database answers at postgresql://me:***@127.0.0.1:1/nowhere")
    assert "secret" not in worker.text()


def test_no_broker_is_said_and_waited_for(start_worker: Start) -> None:
    worker = start_worker(wait=False, more={"DURABLEFLOW_BROKER_URL": "redis://:secret@127.0.0.1:1/0"})
    worker.wait_for_log("no broker answers at redis://:***@127.0.0.1:1/0")
    worker.wait_for_log("Trying again in")
    assert "secret" not in worker.text()


def test_the_worker_registers_what_it_can_do(
    df: DurableFlow, start_worker: Start, db: psycopg.Connection[Any], queue_name: str
) -> None:
    df.celery.finalize()  # now this process knows, as a worker does, which tasks and canvases can be part of a run
    worker = start_worker("-c", "1")
    row = db.execute("SELECT pid, queues, versions FROM durableflow_core.worker").fetchone()
    assert row is not None
    assert row[0] == worker.pid
    assert set(row[1]) == {queue_name, "elsewhere"}  # that of a step which names its own
    assert set(row[2]) == set(df.registry.versions())
    stored = db.execute("SELECT name, version, definition::text FROM durableflow_core.workflow_version").fetchall()
    assert {f"{name}@{version}" for name, version, _ in stored} == {
        f"{each.name}@{each.version}" for each in df.registry.compiled
    }
    assert all(json.loads(definition)["source"]["source"] for _, _, definition in stored)


def test_a_worker_that_is_told_its_queues_takes_those(
    df: DurableFlow, start_worker: Start, db: psycopg.Connection[Any]
) -> None:
    start_worker("-c", "1", "-Q", "elsewhere")
    assert db.execute("SELECT queues FROM durableflow_core.worker").fetchall() == [(["elsewhere"],)]


def test_durableflow_worker_is_the_same_as_celery_worker(df: DurableFlow, start_worker: Start) -> None:
    worker = start_worker("-c", "1", command=("durableflow", "worker", "tests.worker.shop:df"))
    assert shop.elsewhere().start().result(timeout=30) == "there"
    assert worker.stop() == 0
