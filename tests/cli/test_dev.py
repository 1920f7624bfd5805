"""``durableflow dev``: what runs while a command runs, and what is left afterwards: nothing."""

import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import Background, Durableflow
from tests.support.processes import all_end

Start = Callable[..., Background]


def test_the_command_has_the_servers_and_its_status_is_the_answer(durableflow: Durableflow) -> None:
    script = (
        "import os, psycopg, redis\n"
        "with psycopg.connect(os.environ['DURABLEFLOW_DATABASE_URL']) as c: c.execute('TABLE durableflow.runs')\n"
        "redis.Redis.from_url(os.environ['DURABLEFLOW_BROKER_URL']).ping()\n"
        "raise SystemExit(7)\n"
    )
    done = durableflow("dev", "shop:df", "--no-worker", "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout) == (7, ""), done.stderr


def test_postgresql_alone_is_enough(durableflow: Durableflow, shop: Path) -> None:
    script = (
        "import os, psycopg\n"
        "assert os.environ['DURABLEFLOW_BROKER_URL'] == 'pgmq://'\n"
        "with psycopg.connect(os.environ['DURABLEFLOW_DATABASE_URL']) as c: c.execute('TABLE pgmq.meta')\n"
    )
    done = durableflow("dev", "shop:df", "--no-worker", "--broker", "pgmq", "--", sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr
    assert not (shop / ".durableflow" / "valkey" / "data").exists()
    assert "Valkey" not in done.stderr


@pytest.mark.parametrize(
    ("command", "status"),
    [(("sh", "-c", "kill -9 $$"), 137), (("no-such-program",), 127)],
)
def test_the_status_is_what_a_shell_would_say(durableflow: Durableflow, command: tuple[str, ...], status: int) -> None:
    assert durableflow("dev", "shop:df", "--no-worker", "--", *command).returncode == status


def test_no_password_is_printed(durableflow: Durableflow, shop: Path) -> None:
    done = durableflow("dev", "shop:df", "--no-worker", "--", "true")
    for name in ("postgres", "valkey"):
        password = shop / ".durableflow" / name / "password"
        assert stat.S_IMODE(password.stat().st_mode) == 0o600
        assert password.read_text() not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_command_and_the_stack(background: Start, number: signal.Signals) -> None:
    dev = background("dev", "shop:df", "--no-worker", "--", "sh", "-c", "echo at work; sleep 600 & wait")
    dev.wait_for("at work")
    assert len(dev.family()) > 3
    dev.process.send_signal(number)
    assert dev.process.wait(timeout=15) == 128 + number
    assert dev.all_gone(timeout=0.5)


def test_without_a_command_a_signal_is_the_ordinary_end(background: Start, shop: Path) -> None:
    dev = background("dev", "shop:df", "--no-worker")
    dev.wait_for(r"ready; other shells join with `\. \.durableflow/env`")
    dev.family()
    exports = (shop / ".durableflow" / "env").read_text()
    assert re.search(r"export DURABLEFLOW_DATABASE_URL=postgresql://", exports)
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(timeout=15) == 0
    assert dev.all_gone(timeout=0.5)


def test_sigkill_of_the_supervisor_leaves_nothing(background: Start) -> None:
    dev = background("dev", "shop:df", "--concurrency", "2", "--", "sh", "-c", "echo at work; exec sleep 600")
    dev.wait_for("at work")
    worker = int(dev.wait_for(r"worker-1 is process (\d+)")[1])
    _wait_for_pool(dev, worker)
    dev.process.kill()
    assert dev.all_gone(timeout=15)


def test_a_second_stack_on_the_same_directory_is_refused(background: Start, durableflow: Durableflow) -> None:
    first = background("dev", "shop:df", "--no-worker")
    first.wait_for("ready")
    second = durableflow("dev", "shop:df", "--no-worker", "--", "true")
    assert second.returncode == 1
    assert f".durableflow is in use by process {first.process.pid}" in second.stderr
    assert first.process.poll() is None


def test_a_worker_runs_what_the_command_starts(durableflow: Durableflow) -> None:
    script = "import shop; print(shop.checkout('order 42', times=3).start().result(timeout=60))"
    done = durableflow("dev", "shop:df", "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout) == (0, "order 42 paid\n"), done.stderr


def test_a_killed_worker_is_started_again_with_a_line_that_says_so(background: Start) -> None:
    dev = background("dev", "shop:df", "--concurrency", "1", "--workers", "2")
    killed = int(dev.wait_for(r"worker-2 is process (\d+)")[1])
    dev.wait_for("ready")
    _wait_for_pool(dev, killed)
    pool = psutil.Process(killed).children(recursive=True)
    os.kill(killed, signal.SIGKILL)
    dev.wait_for(rf"worker-2, process {killed}, died of SIGKILL; starting it again in 0\.5 s")
    successor = int(dev.wait_for(r"worker-2 runs again, process (\d+)")[1])
    assert successor != killed
    assert all_end(pool, timeout=5)


def test_a_running_step_does_not_hold_up_the_end(background: Start, shop: Path) -> None:
    script = "import shop, time; shop.wait(600).start(); time.sleep(600)"
    dev = background("dev", "shop:df", "--", sys.executable, "-c", script)
    dev.wait_for_file(shop / "slow.started")
    dev.family()
    dev.process.send_signal(signal.SIGTERM)
    assert dev.process.wait(timeout=20) == 143
    assert dev.all_gone(timeout=0.5)


def test_a_server_that_dies_comes_back(background: Start, shop: Path) -> None:
    dev = background("dev", "shop:df", "--no-worker")
    dev.wait_for("ready")
    os.kill(int((shop / ".durableflow" / "postgres" / "pid").read_text()), signal.SIGKILL)
    dev.wait_for("PostgreSQL has died; starting it again")
    dev.process.send_signal(signal.SIGTERM)
    assert dev.process.wait(timeout=15) == 0


def test_an_application_that_cannot_be_loaded_ends_the_stack_with_the_reason(durableflow: Durableflow) -> None:
    done = durableflow("dev", "shop:dff", "--", "sleep", "600")
    assert done.returncode == 1
    assert "worker-1 cannot start" in done.stderr
    assert "shop has no 'dff': did you mean shop:df?" in done.stderr


def test_a_module_that_does_not_exist_is_told_before_anything_starts(durableflow: Durableflow, shop: Path) -> None:
    done = durableflow("dev", "shpo:df", "--", "true")
    assert (done.returncode, done.stderr) == (2, "durableflow: there is no module 'shpo': did you mean shop?\n")
    assert not (shop / ".durableflow").exists()


def _wait_for_pool(dev: Background, worker: int) -> None:
    """Until this worker has made its pool, and everything is remembered in the family."""
    deadline = time.monotonic() + 30
    while not psutil.Process(worker).children():
        assert time.monotonic() < deadline, f"worker {worker} has made no pool:\n{dev.said}"
        time.sleep(0.05)
    dev.family()
