"""The plugin, as pytest loads it by its entry point: in a process of its own, with every warning an error."""

import os
import subprocess
import sys
from pathlib import Path

APPLICATION = """
from durableflow import DurableFlow

df = DurableFlow("shop")


@df.step
def charge(order: str) -> str:
    raise AssertionError("the test mocks this")


@df.workflow
async def checkout(order: str) -> str:
    return await charge(order)
"""

TEST = """
import shop


def test_checkout(simulation):
    sim = simulation(shop.df, strict=True)
    sim.mock(shop.charge, returns="ch_1")
    assert sim.execute(shop.checkout("42")) == "ch_1"
"""

IDLE = """
import sys


def test_nothing_was_loaded():
    loaded = [name for name in sys.modules if name.partition(".")[0] in ("celery", "psycopg", "pydantic", "kombu")]
    assert loaded == []
    assert sorted(name for name in sys.modules if name.startswith("durableflow")) == [
        "durableflow",
        "durableflow.testing",
        "durableflow.testing.plugin",
    ]
"""


def run(directory: Path, *arguments: str) -> str:
    (directory / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DURABLEFLOW_", "PYTEST_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_test_gets_simulations_from_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APPLICATION)
    (tmp_path / "test_shop.py").write_text(TEST)
    assert "1 passed" in run(tmp_path)


def test_where_it_is_not_used_the_plugin_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_idle.py").write_text(IDLE)
    assert "1 passed" in run(tmp_path)


def test_the_fixture_explains_itself(tmp_path: Path) -> None:
    (tmp_path / "test_idle.py").write_text(IDLE)
    assert "Makes simulations: ``sim = simulation(df)``" in run(tmp_path, "--fixtures")
