"""What an exported test looks like, and that it holds for values and orders of every kind."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from durableflow import DurableFlow
from durableflow.errors import RunFailed, RunNotFound, SimulationError
from durableflow.testing.export import export
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process
from tests.testing import market
from tests.testing.market import ORDER, Order

ROOT = Path(__file__).parents[2]


@pytest.fixture
def df(database_url: str, queue_name: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFlow]:
    market.CALLED.clear()
    with in_this_process(market.df, database_url, queue_name, monkeypatch) as df:
        yield df


@pytest.fixture
def engine(df: DurableFlow, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with engine_of(df, db, monkeypatch) as engine:
        yield engine


def passes(file: Path, *more: str) -> str:
    """Run a file with pytest, as somebody would who has just exported it."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, *more, str(file)],
        cwd=file.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::RuntimeWarning"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{file.read_text()}\n{done.stdout}{done.stderr}"
    return done.stdout


def body(source: str) -> list[str]:
    """Its statements, without the first, which makes the simulation."""
    lines = [line.strip() for line in source.splitlines() if line]
    return lines[lines.index(")") + 1 :]


def exported(run: Any, directory: Path) -> str:
    """The export of a run, which passes."""
    source = export(market.df.database, run.id)
    file = directory / "test_exported.py"
    file.write_text(source)
    (test,) = [value for name, value in runpy.run_path(str(file)).items() if name.startswith("test_")]
    test()
    return source


def test_a_run_with_a_retry_reads_as_one_would_write_it(
    engine: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([ConnectionError("no answer"), None])

    def fail_first(order: Order) -> str:
        error = next(answers)
        if error is not None:
            raise error
        return "ch_1"

    monkeypatch.setattr(engine.task("market.charge"), "run", fail_first)
    run = market.checkout(ORDER).start()
    engine.drive()
    clock.advance(11)
    engine.drive()
    assert run.result(timeout=0) == ["ch_1", "TEA", "POT", "shipped"]
    lines = body(exported(run, tmp_path))
    assert lines == [
        "sim.mock(market.charge, outcomes=[Attempts(ConnectionError('no answer'), 'ch_1')])",
        "sim.mock(market.reserve, outcomes=['TEA', 'POT'])",
        "sim.mock(market.ship, outcomes=['shipped'])",
        "run = sim.start(market.checkout(market.Order(id='42', items=['tea', 'pot'])))",
        "sim.run()",
        "assert run.path == ['charge', 'gather[reserve x 2]', 'ship']",
        "assert run.result() == ['ch_1', 'TEA', 'POT', 'shipped']",
    ]


def test_events_are_sent_where_they_were_received(engine: Engine, clock: Clock, tmp_path: Path) -> None:
    run = market.reminders(5).start()
    engine.drive()
    for _ in range(2):
        clock.advance(86_401)
        engine.drive()
    run.send("paid", "by card", by="ana", id="click-1")
    engine.drive()
    assert run.result(timeout=0) == "paid after 2 reminders"
    source = exported(run, tmp_path)
    assert "run.send('paid', 'by card', id='click-1', by='ana')" in body(source)
    assert source.count("race[receive paid, sleep 1 day] won by sleep 1 day") == 2


def test_an_error_of_the_workflow_is_expected(engine: Engine, tmp_path: Path) -> None:
    run = market.loses("tea").start()
    engine.drive()
    with pytest.raises(RunFailed):
        run.result(timeout=0)
    assert body(exported(run, tmp_path))[-4:] == [
        "with pytest.raises(RunFailed) as failed:",
        "run.result()",
        "assert type(failed.value.__cause__).__name__ == 'SoldOut'",
        "assert str(failed.value.__cause__) == 'tea: 0 left'",
    ]


def test_what_no_expression_gives_is_kept_in_its_stored_form(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sold_out(item: str) -> str:
        raise market.SoldOut(item, 3)

    monkeypatch.setattr(engine.task("market.reserve"), "run", sold_out)
    run = market.checkout(Order("1", ["tea"])).start()
    engine.drive()
    assert run.state == "failed"
    source = exported(run, tmp_path)
    assert "stored(" in source
    assert "from durableflow.testing import Simulation, stored" in source


def test_the_order_of_ends_is_kept_where_it_decides(
    engine: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sold_out(item: str) -> str:
        raise market.SoldOut(item, 0)

    monkeypatch.setattr(engine.task("market.reserve"), "run", sold_out)
    run = market.reserves(["tea", "pot"]).start()
    tea, pot = engine.advance(run.id)
    clock.advance(1)
    engine.deliver(pot)
    clock.advance(1)
    engine.deliver(tea)
    engine.drive()
    assert run.result(timeout=0) == "no pot"
    source = exported(run, tmp_path)
    assert source.count("After(") == 2


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, (True,)], 3: {"x", "y"}, "when": timedelta(hours=3)},
        [float("inf"), -0.0, b"\x00", "quote ' and \" and \n"],
        {"id": UUID(int=7), "orders": [Order("1", []), Order("2", ["x" * 200])]},
        ["a long list"] * 2000,
        Order,
        ValueError("an error as a value"),
    ],
    ids=["containers", "scalars", "objects", "large", "class", "error"],
)
def test_values_of_every_kind_come_back(engine: Engine, tmp_path: Path, value: Any) -> None:
    run = market.gives(value).start()
    engine.drive()
    assert run.state == "succeeded"
    exported(run, tmp_path)


def test_a_run_that_goes_on_is_exported_up_to_where_it_stands(engine: Engine, clock: Clock, tmp_path: Path) -> None:
    run = market.reminders(5).start()
    engine.drive()
    clock.advance(86_401)
    engine.drive()
    lines = body(exported(run, tmp_path))
    assert "sim.run_until(lambda: run.rev == 3)" in lines
    assert lines[-1] == "assert run.state == 'running'"


def test_a_run_that_is_none_or_was_redriven_is_refused(engine: Engine, df: DurableFlow) -> None:
    with pytest.raises(RunNotFound):
        export(df.database, uuid4())
    run = market.loses("tea").start()
    engine.drive()
    assert run.redrive()
    with pytest.raises(SimulationError, match="was redriven"):
        export(df.database, run.id)


def test_the_command_writes_a_file_that_pytest_runs(engine: Engine, database_url: str, tmp_path: Path) -> None:
    run = market.checkout(ORDER).start()
    engine.drive()
    file = tmp_path / "test_order.py"
    command = [sys.executable, "-m", "durableflow", "runs", "export", str(run.id)]
    environment = {**os.environ, "DURABLEFLOW_DATABASE_URL": database_url}
    done = subprocess.run(
        [*command, "--out", str(file)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        f"{file} is written; `python -m pytest {file}` runs it",
    )
    assert "1 passed" in passes(file)


def test_the_application_is_named_where_it_cannot_be_found(engine: Engine, database_url: str) -> None:
    run = market.charge(ORDER).start()  # of a step alone no source is stored
    engine.drive()
    command = [sys.executable, "-m", "durableflow", "runs", "export", str(run.id)]
    environment = {**os.environ, "DURABLEFLOW_DATABASE_URL": database_url}
    lost = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert lost.returncode == 2
    assert "--app shop:df" in lost.stderr
    named = [*command, "--app", "tests.testing.market:df"]
    shown = subprocess.run(named, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "run = sim.start(market.charge(" in shown.stdout, shown.stderr
