"""The shop, with real workers: what its customers pay, whatever happens."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from durableflow.errors import RunFailed
from examples.checkout.shop import CardDeclined, Order, OutOfStock, Receipt, checkout
from tests.examples.conftest import Shop

PATIENCE = 40.0


def wait_until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def test_a_customer_pays_once_when_the_worker_is_killed_after_the_payment(
    open_shop: Shop, db: psycopg.Connection[Any], intact: Callable[[], list[str]]
) -> None:
    worker = open_shop.start_worker()
    with psycopg.connect(db.info.dsn, password=db.info.password) as holder:
        with open_shop.closed():
            run = checkout(Order(id="1", items=["tea", "pot"], cents=1900)).start(key="order-1")
            wait_until(lambda: _state(db, run.id, "shop.charge") == "running", "the charge has begun")
            # Whoever wants to record that the step has succeeded waits for this lock.
            holder.execute("SELECT FROM durableflow_core.step WHERE run_id = %s FOR UPDATE", (run.id,))
        wait_until(lambda: bool(open_shop.world.effects("charge")), "the money was taken")
        assert _state(db, run.id, "shop.charge") == "running"
        worker.kill()
        # The server does not know yet that the worker is gone: let go, the statement that waits would still commit.
        wait_until(lambda: not _end_waiting_statement(db), "the statement that would have recorded it has ended")
    open_shop.start_worker()
    assert run.result(timeout=PATIENCE) == Receipt(
        order_id="1", cents=1900, parcels=["parcel for tea", "parcel for pot"]
    )
    assert open_shop.world.requests("charge") == 2
    assert open_shop.world.effects("charge") == [("1", 1900)]
    assert open_shop.world.effects("ship") == [("1/pot", 1), ("1/tea", 1)]
    assert (open_shop.world.stock()["tea"], open_shop.world.stock()["pot"]) == (99, 99)
    lost = db.execute("SELECT name, outcome FROM durableflow.attempts WHERE outcome <> 'succeeded'").fetchall()
    assert lost == [("shop.charge", "lost")]
    assert intact() == []


def test_out_of_stock_pays_the_money_back_and_a_declined_card_is_not_tried_again(
    open_shop: Shop, db: psycopg.Connection[Any], intact: Callable[[], list[str]]
) -> None:
    open_shop.start_worker()
    without = checkout(Order(id="2", items=["tea", "lamp", "pot"], cents=4500)).start()
    declined = checkout(Order(id="3", items=["tea"], cents=2_000_000)).start()
    with pytest.raises(RunFailed) as caught:
        without.result(timeout=PATIENCE)
    assert repr(caught.value.__cause__) == repr(OutOfStock("lamp"))
    with pytest.raises(RunFailed) as caught:
        declined.result(timeout=PATIENCE)
    assert isinstance(caught.value.__cause__, CardDeclined)

    world = open_shop.world
    assert world.effects("charge") == world.effects("refund") == [("2", 4500)]
    assert world.effects("ship") == []
    wait_until(lambda: not _running(db), "the last sibling has ended")
    assert world.stock() == {"lamp": 0, "pot": 100, "tea": 100}
    failed = "SELECT name, attempt FROM durableflow.attempts WHERE outcome = 'failed' AND run_id = %s"
    assert db.execute(failed, (declined.id,)).fetchall() == [("shop.charge", 1)]
    letters = db.execute("SELECT name, run_state FROM durableflow.dead_letters ORDER BY 1").fetchall()
    assert letters == [("shop.charge", "failed"), ("shop.reserve", "failed")]
    assert intact() == []

    # A redrive repeats the last await. Where nothing was recorded by it, the same attempt is made again.
    assert declined.redrive() is True
    with pytest.raises(RunFailed):
        declined.result(timeout=PATIENCE)
    keys = db.execute("SELECT idempotency_key FROM durableflow.steps WHERE run_id = %s", (declined.id,)).fetchall()
    assert len(keys) == 2
    assert len(set(keys)) == 1


def _end_waiting_statement(db: psycopg.Connection[Any]) -> bool:
    """End the sessions of steps that wait for a lock; whether there were any."""
    ended = db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name LIKE 'durableflow step%' AND wait_event_type = 'Lock'"
    )
    return ended.fetchone() is not None


def _state(db: psycopg.Connection[Any], run_id: object, name: str) -> str | None:
    row = db.execute("SELECT state FROM durableflow.steps WHERE run_id = %s AND name = %s", (run_id, name)).fetchone()
    return row and row[0]


def _running(db: psycopg.Connection[Any]) -> bool:
    return db.execute("SELECT FROM durableflow.steps WHERE state = 'running'").fetchone() is not None
