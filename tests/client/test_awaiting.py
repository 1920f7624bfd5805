"""Coroutines wait for runs together, and without holding the event loop, a thread, or each other."""

import asyncio
import gc
import threading
import time
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from durableflow import DurableFlow, result_of, started
from durableflow.client import awaiting
from durableflow.client.database import Database
from durableflow.errors import DatabaseUnreachable, InvalidInput, ResultTimeout, RunCancelled, RunConflict, RunNotFound

df = DurableFlow("awaiting")


@df.step
def work(number: int) -> int:
    return number


@pytest.fixture
def client(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(DurableFlow, "publisher", property(lambda self: None))
    df.configure(database_url=database_url)
    yield df
    df.close()
    assert awaiting._watches == {}, "a watch outlives those who wait"


def pauses() -> set[float]:
    return {waiter.pause for watch in awaiting._watches.values() for waiter in watch._waiters}


def in_a_loop(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main, debug=True)


def test_a_thousand_waits_cost_few_statements_and_one_thread(client: DurableFlow, monkeypatch: Any) -> None:
    looks: list[int] = []

    def counted(conn: Any, run_ids: Any) -> Any:
        looks.append(len(run_ids))
        return run_states(conn, run_ids)

    run_states = awaiting.run_states
    monkeypatch.setattr(awaiting, "run_states", counted)
    runs = [work(number).start() for number in range(10)]

    async def main() -> list[BaseException]:
        waits = [asyncio.create_task(result_of(run)) for run in runs * 100]
        while len(looks) < 20:
            await asyncio.sleep(0.01)
        threads = threading.active_count()
        for run in runs:
            await asyncio.to_thread(run.cancel)
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
        assert threads < 40
        return [outcome for outcome in outcomes if isinstance(outcome, BaseException)]

    errors = in_a_loop(main())
    assert len(errors) == 1000
    assert {type(error) for error in errors} == {RunCancelled}
    assert max(looks) == 10
    assert len(looks) < 500


def test_one_who_comes_later_is_looked_at_at_once(client: DurableFlow) -> None:
    """Also while the others are in a long pause."""

    async def main() -> float:
        old = asyncio.create_task(result_of(work(0).start()))
        while not old.done() and pauses() != {awaiting.LONGEST_PAUSE}:
            await asyncio.sleep(0.01)
        ended = work(1).start()
        ended.cancel()
        began = time.monotonic()
        looks = []
        for _ in range(5):
            with pytest.raises(RunCancelled):
                await result_of(ended)
            looks.append(time.monotonic() - began)
            began = time.monotonic()
        old.cancel()
        return min(looks)

    assert in_a_loop(main()) < awaiting.LONGEST_PAUSE / 2


def test_one_who_gives_up_takes_nobody_along(client: DurableFlow) -> None:
    run = work(1).start()

    async def main() -> str:
        first, second = (asyncio.create_task(result_of(run)) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(ResultTimeout, match="it waits for a worker"):
            await result_of(run, timeout=0.05)
        with pytest.raises(ResultTimeout):
            await result_of(run, timeout=0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await result_of(run)
        assert not second.done()
        run.cancel()
        with pytest.raises(RunCancelled):
            await second
        assert first.cancelled()
        return run.state

    assert in_a_loop(main()) == "cancelled"


def test_what_start_refuses_is_raised_in_the_coroutine(client: DurableFlow) -> None:
    async def main() -> None:
        run = await started(work(1), key="k")
        assert (await started(work(1), key="k")).id == run.id
        with pytest.raises(RunConflict):
            await started(work(2), key="k")
        with pytest.raises(InvalidInput):
            await started(work("no number"))  # type: ignore[arg-type]
        with pytest.raises(RunNotFound):
            await result_of(client.run(uuid4()))

    in_a_loop(main())


def test_a_database_that_is_away_for_a_moment_is_waited_for(client: DurableFlow, monkeypatch: Any) -> None:
    run = work(1).start()
    run.cancel()
    failures = [DatabaseUnreachable("away"), DatabaseUnreachable("away")]
    transact = Database.transact

    def flaky(self: Database, work: Any, **more: Any) -> Any:
        if failures:
            raise failures.pop()
        return transact(self, work, **more)

    monkeypatch.setattr(Database, "transact", flaky)

    async def main() -> None:
        with pytest.raises(RunCancelled):
            await result_of(run)
        assert not failures
        monkeypatch.setattr(awaiting, "PATIENCE", 0.0)
        failures.extend(DatabaseUnreachable("away") for _ in range(100))
        with pytest.raises(DatabaseUnreachable):
            await result_of(run)

    in_a_loop(main())


def test_an_error_of_the_look_reaches_all_who_wait(client: DurableFlow, monkeypatch: Any) -> None:
    def broken(conn: Any, run_ids: Any) -> Any:
        raise psycopg.ProgrammingError("broken")

    run = work(1).start()

    async def main() -> None:
        waits = [asyncio.create_task(result_of(run)) for _ in range(3)]
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["broken"] * 3

    monkeypatch.setattr(awaiting, "run_states", broken)
    in_a_loop(main())
    gc.collect()  # there is no future whose error nobody has asked for
