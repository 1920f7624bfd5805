"""What canvases come to, by Celery's rules. The whole list, side by side with Celery, is in tests/conformance."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from celery import chain, chord, group

from durableflow import Run
from tests.canvas.shop import EFFECTS, add, app, by_class, double, echo, fail, flaky, reprice, slowly, total, watched
from tests.support.engine import Engine

Result = Callable[..., Any]

CANVASES = [
    ("one task", lambda: add.s(1, 2), 3),
    ("a chain gives each the result before it", lambda: chain(add.s(2, 3), add.s(4), double.s()), 18),
    ("a group gives the results in its order", lambda: group(double.s(i) for i in range(5)), [0, 2, 4, 6, 8]),
    ("a chord gives its body the list", lambda: chord([double.s(i) for i in range(4)], total.s()), 12),
    ("a group before a task is a chord", lambda: chain(group(add.s(1, 1), add.s(2, 2)), total.s(), add.s(10)), 16),
    ("each of a group is given the result before it", lambda: chain(add.s(1, 1), group(add.s(1), add.s(2))), [3, 4]),
    ("a group before a group", lambda: chain(group(double.s(1), double.s(2)), group(total.s(), echo.s())), [6, [2, 4]]),
    ("groups in groups are one", lambda: group(double.s(1), group(double.s(2), double.s(3))), [2, 4, 6]),
    ("a chain in a group is one member", lambda: group(chain(double.s(1), double.s()), double.s(3)), [4, 6]),
    ("what ends in a group is a list in it", lambda: group(add.s(0, 1), add.s(1, 1) | group(add.s(1), add.s(2))),
     [1, [3, 4]]),
    ("a group of a chain that ends in a group is that", lambda: group(add.s(1, 1) | group(add.s(1), add.s(2))), [3, 4]),
    ("a group of one in a chain is that one", lambda: chain(group(add.s(1, 1)), add.s(1)), 3),
    ("but the header of a chord it is", lambda: chord([add.s(1, 1)], total.s()), 2),
    ("chords in chords", lambda: chord([chord([double.s(1), double.s(2)], total.s()), add.s(1, 1)], total.s()), 8),
    ("a body that is a chain", lambda: chord([double.s(1), double.s(2)], total.s() | add.s(10)), 16),
    ("a body that is a group", lambda: chord([double.s(1), double.s(2)], group(total.s(), total.s())), [6, 6]),
    ("an immutable one is given nothing", lambda: chain(add.s(1, 1), add.si(5, 5)), 10),
    ("kwargs are kept", lambda: chain(add.s(1, 1), echo.s(3, name="x")), ((2, 3), {"name": "x"})),
    ("an empty group", lambda: group(), []),
    ("an empty header", lambda: chord([], total.s()), 0),
    ("an empty group in the middle", lambda: add.s(1, 1) | group([]) | total.s(), 0),
    ("an empty chain", lambda: chain(), None),
    ("map", lambda: double.map([1, 2, 3]), [2, 4, 6]),
    ("starmap before a task", lambda: chain(add.starmap([(1, 2), (3, 4)]), total.s()), 10),
    ("chunks", lambda: add.chunks([(i, i) for i in range(5)], 2), [[0, 2], [4, 6], [8]]),
    ("a signature that was JSON meanwhile", lambda: json.loads(json.dumps(chain(add.s(1, 1), add.s(1)))), 3),
    ("by name", lambda: app.signature("till.add", args=(1, 1)) | app.signature("till.double"), 4),
    ("autoretry", lambda: flaky.s("flaky"), 3),
    ("pydantic", lambda: chain(reprice.s({"cents": 5}, 2), echo.s()), {"cents": 10}),
    ("class-based", lambda: chain(by_class.s(2), add.s(1)), 21),
    ("a base of its own", lambda: watched.s(3), 3),
    ("async def", lambda: chain(slowly.s(1), slowly.s()), 3),
]  # fmt: skip


@pytest.mark.parametrize(("canvas", "value"), [case[1:] for case in CANVASES], ids=[case[0] for case in CANVASES])
def test_a_canvas_comes_to(canvas: Callable[[], Any], value: Any, result: Result) -> None:
    assert result(canvas()) == value


def test_partial_arguments_go_to_the_first_tasks(result: Result) -> None:
    assert result(chain(add.s(4), double.s()), 2) == 12
    assert result(group(add.s(1), add.s(2)), 10) == [11, 12]
    assert result(chord([add.s(1), add.s(2)], total.s()), 10) == 23


def test_the_first_error_in_the_order_of_results_is_raised_when_all_members_have_run(result: Result) -> None:
    error = result(group(add.s(1, 1), fail.s("first") | add.s(1), fail.s("second"), add.s(2, 2)))
    assert repr(error) == "ValueError('first')"
    assert EFFECTS == [("add", 1, 1), ("add", 2, 2)]


def test_the_body_of_a_chord_does_not_run_when_its_header_has_failed(result: Result) -> None:
    error = result(chord([add.s(1, 1), fail.s("no"), add.s(2, 2)], echo.s()))
    assert type(error).__name__ == "ChordError"
    assert repr(error.__cause__) == "ValueError('no')"
    assert EFFECTS == [("add", 1, 1), ("add", 2, 2)]


def test_what_comes_after_a_failure_in_a_chain_does_not_run(result: Result) -> None:
    assert repr(result(chain(fail.s("no"), *(echo.s() for _ in range(50))))) == "ValueError('no')"
    assert EFFECTS == []


def test_a_chain_is_launched_by_one_checkpoint_and_each_of_its_tasks_is_recorded_once(
    start: Callable[..., Run[Any]], engine: Engine
) -> None:
    run = start(chain(add.s(0, 1), *(add.s(1) for _ in range(99))))
    assert run.result(timeout=0) == 100
    steps = "SELECT count(*), count(DISTINCT index), max(rev) FROM durableflow.steps WHERE run_id = %s"
    assert engine.one(steps, run.id) == (100, 100, 1)
    assert len(EFFECTS) == 100
    assert run.info()["input"]["canvas"].startswith("till.add(0, 1) | till.add(1) | ")


def test_a_plain_task_is_a_run_of_that_one_step(start: Callable[..., Run[Any]]) -> None:
    info = start(add.s(1, 2)).info()
    assert (info["workflow"], info["state"]) == ("till.add", "succeeded")
