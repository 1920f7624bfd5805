"""uvicorn and a worker, as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.worker.workers import PATIENCE, ROOT, Worker


@contextmanager
def server(env: dict[str, str], log: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """uvicorn on a socket that it inherits, so that its port is known and nobody else's."""
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as output:
        command = ["uvicorn", "tests.contrib.fastapi.shop:app", "--fd", str(listening.fileno())]
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **env},
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=output,
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield url, process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        print(log.read_text())


def test_requests_wait_together_and_others_are_served_meanwhile(
    database_url: str, broker_url: str, queue_name: str, tmp_path: Path, db: "psycopg.Connection[tuple[int]]"
) -> None:
    gate = tmp_path / "gate"
    env = {
        "DURABLEFLOW_DATABASE_URL": database_url,
        "DURABLEFLOW_BROKER_URL": broker_url,
        "DURABLEFLOW_QUEUE": queue_name,
        "JOURNAL": str(gate),
    }
    module = "tests.contrib.fastapi.shop:df"
    worker = Worker(env, tmp_path / "worker.log", "-c", "2", command=("durableflow", "worker", module))
    try:
        with server(env, tmp_path / "server.log") as (url, process), ThreadPoolExecutor(10) as threads:
            waiting = [threads.submit(httpx.post, f"{url}/orders/o{n}/now?timeout=90", timeout=90) for n in range(10)]
            _until(lambda: db.execute("SELECT count(*) FROM durableflow.runs").fetchone() == (10,))
            with pytest.raises(httpx.ReadTimeout):  # this client gives up; its run does not
                httpx.post(f"{url}/orders/gone/now", timeout=0.5)
            assert httpx.get(f"{url}/alive", timeout=30).json() == "EUR"
            assert httpx.get(f"{url}/inner/name", timeout=30).json() == "fastshop"
            assert not any(request.done() for request in waiting)
            gate.touch()
            assert [request.result().json() for request in waiting] == [f"o{n} paid" for n in range(10)]
            assert httpx.post(f"{url}/orders/gone/now", timeout=90).json() == "gone paid"
            assert db.execute("SELECT count(*) FROM durableflow.runs").fetchone() == (11,)
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            assert "Application shutdown complete" in (tmp_path / "server.log").read_text()
    finally:
        print(worker.text())
        worker.close()


def _until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2 * PATIENCE
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
