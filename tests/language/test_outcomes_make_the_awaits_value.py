"""combine: what an await gives, by its shape and by when its steps ended."""

from typing import Any

import pytest

from durableflow import codec
from durableflow.errors import CorruptValue, StepCancelled
from durableflow.language.deadline import Expired
from durableflow.language.outcomes import Outcome, TooEarly, at_once, combine
from durableflow.machine import Error, Value

REV = 3
A, B, C = {"one": 0}, {"one": 1}, {"one": 2}
EARLIER = {"step": [1, 7]}


def ended(at: float, value: Any) -> Outcome:
    if isinstance(value, BaseException):
        return Outcome("failed", error=codec.encode(value).text, order=at)
    return Outcome("succeeded", output=codec.encode(value).text, order=at)


def given(shape: dict[str, Any], **steps: Outcome) -> Any:
    """What the await gives: a value, or the repr of its error. a, b, c: its steps; earlier, t1, t2: of earlier revs."""
    places = {"a": (REV, 0), "b": (REV, 1), "c": (REV, 2), "earlier": (1, 7), "t1": (1, 0), "t2": (2, 0)}
    found = combine(shape, REV, {places[name]: outcome for name, outcome in steps.items()}, {})
    if isinstance(found, Value):
        return found.value
    return f"timer {found.error.place}" if isinstance(found.error, Expired) else repr(found.error)


def within(timer: str, of: dict[str, Any]) -> dict[str, Any]:
    return {"within": [1, 0] if timer == "t1" else [2, 0], "of": of}


FAILED = ended(5, ValueError("b"))


@pytest.mark.parametrize(
    ("shape", "steps", "value"),
    [
        (A, {"a": ended(1, "x")}, "x"),
        (EARLIER, {"earlier": ended(1, "x")}, "x"),
        ({"all": []}, {}, []),
        ({"all": [A, {"all": [B, A]}]}, {"a": ended(1, 1), "b": ended(2, 2)}, [1, [2, 1]]),
        ({"all": [A, B]}, {"b": FAILED}, "ValueError('b')"),
        ({"all": [A, B, C]}, {"a": ended(7, KeyError(1)), "b": FAILED}, "ValueError('b')"),
        ({"all": [B, A]}, {"a": ended(5, KeyError(1)), "b": FAILED}, "ValueError('b')"),
        ({"race": [A, B]}, {"b": ended(4, "b")}, (1, "b")),
        ({"race": [A, B]}, {"a": ended(4, "a"), "b": ended(3, "b")}, (1, "b")),
        ({"race": [A, B]}, {"a": ended(4, "a"), "b": ended(4, "b")}, (0, "a")),
        ({"race": [A, B]}, {"a": ended(6, "a"), "b": FAILED}, "ValueError('b')"),
        ({"race": [A, {"all": [B, C]}]}, {"a": ended(5, "a"), "b": ended(3, 1), "c": ended(4, 2)}, (1, [1, 2])),
        ({"race": [A, {"all": [B, C]}]}, {"a": ended(5, "a"), "b": ended(3, 1), "c": ended(6, 2)}, (0, "a")),
        ({"race": [{"race": [A, B]}, C]}, {"b": ended(2, "b"), "c": ended(3, "c")}, (0, (1, "b"))),
        ({"all": [{"race": [A, B]}, C]}, {"a": ended(1, "a"), "c": ended(3, "c")}, [(0, "a"), "c"]),
        ({"race": [{"all": []}, A]}, {}, (0, [])),
        (within("t1", A), {"a": ended(4, "a")}, "a"),
        (within("t1", A), {"a": ended(4, "a"), "t1": ended(4, None)}, "a"),
        (within("t1", A), {"a": ended(4, "a"), "t1": ended(3, None)}, "timer (1, 0)"),
        (within("t1", A), {"t1": ended(3, None)}, "timer (1, 0)"),
        (within("t1", within("t2", A)), {"t1": ended(3, None), "t2": ended(2, None)}, "timer (2, 0)"),
        (within("t1", within("t2", A)), {"t1": ended(2, None), "t2": ended(3, None)}, "timer (1, 0)"),
        (within("t1", {"race": [A, B]}), {"b": ended(1, "b"), "t1": ended(2, None)}, (1, "b")),
        (within("t1", A), {"a": ended(9, "a"), "t1": Outcome("cancelled", order=3)}, "a"),
        ({"all": [A, {"is": '"there"'}]}, {"a": ended(1, 1)}, [1, "there"]),
        (A, {"a": Outcome("cancelled", order=3)}, repr(StepCancelled("what is awaited here was cancelled"))),
    ],
)
def test_the_value_is_decided_by_what_ended_first(shape: dict[str, Any], steps: dict[str, Outcome], value: Any) -> None:
    assert given(shape, **steps) == value


def test_errors_as_results_wait_for_all_and_keep_cancelled_members() -> None:
    shape = {"all": [A, B, C, {"cancelled": True}], "errors": True}
    with pytest.raises(TooEarly):
        given(shape, a=ended(1, 1), b=FAILED)
    found = given(shape, a=ended(1, 1), b=FAILED, c=Outcome("cancelled", order=9))
    assert [repr(each) for each in found] == ["1", "ValueError('b')", *[repr(StepCancelled(str(found[3])))] * 2]


@pytest.mark.parametrize(
    ("shape", "steps"),
    [
        (A, {}),
        (A, {"a": Outcome("running")}),
        ({"all": [A, B]}, {"a": ended(1, 1)}),
        ({"race": [A, B]}, {"a": Outcome("pending")}),
        ({"race": [{"all": [A, B]}, C]}, {"a": ended(1, 1)}),
        (within("t1", A), {"t1": Outcome("pending")}),
        (within("t1", A), {"t1": Outcome("cancelled", order=1)}),
    ],
)
def test_what_is_not_over_is_too_early(shape: dict[str, Any], steps: dict[str, Outcome]) -> None:
    with pytest.raises(TooEarly):
        given(shape, **steps)


@pytest.mark.parametrize(
    ("shape", "over"),
    [
        ({"all": []}, True),
        ({"race": [A, {"all": []}]}, True),
        ({"all": [A, {"cancelled": True}]}, True),
        ({"all": [A, {"cancelled": True}], "errors": True}, False),
        (within("t1", {"all": []}), True),
        ({"all": [{"is": "1"}]}, True),
        ({"all": [A, {"is": "1"}]}, False),
        (A, False),
        (EARLIER, False),
    ],
)
def test_some_awaits_are_over_before_anything_is_launched(shape: dict[str, Any], over: bool) -> None:
    found = at_once(shape, REV)
    assert isinstance(found, Value | Error) is over


def test_a_shape_or_an_error_that_nobody_wrote_is_a_corrupt_value() -> None:
    with pytest.raises(CorruptValue):
        given({"what": 3})
    with pytest.raises(CorruptValue):
        given(A, a=Outcome("failed", error='"no exception"'))
