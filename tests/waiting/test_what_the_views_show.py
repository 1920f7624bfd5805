"""Where is the run, and what does it wait for? One SELECT answers, whatever that is."""

from datetime import timedelta
from typing import Any

import pytest

from durableflow.store import prune
from tests.waiting import shop
from tests.waiting.conftest import Engine


def waits_for(engine: Engine, run: Any) -> str:
    engine.drive()
    return str(run.info()["waiting_for"])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda now: shop.one_event(), "event approval"),
        (lambda now: shop.one_event(3600), "event approval until {in an hour}"),
        (lambda now: shop.event_or_time(60), "2 of 2 steps of number, sleep"),
        (lambda now: shop.until(now + timedelta(hours=1)), "sleep until {in an hour}"),
        (lambda now: shop.with_a_deadline(60), "event never"),
        (lambda now: shop.spawns(), "2 of 2 steps of end, waits.waiting_child"),
    ],
)
def test_what_a_run_waits_for(engine: Engine, clock: Any, call: Any, expected: str) -> None:
    in_an_hour = f"{clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    run = call(clock.now()).start()
    assert waits_for(engine, run) == expected.replace("{in an hour}", in_an_hour)


def test_a_child_and_a_handle_are_named(engine: Engine) -> None:
    run = shop.spawns().start()
    engine.drive()
    run.send("end", "x")
    child = engine.one("SELECT id FROM durableflow.runs WHERE parent_id = %s", run.id)
    assert waits_for(engine, run) == f"child run {child} of waits.waiting_child"


def test_events_and_the_inbox(engine: Engine) -> None:
    run = shop.signed().start(key="invoice-7")
    engine.drive()
    assert engine.one("SELECT run_id, workflow, key, name, kind, waiting_until FROM durableflow.inbox") == (
        run.id, "waits.signed", "invoice-7", "invoice", "approval", None,
    )  # fmt: skip
    run.send("invoice", {"approved": True}, by="ana", id="1")
    engine.drive()
    assert engine.one("SELECT count(*) FROM durableflow.inbox") == 0
    assert engine.one("SELECT name, event_id, state, sent_by, rev, index FROM durableflow.events") == (
        "invoice", "1", "received", "ana", 1, 0,
    )  # fmt: skip


def test_a_child_is_kept_for_as_long_as_its_parent_runs(engine: Engine, clock: Any) -> None:
    run = shop.spawns_a_failure("keep").start()
    engine.drive()
    child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s AND state = 'failed'", run.id)
    moment = clock.now() + timedelta(days=1)
    clock.advance(timedelta(days=2))
    assert not prune.prune(engine.db, child, moment)
    run.send("go on", "")
    engine.drive()
    assert prune.prune(engine.db, child, clock.now() + timedelta(days=1))
    assert prune.prune(engine.db, run.id, clock.now() + timedelta(days=1))
    left = ["run", "checkpoint", "step", "event", "queued", "wake", "value"]
    assert [engine.one(f"SELECT count(*) FROM durableflow_core.{table}") for table in left] == [0] * len(left)
