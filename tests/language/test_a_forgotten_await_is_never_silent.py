import copy
import operator
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from durableflow import gather, sleep
from durableflow.errors import CallError, NotAwaited, OutsideWorkflow
from durableflow.language import Run
from tests.language.shop import Order, charge, checkout, count, ship


def use(call: Any) -> None:
    """Say that the call is used, so that its end does not warn."""
    call._used = True


MISUSES: list[Callable[[Any], Any]] = [
    bool,
    len,
    str,
    iter,
    list,
    int,
    float,
    lambda call: f"{call}",
    lambda call: f"{call:>10}",
    lambda call: f"{call}",
    lambda call: call + 1,
    lambda call: 1 + call,
    lambda call: call * 2,
    lambda call: -call,
    lambda call: call[0],
    lambda call: 1 in call,
    lambda call: call(),
    lambda call: call.amount,
    lambda call: call == "paid",
    lambda call: call != 3,
    lambda call: call < 3,
    operator.index,
    round,
    abs,
]


@pytest.mark.parametrize("misuse", MISUSES)
@pytest.mark.parametrize("make", [lambda: count("a"), lambda: gather(), lambda: sleep(1), lambda: checkout(Order(1))])
def test_using_a_call_as_its_result_says_await_it_first(misuse: Callable[[Any], Any], make: Callable[[], Any]) -> None:
    with pytest.raises(NotAwaited, match="await it first"):
        misuse(make())


def test_a_dropped_call_warns_as_a_coroutine_does() -> None:
    with pytest.warns(RuntimeWarning, match=r"call shop\.charge\(\.\.\.\) was never awaited or started"):
        charge(Order(1))


def test_a_dropped_gather_and_sleep_warn_too() -> None:
    with pytest.warns(RuntimeWarning, match=r"call gather\(\.\.\.\) was never awaited"):
        gather(count("a"))
    with pytest.warns(RuntimeWarning, match=r"call sleep\(3\) was never awaited"):
        sleep(3)


def test_awaiting_outside_of_a_workflow_names_start_and_run() -> None:
    with pytest.raises(OutsideWorkflow, match=r"(?s)shop\.charge\(\.\.\.\)\.start\(\).*shop\.charge\.run\(\.\.\.\)"):
        charge(Order(1)).__await__().send(None)
    for other in (gather(), sleep(1)):
        with pytest.raises(OutsideWorkflow, match="outside of a workflow"):
            other.__await__().send(None)


def test_a_call_passed_instead_of_its_result_is_refused_at_once() -> None:
    with pytest.raises(NotAwaited, match=r"shop\.stock\.count\(\.\.\.\) is passed to shop\.charge\(\)"):
        charge(count("a"))  # type: ignore[arg-type]
    with pytest.raises(NotAwaited, match=r"passed to shop\.charge"):
        charge(Order(1), currency=count("a"))  # type: ignore[arg-type]


def test_a_call_can_be_shown_compared_by_identity_and_hashed() -> None:
    one, other = count("a"), count("a")
    use(one)
    use(other)
    assert repr(one) == "<Call shop.stock.count(...), not awaited>"
    assert one == one
    assert one != other
    assert one in {one}
    assert other not in [one]
    assert not hasattr(one, "_repr_html_")
    assert copy.copy(one).args == ("a",)


def test_gather_takes_calls_only_and_says_which_argument_is_none() -> None:
    with pytest.raises(TypeError, match=r"gather\(\) argument 2: object int can't be used in 'await' expression"):
        gather(count("a"), 3)  # type: ignore[call-overload]


@pytest.mark.parametrize("value", ["1", None, True, [1]])
def test_sleep_takes_seconds_or_a_timedelta(value: Any) -> None:
    with pytest.raises(TypeError, match="seconds or a timedelta"):
        sleep(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**12])
def test_sleep_ends_within_a_century(value: float) -> None:
    with pytest.raises(ValueError, match="sleep"):
        sleep(value)


def test_a_time_in_the_past_is_no_sleep() -> None:
    pause = sleep(-5)
    use(pause)
    assert pause.seconds == 0.0


def test_a_start_inside_of_a_workflow_is_refused() -> None:
    from durableflow.language.inline import running

    with running(workflow=True), pytest.raises(CallError, match="inside a workflow: await it"):
        charge(Order(1)).start()


def test_runs_are_equal_by_their_id() -> None:
    run_id = uuid4()
    runs: Any = object()
    assert Run(run_id, runs) == Run(run_id, runs)
    assert len({Run(run_id, runs), Run(run_id, runs), Run(uuid4(), runs)}) == 2


def test_options_make_a_variant_and_leave_the_step_alone() -> None:
    call = ship.options(queue="air").options(priority=9)("a")
    plain = ship("a")
    use(call)
    use(plain)
    assert (call.use.queue, call.use.priority) == ("air", 9)
    assert call.definition is ship
    assert plain.use.queue is None
