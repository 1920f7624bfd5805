"""What the two embedded servers have in common: one process, one directory, one lock, one port, one password.

A directory belongs to at most one server object at a time (a lock that the kernel drops with its holder). The process
dies with its holder. What a killed holder may leave for a moment, a server that is still shutting down, is waited for
at the next start, and killed when it does not go.
"""

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from durableflow.devstack import statedir
from durableflow.devstack.process import Account, Child, wait_until, works_in
from durableflow.errors import DevStackError

_PORT_TRIES = 5


class Server(ABC):
    """An embedded server that keeps its data in ``state_dir`` between starts.

    Args:
        state_dir: directory of the whole stack; the server keeps to a subdirectory with its own name.
        port: TCP port on 127.0.0.1; None: the one of the last start if it is free, otherwise any free one.
        start_timeout: seconds until a server that does not answer counts as failed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    orphan_signal: ClassVar[signal.Signals]
    stop_signals: ClassVar[Sequence[tuple[signal.Signals, float]]]

    def __init__(
        self, state_dir: Path | str = ".durableflow", *, port: int | None = None, start_timeout: float = 30.0
    ) -> None:
        self.state_dir = Path(state_dir).absolute()
        self.home = self.state_dir / self.name
        self.data = self.home / "data"
        self.log = self.state_dir / "logs" / f"{self.name}.log"
        self.start_timeout = start_timeout
        self._wanted_port = port
        self._port: int | None = None
        self._lock = statedir.Lock(self.home)
        self._locked = False
        self._child: Child | None = None

    # ------------------------------------------------------------------ what a user of the server calls

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the server answers, with the password."""

    @property
    def port(self) -> int:
        """The TCP port; known once the server has been started."""
        if self._port is None:
            raise DevStackError(f"{self.title} has not been started")
        return self._port

    @property
    def pid(self) -> int:
        """The id of the server's main process."""
        if self._child is None:
            raise DevStackError(f"{self.title} is not running")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> Self:
        """Start the server and return when it answers; nothing happens when it runs already.

        Raises:
            ServerNotInstalled: the package with its binaries is missing.
            StateDirectoryInUse: another stack has this state directory.
            DevStackError: it does not come up; the message ends with the last lines of its log.
        """
        if self.running:
            return self
        if not self._locked:
            statedir.make_root(self.state_dir)
            statedir.make(self.home)
            self._lock.acquire()
            self._locked = True
        try:
            self._clear_leftovers()
            self._prepare()
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server as its documentation says it should be, within seconds, and let go of the directory."""
        self._end_gracefully()
        self._lock.release()
        self._locked = False

    def kill(self) -> None:
        """End the server at once with SIGKILL, as a crash would. The directory stays ours: ``start`` recovers it."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> Self:
        """Stop and start again on the same port."""
        self._end_gracefully()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ what each server knows

    @abstractmethod
    def _prepare(self) -> None:
        """Bring the data directory to where the server can start on it."""

    @abstractmethod
    def _command(self, port: int) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server serves requests; called until it does."""

    @abstractmethod
    def _may_try_again(self, said: str) -> bool:
        """Whether a server that ended at its start, with this log, may come up a moment later."""

    def _account(self) -> Account | None:
        return None

    # ------------------------------------------------------------------ how it is done

    def _launch(self) -> None:
        deadline = time.monotonic() + self.start_timeout
        for port in self._ports():
            while True:
                said = self._try_port(port, deadline)
                if said is None:
                    statedir.write_private(self.home / "port", str(port))
                    return
                if "ddress already in use" in said and self._wanted_port is None and self._port is None:
                    break  # somebody took the port since we looked
                if not self._may_try_again(said) or time.monotonic() > deadline:
                    self._fail("ended as it was started")
                time.sleep(0.1)
        self._fail("found no free port")

    def _ports(self) -> list[int]:
        """The ports to try. One that was given, or that clients of this object know, is the only one."""
        fixed = self._wanted_port or self._port
        if fixed is not None:
            return [fixed]
        last = statedir.read_number(self.home / "port")
        kept = [last] if last is not None and statedir.is_free(last) else []
        return kept + [statedir.free_port() for _ in range(_PORT_TRIES)]

    def _try_port(self, port: int, deadline: float) -> str | None:
        """Start on this port. None: it answers. Otherwise what it said before it ended."""
        log = statedir.open_log(self.log)
        begin = os.fstat(log).st_size
        with os.fdopen(log, "ab") as output:
            self._child = child = Child(
                self._command(port),
                orphan_signal=self.orphan_signal,
                account=self._account(),
                cwd=self.data,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                output=output,
            )
        statedir.write_private(self.home / "pid", str(child.pid))
        known, self._port = self._port, port
        if wait_until(lambda: child.poll() is not None or self._answers(), deadline - time.monotonic()):
            if child.poll() is None:
                return None
        else:
            self._fail(f"did not answer within {self.start_timeout:g} s")
        self._child, self._port = None, known
        with self.log.open("rb") as written:
            written.seek(begin)
            return written.read().decode(errors="replace")

    def _fail(self, what: str) -> None:
        raise DevStackError(f"{self.title} {what}; its log, {self.log}, ends with:\n{statedir.tail(self.log)}")

    def _end_gracefully(self) -> None:
        if self._child is not None:
            self._child.stop(*self.stop_signals)
            self._child = None

    def _clear_leftovers(self) -> None:
        """Wait for a server that outlived its killed holder by a moment; end it when it stays."""
        pid = statedir.read_number(self.home / "pid")
        if pid is None or wait_until(lambda: not works_in(pid, self.data), 5.0):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not works_in(pid, self.data), 5.0)
