"""Servers end with the process that holds them, however it ends, and only with it."""

import threading
from pathlib import Path

import psycopg
import pytest

from durableflow.devstack import PostgresServer
from tests.devstack.conftest import Holder, descendants
from tests.support.processes import all_end

_HOLD = """
    import sys, time
    from durableflow.devstack import PostgresServer, ValkeyServer, process

    process._KERNEL_TELLS = sys.argv[2] == "kernel"
    with PostgresServer(sys.argv[1]) as postgres, ValkeyServer(sys.argv[1]):
        print(postgres.url, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("told_by", ["kernel", "watcher"])
def test_servers_end_when_their_holder_gets_sigkill(holder: Holder, tmp_path: Path, told_by: str) -> None:
    held = holder(_HOLD, str(tmp_path), told_by)
    servers = descendants(held.pid)
    assert len(servers) > 2
    held.kill()
    assert all_end(servers, timeout=10)


def test_the_next_start_waits_for_what_a_killed_holder_left(holder: Holder, tmp_path: Path) -> None:
    held = holder(_HOLD, str(tmp_path), "kernel")
    held.kill()
    held.wait()
    with PostgresServer(tmp_path) as again, psycopg.connect(again.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_outlives_the_thread_that_started_it(postgres: PostgresServer) -> None:
    starter = threading.Thread(target=postgres.start)
    starter.start()
    starter.join()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
