"""What feeds the same others, in numbers, is counted in bundles: once, whoever comes last, and whatever fails."""

import os
from typing import Any
from uuid import uuid4

import pytest
from celery import chain, chord, group

from durableflow import Run, durable
from durableflow.canvas.plan import planned
from durableflow.codec import Encoded, encode
from durableflow.errors import RunFailed
from durableflow.store.claim import claim
from durableflow.store.complete import complete_joined
from durableflow.store.launch import BUNDLES
from durableflow.store.messages import StepId
from tests.canvas import shop
from tests.canvas.shop import add, echo, fail, replaced, total
from tests.support.clock import Clock
from tests.support.engine import Engine
from tests.support.invariants import violations
from tests.support.races import Race

WIDTH = 130  # three counters


def _counters(engine: Engine, run: Run[Any], rev: int = 1) -> list[tuple[int, int, int | None]]:
    return engine.db.execute(
        "SELECT shard, remaining, missing FROM durableflow_core.join_counter WHERE run_id = %s AND rev = %s "
        "ORDER BY shard",
        (run.id, rev),
    ).fetchall()


def _waits_for(engine: Engine, run: Run[Any], index: int) -> int:
    return int(engine.one("SELECT waits_for FROM durableflow.steps WHERE run_id = %s AND index = %s", run.id, index))


def test_a_header_is_counted_by_a_few_counters_and_its_body_begins_when_all_are_empty(engine: Engine) -> None:
    run = durable(chord([add.s(n, 0) for n in range(WIDTH)], total.s())).start()
    messages = engine.advance(run.id)
    engine.published.clear()
    shards = [BUNDLES + n for n in range(3)]
    # The body is counted by a shard of its own; the root waits for four.
    assert _counters(engine, run) == [
        (0, 4, None),
        (1, 1, None),
        *((shard, n, n) for shard, n in zip(shards, (44, 43, 43), strict=True)),
    ]
    assert _waits_for(engine, run, WIDTH) == WIDTH
    for message in messages:
        assert engine.published == []
        engine.deliver(message)
        assert violations(engine.db, settled=False) == {}
    assert _waits_for(engine, run, WIDTH) == 0
    engine.drive()
    assert run.result(timeout=0) == sum(range(WIDTH))


def test_two_that_come_last_of_two_counters_let_the_body_begin_once(engine: Engine, race: Race) -> None:
    run = durable(chord([add.s(n, 0) for n in range(WIDTH)], total.s())).start()
    messages = engine.advance(run.id)
    for message in messages[3:]:
        engine.deliver(message)
    engine.deliver(messages[0])
    steps, tokens = [StepId(run.id, 1, index) for index in (1, 2)], [uuid4(), uuid4()]
    for step, token in zip(steps, tokens, strict=True):
        assert claim(engine.db, step, token, boot=engine.boot, pid=os.getpid()) is not None
    first = race.connection()
    one = complete_joined(first, steps[0], tokens[0], encode(1), feeds=True)
    late = race.start(complete_joined, steps[1], tokens[1], encode(2), feeds=True)
    race.wait_until_blocked(late, by=first)
    first.commit()
    other = late.result()
    assert one is not None
    assert [len(recorded.messages) for recorded in (one, other)] == [0, 1]
    engine.published += other.messages
    engine.drive()
    assert run.result(timeout=0) == sum(range(WIDTH))


@pytest.mark.parametrize("late", [0, WIDTH - 1])
def test_a_body_does_not_begin_after_a_failure_in_its_header_whoever_comes_last(engine: Engine, late: int) -> None:
    """Of the failed one's counter all have ended, and yet one is missing."""
    header = [add.s(n, 0) for n in range(WIDTH)]
    header[3] = fail.s()
    run = durable(chord(header, total.s())).start()
    messages = engine.advance(run.id)
    last = messages.pop(late)
    for message in messages:
        engine.deliver(message)
        engine.published.clear()  # nobody looks at the failure yet
    engine.deliver(last)
    assert _waits_for(engine, run, WIDTH) == 1
    assert (
        engine.one("SELECT state FROM durableflow.steps WHERE run_id = %s AND index = %s", run.id, WIDTH) == "pending"
    )
    assert [missing for _, _, missing in _counters(engine, run) if missing is not None] == [1, 0, 0]
    assert violations(engine.db, settled=False) == {}


def test_a_redrive_of_a_wide_header_runs_what_failed_and_then_the_body(
    engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = [add.s(n, 0) for n in range(WIDTH)]
    header[WIDTH // 2] = fail.s()
    run = durable(chord(header, total.s())).start()
    engine.drive()
    with pytest.raises(RunFailed):
        run.result(timeout=0)
    monkeypatch.setattr(fail, "run", lambda: WIDTH // 2, raising=False)
    assert run.redrive()
    clock.advance(5)
    engine.drive()
    assert run.result(timeout=0) == sum(range(WIDTH))
    assert violations(engine.db) == {}


def test_two_wide_groups_in_a_row_and_a_wide_group_of_chains(engine: Engine) -> None:
    first = group(add.s(n, 0) for n in range(WIDTH))
    second = group(total.s() for _ in range(WIDTH))
    run = durable(chain(first, second)).start()
    engine.advance(run.id)
    assert {missing for _, _, missing in _counters(engine, run)} == {None, 43, 44}
    engine.drive()
    assert run.result(timeout=0) == [sum(range(WIDTH))] * WIDTH

    chains = group(chain(add.s(n, 0), echo.s()) for n in range(WIDTH))
    run = durable(chord(chains, total.s())).start()
    engine.drive()
    assert run.result(timeout=0) == sum(range(WIDTH))
    assert violations(engine.db) == {}


def test_a_task_of_a_wide_header_that_replaces_itself_counts_when_its_canvas_ends(engine: Engine) -> None:
    header = [add.s(n, 0) for n in range(WIDTH)]
    header[7] = replaced.s(by=chain(add.s(3, 0), add.s(4)))
    run = durable(chord(header, total.s())).start()
    engine.drive()
    assert run.result(timeout=0) == sum(range(WIDTH))
    assert violations(engine.db) == {}


@pytest.mark.usefixtures("df")
def test_what_a_thousand_are_given_together_is_written_once() -> None:
    """Else two groups of a thousand would cost a million references, and more time than a turn may take."""
    call = durable(chain(group(add.s(n, 0) for n in range(WIDTH)), group(echo.s(n) for n in range(3))))
    graph = planned(call.args[1], shop.df.registry)
    call._used = graph._used = True  # nobody is to run them
    given = [call.args for call in graph.calls[WIDTH:]]
    assert [len(args) for args in given] == [2, 2, 2]
    assert len({id(results) for results, _ in given}) == 1
    stored: list[object] = []

    def encode_once(value: object, where: str) -> Encoded:
        stored.append(value)
        return encode("what stands for them")

    assert {given[0][0].form(encode_once)[0] for _ in range(3)} == {"what stands for them"}
    assert len(stored) == 1
