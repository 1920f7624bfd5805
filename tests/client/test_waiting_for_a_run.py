import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from durableflow.client import Client
from durableflow.errors import ResultTimeout, RunCancelled, RunFailed, RunNotFound
from tests.client import shop
from tests.client.shop import Item, Order, Refused

ORDER = Order(id=1, items=[Item(name="hat", price=1)])  # type: ignore[arg-type]


def test_a_result_is_what_the_workflow_returned(df: Client, end: Callable[..., None]) -> None:
    run = shop.checkout(ORDER).start()
    end(run.id, output={"order": ORDER, "large": "x" * 5000})
    assert run.result(timeout=1) == {"order": ORDER, "large": "x" * 5000}
    assert run.state == "succeeded"


def test_a_failed_run_raises_with_the_workflows_own_exception_as_cause(df: Client, end: Callable[..., None]) -> None:
    run = shop.checkout(ORDER).start()
    end(run.id, error=Refused("no hats"))
    with pytest.raises(RunFailed, match=rf"{run.id} of store\.checkout failed: .*Refused: no hats") as caught:
        run.result()
    assert isinstance(caught.value.__cause__, Refused)
    assert run.state == "failed"


def test_a_run_is_cancelled_once(df: Client) -> None:
    run = shop.checkout(ORDER).start()
    assert run.cancel() is True
    assert run.cancel() is False
    assert run.state == "cancelled"
    with pytest.raises(RunCancelled):
        run.result()


def test_a_failed_run_is_redriven_and_no_other(df: Client, end: Callable[..., None]) -> None:
    run = shop.checkout(ORDER).start()
    assert run.redrive() is False
    end(run.id, error=Refused("no hats"))
    assert run.redrive() is True
    assert run.state == "running"
    with pytest.raises(RunNotFound):
        df.run(uuid4()).redrive()


def test_a_timeout_names_the_run_and_what_it_waits_for(df: Client) -> None:
    run = shop.checkout(ORDER).start()
    for timeout in (0, 0.02, timedelta(milliseconds=10)):
        with pytest.raises(
            ResultTimeout, match=rf"run {run.id} of store\.checkout did not finish within .*: it waits for"
        ):
            run.result(timeout)
    with pytest.raises(TimeoutError):
        run.result(0)


def test_a_run_that_ends_while_somebody_waits_is_noticed(df: Client, end: Callable[..., None]) -> None:
    run = shop.checkout(ORDER).start()
    results: list[Any] = []
    waiter = threading.Thread(target=lambda: results.append(run.result(timeout=30)))
    waiter.start()
    end(run.id, output="done")
    waiter.join(30)
    assert results == ["done"]


def test_a_parked_run_says_why_in_the_timeout(df: Client, db: Any) -> None:
    run = shop.checkout(ORDER).start()
    db.execute("UPDATE durableflow_core.run SET parked_reason = 'nobody has version 3' WHERE id = %s", (run.id,))
    with pytest.raises(ResultTimeout, match="it is parked: nobody has version 3"):
        run.result(0)


def test_an_unknown_run_is_not_found_whatever_is_asked(df: Client) -> None:
    run = df.run(uuid4())
    for ask in (lambda: run.state, run.result, run.cancel, run.info):
        with pytest.raises(RunNotFound, match=str(run.id)):
            ask()
