"""A run stays on the version it started with: compiled from its signed source, or held with the reason."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from durableflow import Run
from durableflow.language import Routine
from durableflow.language.signature import Signature
from durableflow.machine import compile_function
from durableflow.store.unpark import unpark
from tests.worker import shop
from tests.worker.harness import Harness

OLD = """
async def chain(length: int) -> int:
    x = 100
    for _ in range(length):
        x = await add(x)
    return x
"""


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """The application's key; a test that wants it asks for it first."""
    key = "k" * 32
    monkeypatch.setenv("DURABLEFLOW_SECRET_KEY", key)
    return key


@pytest.fixture
def old_run(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run[int]]:
    """A run of ``chain`` as it was in a former deploy."""
    path = tmp_path / "former.py"
    path.write_text(OLD)
    monkeypatch.syspath_prepend(tmp_path)
    former = importlib.import_module("former")
    former.__dict__["add"] = shop.add
    with monkeypatch.context() as patch:
        patch.setattr(shop.chain, "machine", compile_function(former.chain))
        run = shop.chain(2).start()
    assert shop.df.registry.get("shop.chain", former_version(harness)) is None
    yield run
    shop.df.registry._older.clear()
    sys.modules.pop("former")


def former_version(harness: Harness) -> str:
    row = harness.db.execute("SELECT version FROM durableflow_core.run").fetchone()
    assert row is not None
    return str(row[0])


def reason(harness: Harness) -> str:
    row = harness.db.execute("SELECT parked_reason FROM durableflow_core.run").fetchone()
    assert row is not None
    return str(row[0])


def test_an_older_version_is_compiled_from_its_signed_source(secret: str, harness: Harness, old_run: Run[int]) -> None:
    harness.advance(old_run.id)
    harness.deliver_all()
    assert old_run.result(timeout=1) == 102


def test_without_a_key_nothing_that_is_stored_is_run(harness: Harness, old_run: Run[int]) -> None:
    assert harness.advance(old_run.id) == []
    assert "only where secret_key is configured" in reason(harness)


def test_source_under_another_key_is_not_run(secret: str, harness: Harness, old_run: Run[int]) -> None:
    harness.db.execute("UPDATE durableflow_core.workflow_version SET signature = 'forged'")
    assert harness.advance(old_run.id) == []
    assert "not signed with this secret_key" in reason(harness)


def test_a_step_whose_signature_changed_parks_the_run(
    secret: str, harness: Harness, old_run: Run[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(x: int, z: int) -> int:
        return x + z

    monkeypatch.setattr(shop.add, "signature", Signature(add))
    assert harness.advance(old_run.id) == []
    assert "needs add(x: int, y: int = 1) -> int; here it is add(x: int, z: int)" in reason(harness)


def test_a_parked_run_keeps_its_wake(harness: Harness, old_run: Run[int]) -> None:
    harness.advance(old_run.id)
    wakes = harness.db.execute("SELECT reason, visible_at::text, tries FROM durableflow_core.wake").fetchall()
    assert wakes == [("start", "infinity", 0)]


def test_a_step_that_a_variable_names_and_that_is_gone_parks_the_run(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shop.keeps_a_call(4).start()
    harness.advance(run.id)
    with monkeypatch.context() as patch:
        patch.delitem(shop.df.registry._definitions, "shop.double")
        harness.deliver_all()
        assert reason(harness) == "a stored value refers to shop.double, which is not registered here"
    assert unpark(harness.db, run.id)
    harness.advance(run.id)
    harness.deliver_all()
    assert run.result(timeout=1) == 8


def test_a_run_of_a_workflow_that_has_become_a_routine_goes_on(
    secret: str, harness: Harness, old_run: Run[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_routine = Routine(shop.chain.function, "shop.chain", shop.df.registry)
    monkeypatch.setitem(shop.df.registry._definitions, "shop.chain", as_routine)
    harness.advance(old_run.id)
    harness.deliver_all()
    assert old_run.result(timeout=1) == 102
