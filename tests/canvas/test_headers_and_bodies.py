"""Whose failure it is where one comes before a chord, in its header, or in the body of its body; and empty parts."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import chain, chord, group
from celery.canvas import _chain
from celery.exceptions import ChordError

from tests.canvas.shop import EFFECTS, add, app, echo, fail, told_id, total

Result = Callable[..., Any]

pytestmark = pytest.mark.filterwarnings("ignore:task_allow_error_cb_on_chord_header")


@app.task
def twice(x: int) -> int:
    return 2 * x


@app.task
def told_id_and_more(task_id: str, label: str) -> None:
    EFFECTS.append((label, task_id))


def told() -> int:
    return sum(effect[0] == "told_id" for effect in EFFECTS)


def test_a_failure_before_a_header_is_not_the_headers(result: Result) -> None:
    error = result(chain(fail.s("no"), group(twice.s(), twice.s()), total.s()))
    assert isinstance(error, ValueError)


def test_a_failure_in_a_chain_of_a_header_is_the_headers(result: Result) -> None:
    error = result(chord([chain(twice.s(1), fail.si("no")), twice.s(2)], total.s()))
    assert isinstance(error, ChordError)
    assert isinstance(error.__cause__, ValueError)


def test_a_header_that_fails_before_a_header_is_told_of_once(result: Result) -> None:
    error = result(chain(group(fail.s("no"), twice.s(1)), group(total.s(), total.s()), total.s()))
    assert isinstance(error, ChordError)
    assert isinstance(error.__cause__, ValueError)


def test_the_body_of_a_body_answers_for_both_headers(result: Result) -> None:
    body = chord([total.s(), total.s()], total.s())
    body.link_error(told_id.s())
    result(chord([fail.s("no"), twice.s(1)], body))
    assert told() == 1


def test_chords_beside_each_other_in_a_body_answer_each_for_itself(result: Result) -> None:
    canvas = chord([fail.s("no"), twice.s(1)], group(chord([total.s()], total.s()), total.s()))
    canvas.link_error(told_id.si("x"))
    result(canvas)
    assert told() == 2


def test_what_is_linked_to_a_chord_and_the_chords_in_its_header_answers_once(result: Result) -> None:
    canvas = chord([twice.s(1), chord([twice.s(2), fail.s("no")], total.s())], total.s())
    canvas.link_error(told_id.si("x"))
    result(canvas)
    assert told() == 1


def test_an_errbacks_own_arguments_are_not_counted_among_those_that_it_is_told(result: Result) -> None:
    sig = fail.s("no").set(task_id="the-failed-one")
    sig.link_error(told_id_and_more.s("label"))
    result(sig)
    assert ("label", "the-failed-one") in EFFECTS


def test_a_callback_set_on_a_chord_with_a_group_as_its_body_runs_once(result: Result) -> None:
    canvas = chord([twice.s(1)], group(total.s(), total.s())).set(link=echo.s("linked"))
    assert result(canvas) == [2, 2]
    assert [effect for effect in EFFECTS if effect[0] == "echo"] == [("echo", ("linked",), {})]


@pytest.mark.parametrize(
    ("canvas", "expected"),
    [
        (chain(group(twice.s(2), twice.s(4)), group(), group()), [4, 8]),
        (_chain(group(), add.s(10, 5)), 15),
        (_chain(_chain(group(), add.s(10, 5)), add.s(20)), 35),
        (group(chain(), twice.s(1), chain(), twice.s(2)), [2, 4]),
        (chord([chain()], total.s()), 0),
        (chord([chain(), twice.s(1), chain(), twice.s(2)], total.s()), 6),
    ],
    ids=["behind", "ahead", "ahead in a chain", "in a group", "alone in a header", "in a header"],
)
def test_groups_and_chains_without_members_are_left_out(result: Result, canvas: Any, expected: object) -> None:
    assert result(canvas) == expected
