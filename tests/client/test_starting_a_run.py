import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from durableflow.client import Client
from durableflow.errors import InvalidInput, NotStorable, RunConflict, ValueTooLarge
from tests.client import shop
from tests.client.conftest import fresh
from tests.client.shop import Item, Order
from tests.support.clock import Clock

ORDER = Order(id=1, items=[Item(name="hat", price=1)])  # type: ignore[arg-type]


def test_a_start_leaves_a_run_its_rev_0_and_a_wake(df: Client, db: Any, published: list[Any]) -> None:
    run = shop.checkout(ORDER).start(labels={"shop": "north"}, priority=3)
    row = db.execute(
        "SELECT workflow, version, state, labels, priority, queue, input FROM durableflow_core.run WHERE id = %s",
        (run.id,),
    ).fetchone()
    assert row[:6] == ("store.checkout", shop.checkout.version, "running", {"shop": "north"}, 3, "durableflow")
    assert row[6].keys() == {"order", "day", "notes", "gift"}
    assert db.execute("SELECT rev, kind, state FROM durableflow_core.checkpoint").fetchall() == [(0, "start", 0)]
    assert db.execute("SELECT reason FROM durableflow_core.wake").fetchall() == [("start",)]
    assert [(message.task, message.subject, message.priority) for message in published] == [
        ("durableflow.advance", str(run.id), 3)
    ]
    assert (run.state, run.info()["workflow"]) == ("running", "store.checkout")


def test_ids_of_later_runs_are_larger(df: Client) -> None:
    first, second = shop.checkout(ORDER).start(), shop.checkout(ORDER).start()
    assert first.id.version == 7
    assert str(first.id)[:13] <= str(second.id)[:13]


def test_the_version_is_stored_before_the_first_run(df: Client, db: Any) -> None:
    shop.checkout(ORDER).start()
    name, version, source = db.execute("SELECT name, version, source FROM durableflow_core.workflow_version").fetchone()
    assert (name, version) == ("store.checkout", shop.checkout.version)
    assert "await pack(order.items[0])" in source


def test_the_same_key_is_the_same_run(df: Client, published: list[Any]) -> None:
    one = shop.checkout(ORDER).start(key="order-1")
    # The same input, whatever way it is written.
    other = shop.checkout(order=ORDER.model_dump(mode="json"), gift=False).start(key="order-1")  # type: ignore[arg-type]
    assert one == other
    assert len(published) == 1
    assert shop.deliver({"street": "x"}).start(key="order-1") != one  # type: ignore[arg-type]


def test_a_key_that_is_reused_with_other_input_is_a_conflict(df: Client, db: Any) -> None:
    one = shop.checkout(ORDER).start(key="order-1")
    with pytest.raises(RunConflict, match=rf"order-1.*{one.id}"):
        shop.checkout(Order(id=2)).start(key="order-1")
    assert db.execute("SELECT count(*) FROM durableflow_core.run").fetchone() == (1,)


def test_a_step_started_alone_is_a_run_under_its_name(df: Client, db: Any) -> None:
    run = shop.pack.options(timeout=5)({"name": "hat", "price": 1}, times=2).start()  # type: ignore[arg-type]
    workflow, version, given = db.execute(
        "SELECT workflow, version, input FROM durableflow_core.run WHERE id = %s", (run.id,)
    ).fetchone()
    assert (workflow, version) == ("store.pack", "step")
    assert given["times"] == 2


def test_a_deadline_is_a_time_or_from_now_on(df: Client, db: Any) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    shop.checkout(ORDER).start(deadline=at)
    shop.checkout(ORDER).start(deadline=timedelta(hours=1))
    rows = db.execute("SELECT deadline_at, now() FROM durableflow_core.run ORDER BY deadline_at DESC").fetchall()
    assert rows[0][0] == at
    assert abs(rows[1][0] - rows[1][1] - timedelta(hours=1)) < timedelta(minutes=1)
    assert db.execute("SELECT count(*) FROM durableflow_core.wake WHERE reason = 'deadline'").fetchone() == (2,)


def test_a_deadline_from_now_on_counts_by_the_databases_clock(df: Client, db: Any, clock: Clock) -> None:
    clock.set(datetime(2040, 1, 1, tzinfo=UTC))
    shop.checkout(ORDER).start(deadline=timedelta(hours=1))
    assert db.execute("SELECT deadline_at FROM durableflow_core.run").fetchone() == (
        datetime(2040, 1, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"key": ""}, "key="),
        ({"key": "a\0b"}, "key="),
        ({"key": "x" * 2000}, "key="),
        ({"key": 3}, "key="),
        ({"labels": {"a": 3}}, "labels="),
        ({"labels": {"a": "\0"}}, "labels="),
        ({"labels": {"a": "\ud800"}}, "labels="),
        ({"priority": 10}, "priority="),
        ({"priority": True}, "priority="),
        ({"deadline": datetime(2030, 1, 1)}, "time zone"),
        ({"deadline": timedelta.max}, "too far"),
        ({"deadline": 3}, "deadline="),
    ],
)
def test_options_that_cannot_be_stored_are_refused_by_name(df: Client, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        shop.checkout(ORDER).start(**options)


def test_bad_input_leaves_nothing_behind(df: Client, db: Any) -> None:
    import socket

    with pytest.raises(InvalidInput, match=r"order: "):
        shop.checkout("nothing").start()  # type: ignore[arg-type]
    with socket.socket() as wire, pytest.raises(NotStorable, match=r"anything.*socket"):
        shop.deliver({"street": "x"}, anything=[wire]).start()  # type: ignore[arg-type]
    assert db.execute("SELECT count(*) FROM durableflow_core.run").fetchone() == (0,)


def test_input_above_the_limit_is_refused(database_url: str) -> None:
    client = fresh(shop.df, database_url=database_url, max_value_bytes=1000)
    with pytest.raises(ValueTooLarge):
        shop.deliver({"street": "x" * 5000}).start()  # type: ignore[arg-type]
    client.database.close()


def test_a_large_input_is_stored_once(df: Client, db: Any) -> None:
    run = shop.deliver({"street": "x" * 5000}).start()  # type: ignore[arg-type]
    bodies = db.execute("SELECT body FROM durableflow_core.value WHERE run_id = %s", (run.id,)).fetchall()
    assert json.dumps(bodies).count("x" * 5000) == 1


def test_a_broker_that_is_away_is_a_warning_because_the_run_is_stored(
    df: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def publish(_: Any) -> bool:
        raise ConnectionError("gone")

    monkeypatch.setattr(Client, "publisher", property(lambda self: publish))
    run = shop.checkout(ORDER).start()
    assert run.state == "running"
    assert f"run {run.id} is stored" in caplog.text


def test_a_start_whose_reply_was_lost_is_not_started_twice(
    df: Client, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from durableflow.client import starting

    first = starting.start
    tries = []

    def lose_the_reply(*args: Any, **options: Any) -> Any:
        started = first(*args, **options)
        tries.append(started)
        if len(tries) == 1:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return started

    monkeypatch.setattr(starting, "start", lose_the_reply)
    run = shop.checkout(ORDER).start()
    assert db.execute("SELECT id FROM durableflow_core.run").fetchall() == [(run.id,)]


def test_a_handle_is_made_of_an_id(df: Client, end: Callable[..., None]) -> None:
    run = shop.checkout(ORDER).start()
    assert df.run(str(run.id)) == run
    assert isinstance(df.run(run.id).id, UUID)
    with pytest.raises(InvalidInput, match="not the id of a run"):
        df.run("order-1")
