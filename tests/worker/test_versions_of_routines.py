"""A run that stands in a routine stays on the version of it that it entered, and waits for who has that."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from durableflow import Run
from durableflow.client.versions import remember
from durableflow.language import Routine
from durableflow.language.signature import Signature
from durableflow.machine import compile_function
from durableflow.store import register
from durableflow.store.unpark import parked_but_able, unpark
from tests.worker import shop
from tests.worker.harness import Harness

OLD = """
async def bonus(x: int) -> int:
    y = await add(x, 1)
    return await add(y, 1)
"""

OLD_RECURSIVE = """
async def bonus(x: int) -> int:
    y = await add(x, 1)
    return y if y > 2 else await bonus(y)
"""

NAME = "shop.bonus"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """The application's key; a test that wants it asks for it first."""
    key = "k" * 32
    monkeypatch.setenv("DURABLEFLOW_SECRET_KEY", key)
    return key


@contextmanager
def former(source: str, tmp_path: Path) -> Iterator[None]:
    """The former deploy, whose ``bonus`` is of this source."""
    name = f"former_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    sys.path.insert(0, str(tmp_path))
    present = shop.bonus.machine
    try:
        module = importlib.import_module(name)
        shop.bonus.machine = compile_function(module.bonus)
        module.__dict__.update(add=shop.add, bonus=shop.bonus)
        yield
    finally:
        shop.bonus.machine = present
        sys.path.remove(str(tmp_path))
        sys.modules.pop(name, None)


@pytest.fixture
def old_run(harness: Harness, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Run[int]]:
    """A run that stands in ``bonus``, as it was in a former deploy; the first step of that is about to run."""
    with former(getattr(request, "param", OLD), tmp_path):
        remember(harness.db, shop.bonus, harness.runtime.settings)
        run = shop.pays(2).start()
        harness.published = harness.advance(run.id)
    yield run
    shop.df.registry._older.clear()


def parked(harness: Harness) -> str | None:
    row = harness.db.execute("SELECT parked_reason FROM durableflow_core.run").fetchone()
    assert row is not None
    return None if row[0] is None else str(row[0])


def stands_in(harness: Harness) -> Any:
    row = harness.db.execute("SELECT frames FROM durableflow_core.checkpoint ORDER BY rev DESC LIMIT 1").fetchone()
    assert row is not None
    return row[0]


def test_a_frame_goes_on_in_the_version_that_it_was_entered_with(
    secret: str, harness: Harness, old_run: Run[int]
) -> None:
    assert [row[0] for row in stands_in(harness)] == ["shop.rounds", NAME]
    harness.deliver_all()
    # the first bonus is the former deploy's: 0 + 1 + 1; the second is entered in the present one: 1 + 1000
    assert old_run.result(timeout=1) == (0 + 1 + 1) + (1 + 1000) + 1


@pytest.mark.parametrize("old_run", [OLD_RECURSIVE], indirect=True, ids=["recursive"])
def test_what_a_former_version_calls_is_the_present_one(secret: str, harness: Harness, old_run: Run[int]) -> None:
    harness.deliver_all()
    assert old_run.result(timeout=1) == (1 + 1000) + (1 + 1000) + 1


def test_without_a_key_the_run_is_parked_and_the_reason_names_the_routine(harness: Harness, old_run: Run[int]) -> None:
    harness.deliver_all()
    said = parked(harness)
    assert said is not None
    assert said.startswith(f"no worker has {NAME} version ")
    assert "only where secret_key is configured" in said
    assert old_run.state == "running"


def test_a_routine_that_is_gone_parks_the_run(
    secret: str, harness: Harness, old_run: Run[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(shop.df.registry._definitions, NAME)
    harness.deliver_all()
    assert parked(harness) == f"no worker that has looked at this run defines {NAME}"


@pytest.mark.parametrize("old_run", [OLD_RECURSIVE], indirect=True, ids=["recursive"])
def test_a_routine_that_takes_something_else_now_parks_the_run_that_would_call_it(
    secret: str, harness: Harness, old_run: Run[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bonus(x: int, y: int) -> int:
        return x + y

    monkeypatch.setattr(shop.bonus, "signature", Signature(bonus))
    harness.deliver_all()
    said = parked(harness)
    assert said is not None
    assert "needs bonus(x: int) -> int; here it is bonus(x: int, y: int) -> int" in said


# --- and goes on


def registered(harness: Harness, versions: list[str]) -> None:
    """Another worker registers with these versions."""
    register.register(
        harness.db,
        uuid4(),
        boot=harness.boot,
        hostname="there",
        pid=1,
        queues=[],
        versions=versions,
        lock_key=None,
    )


def versions_of(harness: Harness, *, without: str = "") -> list[str]:
    """The workflow's version, and those of the routines that the run stands in."""
    frames = [f"{row[0]}@{row[1]}" for row in stands_in(harness)]
    needed = [f"shop.pays@{shop.pays.version}", *frames]
    return [each for each in needed if not without or not each.startswith(without)]


def test_it_goes_on_when_a_worker_registers_that_has_all_versions_of_the_stack(
    harness: Harness, old_run: Run[int], tmp_path: Path
) -> None:
    harness.deliver_all()
    assert parked(harness) is not None
    registered(harness, [*versions_of(harness, without=NAME), f"{NAME}@{shop.bonus.version}"])
    assert parked_but_able(harness.db) == [], "the workflow's version alone is not enough: it would be parked again"
    harness.db.execute("UPDATE durableflow_core.worker SET versions = %s", (versions_of(harness),))
    assert parked_but_able(harness.db) == [old_run.id]
    assert unpark(harness.db, old_run.id)
    assert parked(harness) is None
    with former(OLD, tmp_path):  # that worker
        harness.published = harness.advance(old_run.id)
        harness.deliver_all()
    assert old_run.result(timeout=1) == (0 + 1 + 1) + (1 + 1 + 1) + 1


def test_versions_that_are_spread_over_workers_are_not_enough(harness: Harness, old_run: Run[int]) -> None:
    harness.deliver_all()
    registered(harness, versions_of(harness, without=NAME))
    harness.db.execute(
        "UPDATE durableflow_core.worker SET versions = %s WHERE id = %s",
        (versions_of(harness)[-1:], harness.worker_id),
    )
    assert parked_but_able(harness.db) == []


def test_a_routines_version_is_registered_and_stored_like_a_workflows(harness: Harness) -> None:
    assert isinstance(shop.bonus, Routine)
    assert f"{NAME}@{shop.bonus.version}" in shop.df.registry.versions()
    assert shop.bonus in shop.df.registry.compiled
