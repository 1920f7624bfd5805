"""Where a server is missing, tests are skipped with the reason; in CI they fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run_one(test: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-rs", test],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "CI"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


CASES = [
    ("tests/support/test_clock.py::test_the_clock_can_be_set", "DURABLEFLOW_TEST_DATABASE_URL",
     "postgresql://nobody:secret@127.0.0.1:1/nowhere", "no PostgreSQL"),
    ("tests/support/test_brokers.py::test_the_next_test_finds_the_database_empty", "DURABLEFLOW_TEST_BROKER_URL",
     "redis://:secret@127.0.0.1:1/0", "no broker"),
]  # fmt: skip


@pytest.mark.parametrize(("test", "variable", "url", "reason"), CASES, ids=["postgresql", "broker"])
def test_a_missing_server_skips_with_the_reason_and_fails_in_ci(
    test: str, variable: str, url: str, reason: str
) -> None:
    here = _run_one(test, **{variable: url})
    assert "1 skipped" in here
    assert reason in here
    in_ci = _run_one(test, **{variable: url, "CI": "true"})
    assert "1 error" in in_ci
    assert reason in in_ci
    assert "secret" not in here + in_ci
