"""The development stack: PostgreSQL, Valkey or none, the schema, workers, and a command that uses them.

One thread looks after everything, ten times a second. A signal only leaves a note for it, so that nothing is stopped in
the middle of being started. Everything that this process starts dies with it, also by SIGKILL (see ``process.py``).
"""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from durableflow.config import redact
from durableflow.devstack import statedir
from durableflow.devstack.follow import Follower
from durableflow.devstack.postgres import PostgresServer
from durableflow.devstack.process import Child, has_terminal
from durableflow.devstack.server import Server
from durableflow.devstack.valkey import ValkeyServer
from durableflow.devstack.worker import WorkerProcess, stop_all
from durableflow.errors import DevStackError

_TICK = 0.1  # seconds
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def print_line(text: str) -> None:
    print(f"durableflow dev: {text}", file=sys.stderr, flush=True)


class Devstack:
    """PostgreSQL, Valkey and workers of one application, on a state directory that keeps the data.

    As a context manager it is up inside of the block; :meth:`run` is what ``durableflow dev`` does.

    Args:
        app: ``module:attribute`` of the application; None: no workers.
        state_dir: created when it is missing.
        workers: how many worker processes.
        worker_options: options of each, as for ``celery worker``.
        broker: ``valkey``; or ``pgmq``, which is PostgreSQL again, and no server more.
        patience: seconds that running steps get to finish when the stack is stopped.
        say: takes each line about what happens.
    """

    def __init__(
        self,
        app: str | None = None,
        *,
        state_dir: Path | str = ".durableflow",
        workers: int = 1,
        worker_options: Sequence[str] = (),
        broker: str = "valkey",
        patience: float = 5.0,
        say: Callable[[str], None] = print_line,
    ) -> None:
        self.app = app
        self.state_dir = Path(state_dir).absolute()
        self.postgres = PostgresServer(self.state_dir)
        self.valkey = ValkeyServer(self.state_dir)
        self._pgmq = broker == "pgmq"
        self._servers: tuple[Server, ...] = (self.postgres,) if self._pgmq else (self.postgres, self.valkey)
        self.workers: list[WorkerProcess] = []
        self._worker_count = workers if app is not None else 0
        self._worker_options = worker_options
        self._patience = patience
        self._say = say
        self._up = ExitStack()
        self._signals: list[int] = []

    # ------------------------------------------------------------------ the stack

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to use the stack."""
        return {
            "DURABLEFLOW_DATABASE_URL": self.postgres.url,
            "DURABLEFLOW_BROKER_URL": "pgmq://" if self._pgmq else self.valkey.url,
            "DURABLEFLOW_SECRET_KEY": os.environ.get("DURABLEFLOW_SECRET_KEY")
            or statedir.password(self.state_dir / "secret_key"),
        }

    def start(self) -> Self:
        """Bring everything up, or nothing.

        Raises:
            DevStackError: a server is not installed, does not start, or the state directory is in use.
        """
        from durableflow.migrations import migrate  # half a second that a server alone should not cost
        from durableflow.migrations.pgmq import install_pgmq

        with ExitStack() as up:
            self._lock(up)
            for server in self._servers:
                up.callback(server.stop)
                server.start()
                self._say(f"{server.title} answers at {redact(server.url)}")
            migrate(self.postgres.url)
            if self._pgmq:
                install_pgmq(self.postgres.url)
            up.callback(self._stop_workers)
            self._start_workers()
            self._up = up.pop_all()
        return self

    def stop(self) -> None:
        """Stop everything, the last started first."""
        self._up.close()

    def tend(self) -> None:
        """Start again what has died.

        Raises:
            DevStackError: a worker cannot start at all, or a server does not come up again.
        """
        for server in self._servers:
            self._tend_server(server)
        for worker in self.workers:
            if happened := worker.tend():
                if worker.hopeless:
                    raise DevStackError(happened)
                self._say(happened)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _lock(self, up: ExitStack) -> None:
        statedir.make_root(self.state_dir)
        lock = statedir.Lock(self.state_dir)
        lock.acquire()
        up.callback(lock.release)

    def _start_workers(self) -> None:
        if self.app is None:
            return
        environment = {**os.environ, **self.env, "PYTHONUNBUFFERED": "1"}
        for number in range(1, self._worker_count + 1):
            log = self.state_dir / "logs" / f"worker-{number}.log"
            worker = WorkerProcess(number, self.app, self._worker_options, environment, log)
            worker.start()
            self.workers.append(worker)
            self._say(f"{worker.name} is process {worker.pid}, its log is {_short(log)}")

    def _stop_workers(self) -> None:
        stop_all(self.workers, self._patience, hurried=lambda: len(self._signals) > 1)
        self.workers.clear()

    def _tend_server(self, server: Server) -> None:
        if not server.running:
            self._say(f"{server.title} has died; starting it again (log: {_short(server.log)})")
            server.start()

    # ------------------------------------------------------------------ the stack around a command

    def run(self, command: Sequence[str] = (), *, env: Mapping[str, str] | None = None) -> int:
        """Keep the stack up while ``command`` runs, or until a signal where there is none.

        SIGINT, SIGTERM and SIGHUP stop the command and then the stack; a second one does not wait for running steps.

        Args:
            command: program and arguments; gets the stack's URLs in its environment.
            env: further variables for it.

        Returns:
            The command's exit status, 128 + signal number where a signal ended it; 0 without a command.

        Raises:
            DevStackError: as for ``start`` and ``tend``.
        """
        with self._heeding_signals():
            try:
                self.start()
                if self._signals:
                    return 128 + self._signals[0]
                return self._run_command(command, env or {}) if command else self._serve()
            finally:
                if self.postgres.running:
                    self._say("stopping")
                self.stop()

    def _serve(self) -> int:
        followers = [Follower(worker.log, worker.name) for worker in self.workers]
        self._say(f"ready; other shells join with `. {_short(self._write_env())}`; Ctrl-C stops it")
        while not self._signals:
            time.sleep(_TICK)
            self.tend()
            for follower in followers:
                follower.copy_new_lines()
        return 0

    def _run_command(self, command: Sequence[str], env: Mapping[str, str]) -> int:
        child = Child(
            command,
            orphan_signal=signal.SIGTERM,
            env={**os.environ, **self.env, **env},
            stdin=None,
            terminal=has_terminal(),
        )
        try:
            while child.wait(_TICK) is None and not self._signals:
                self.tend()
        finally:
            status = self._end_command(child) if child.poll() is None else child.kill()
        return 128 - status if status < 0 else status

    def _end_command(self, child: Child) -> int:
        first = signal.Signals(self._signals[0]) if self._signals else signal.SIGTERM
        return child.stop((first, self._patience), (signal.SIGTERM, self._patience), everyone=True)

    def _write_env(self) -> Path:
        """A file that a shell can source: an address with a password is not for a terminal's scrollback."""
        path = self.state_dir / "env"
        statedir.write_private(
            path, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.env.items())
        )
        return path

    @contextmanager
    def _heeding_signals(self) -> Iterator[None]:
        def note(number: int, _frame: FrameType | None) -> None:
            self._signals.append(number)

        before = {number: signal.signal(number, note) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
