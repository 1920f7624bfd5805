"""What is started and sent inside of ``transaction.atomic`` is a part of it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from durableflow.errors import RunConflict, RunNotFound
from tests.support.engine import Engine

Count = Callable[[], int]


def test_a_run_exists_when_the_block_has_committed_and_is_published_then(runs: Count, published: list[Any]) -> None:
    from django.db import transaction

    from tests.contrib.django.orders.models import Order
    from tests.contrib.django.orders.workflows import checkout

    with transaction.atomic():
        order = Order.objects.create()
        run = checkout(order.pk).start(key="one")
        assert checkout(order.pk).start(key="one") == run
        assert (runs(), published) == (0, [])
    assert (runs(), [message.subject for message in published]) == (1, [str(run.id)])
    assert run.state == "running"


def test_a_block_that_is_left_by_an_exception_takes_its_run_with_it(runs: Count, published: list[Any]) -> None:
    from django.db import transaction

    from tests.contrib.django.orders.models import Order
    from tests.contrib.django.orders.workflows import checkout

    started = []

    @transaction.atomic
    def place() -> None:
        started.append(checkout(Order.objects.create().pk).start())
        raise KeyError

    with pytest.raises(KeyError):
        place()
    assert (runs(), Order.objects.count(), published) == (0, 0, [])
    with pytest.raises(RunNotFound):
        started[0].state  # noqa: B018


def test_a_savepoint_takes_back_what_is_inside_of_it_alone(db: psycopg.Connection[Any], published: list[Any]) -> None:
    from django.db import transaction

    from tests.contrib.django.orders.workflows import checkout

    with transaction.atomic():
        outer = checkout(1).start()
        with transaction.atomic():
            checkout(2).start()
            transaction.set_rollback(True)
        with transaction.atomic():
            inner = checkout(3).start()
        assert published == []
    assert [message.subject for message in published] == [str(outer.id), str(inner.id)]
    assert {row[0] for row in db.execute("SELECT id FROM durableflow.runs")} == {outer.id, inner.id}


def test_messages_go_out_in_their_place_among_the_hooks_of_the_commit(runs: Count, published: list[Any]) -> None:
    from django.db import transaction

    from tests.contrib.django.orders.workflows import checkout

    seen: list[tuple[str, int, int]] = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(("before", len(published), runs())))
        checkout(1).start()
        transaction.on_commit(lambda: seen.append(("after", len(published), runs())))
    assert seen == [("before", 0, 1), ("after", 1, 1)]


def test_djangos_tests_catch_the_message_with_the_hooks(runs: Count, published: list[Any]) -> None:
    from django.db import transaction
    from django.test import TestCase

    from tests.contrib.django.orders.workflows import checkout

    with transaction.atomic():  # as a TestCase does around each test
        with TestCase.captureOnCommitCallbacks() as hooks:
            checkout(1).start()
        assert (len(hooks), published) == (1, [])
        with TestCase.captureOnCommitCallbacks(execute=True):
            run = checkout(2).start()
        assert [message.subject for message in published] == [str(run.id)]
        transaction.set_rollback(True)
    assert runs() == 0


def test_outside_of_a_transaction_djangos_connection_has_no_part_in_it(
    site_url: str, runs: Count, published: list[Any]
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.contrib.django.orders.workflows import checkout

    with CaptureQueriesContext(connection) as queries:
        checkout(1).start()
    assert (runs(), len(published), len(queries)) == (1, 1, 0)


def test_an_event_is_sent_with_the_commit(engine: Engine, published: list[Any]) -> None:
    from django.db import transaction

    from tests.contrib.django.orders.workflows import approved

    run = approved(1).start()
    engine.drive()
    with transaction.atomic():
        assert run.send("approval", "never")
        transaction.set_rollback(True)
    published.clear()
    with transaction.atomic():
        assert run.send("approval", "yes", id="once", by="ana")
        assert run.send("approval", "yes", id="once") is False
        assert published == []
    assert [message.subject for message in published] == [str(run.id)]
    engine.drive()
    assert run.result(timeout=0) == "yes"


def test_a_connection_that_is_given_is_the_one(site_url: str, runs: Count, published: list[Any]) -> None:
    from django.db import connection, transaction

    from tests.contrib.django.orders.workflows import checkout

    with psycopg.connect(site_url) as other:
        with transaction.atomic():
            checkout(1).start(connection=other)
        assert (runs(), published) == (0, [])
        other.commit()
        assert runs() == 1
    checkout(2).start(connection=connection)  # in autocommit mode
    assert (runs(), len(published)) == (2, 1)


def test_where_autocommit_is_off_the_leader_publishes(runs: Count, engine: Engine) -> None:
    from django.db import transaction

    from tests.contrib.django.orders.workflows import refused

    transaction.set_autocommit(False)
    try:
        run = refused(1).start()
        assert runs() == 0
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    engine.drive()
    assert run.state == "failed"


def test_a_conflict_leaves_the_transaction_usable(runs: Count, published: list[Any]) -> None:
    from django.db import transaction

    from tests.contrib.django.orders.workflows import checkout

    with transaction.atomic():
        checkout(1).start(key="k")
        with pytest.raises(RunConflict):
            checkout(2).start(key="k")
        checkout(2).start(key="l")
    assert (runs(), len(published)) == (2, 2)


def test_the_models_see_what_the_transaction_has_started(runs: Count, published: list[Any]) -> None:
    from django.db import transaction

    from durableflow.contrib.django.models import ReadOnly, Run
    from tests.contrib.django.orders.workflows import checkout

    with transaction.atomic():
        run = checkout(7).start(key="seven", labels={"customer": "42"})
        row = Run.objects.get(labels__customer="42")
        assert (row.pk, row.key, row.state, row.input) == (run.id, "seven", "running", {"order_id": 7})
        assert runs() == 0
    for write in (row.save, row.delete, Run.objects.all().delete, lambda: Run.objects.update(state="failed")):
        with pytest.raises(ReadOnly):
            write()
