"""Real workers of a Django project: they find its workflows, and no step keeps a connection that PostgreSQL has cut."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.contrib.django.conftest import SETTINGS
from tests.worker.workers import Worker

PATIENCE = 60.0

CELERY = ("celery", "-A", "tests.contrib.django.project", "worker")
KEEPING = {"TEST_DB_REUSE_MAX": "1000", "TEST_CONN_MAX_AGE": "1000"}
MANAGE = ("django", "durableflow", "worker")

Start = Callable[..., Worker]


@pytest.fixture
def start_worker(site_url: str, broker_url: str, queue_name: str, tmp_path: Path) -> Iterator[Start]:
    """Start ``celery -A project worker``."""
    env = {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "TEST_DATABASE_URL": site_url,
        "TEST_BROKER_URL": broker_url,
        "TEST_QUEUE": queue_name,
    }
    with ExitStack() as stack:

        def start(command: tuple[str, ...], *options: str, **more: str) -> Worker:
            worker = Worker(env | more, tmp_path / "worker.log", *options, command=command)
            stack.callback(worker.close)
            stack.callback(lambda: print(worker.text()))  # shown where the test fails
            until = time.monotonic() + PATIENCE
            while (
                " ready." not in worker.text() and time.monotonic() < until
            ):  # Django and Celery: that is a lot to load
                time.sleep(0.05)
            return worker.wait_until_ready()

        yield start


@pytest.fixture
def order(site_url: str, queue_name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """An order to run workflows of. What is started here is found by the workers."""
    from django.test import override_settings

    from durableflow import DurableFlow
    from durableflow.contrib.django import df
    from tests.contrib.django.orders.models import Order

    monkeypatch.setattr(DurableFlow, "publisher", property(lambda self: None))
    with override_settings(DURABLEFLOW_QUEUE=queue_name):
        df._settings_now = None
        yield int(Order.objects.create().pk)
    df._settings_now = None


def cut(db: psycopg.Connection[Any]) -> int:
    """End the sessions that Django has, as a restart of PostgreSQL does. Gives how many there were."""
    from django.db import connections

    connections.close_all()
    ended = db.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'django of the tests'"
    )
    return len(ended.fetchall())


@pytest.mark.parametrize(
    ("command", "settings", "kept"),
    [
        ((*CELERY, "-c", "1"), KEEPING, 1),
        ((*CELERY, "-P", "threads", "-c", "2"), {}, 0),
        ((*MANAGE, "-P", "solo"), KEEPING, 1),
    ],
    ids=["prefork, keeping connections", "threads", "solo, keeping connections, by manage.py"],
)
@pytest.mark.timeout(240)
def test_a_step_is_tried_again_on_a_connection_that_lives(
    start_worker: Start, order: int, db: psycopg.Connection[Any], command: Any, settings: dict[str, str], kept: int
) -> None:
    from durableflow.errors import RunFailed
    from tests.contrib.django.orders.workflows import checkout, refused

    worker = start_worker(command, **settings)
    for _ in range(2):
        paid, paid_async = checkout(order).start().result(timeout=PATIENCE)
        assert paid.startswith("new, by ")
        assert paid_async == "new"
        assert cut(db) >= kept
    assert checkout(order).start().result(timeout=PATIENCE)
    failed = db.execute("SELECT count(*) FROM durableflow.attempts WHERE outcome = 'failed'").fetchone()
    assert failed is not None
    assert failed[0] <= 4  # of each step the first attempt after each cut, where the worker keeps its connections

    with pytest.raises(RunFailed, match=f"order {order} is declined"):
        refused(order).start().result(timeout=PATIENCE)
    assert worker.stop() == 0
