"""Child processes that do not outlive the process that started them."""

import contextlib
import functools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LAUNCHER = Path(__file__).with_name("launch.py")
_KERNEL_TELLS = sys.platform == "linux"
_Request = tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a program runs as."""

    uid: int
    gid: int


class Child:
    """A running program that gets ``orphan_signal`` when this process ends, however it ends.

    Args:
        command: the program and its arguments.
        orphan_signal: what the program is sent when this process is gone.
        account: the user to run as; None: the same as this process.
        cwd: working directory, entered before the user changes.
        env: the whole environment; None: the same as this process.
        stdin, output: files of the program; None: those of this process. ``output`` takes errors too.
        terminal: give the program the terminal that is this process's standard input, as a shell does: it may read
            there, and Ctrl-C is for it alone. Otherwise it is in a session of its own, where no Ctrl-C comes.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        orphan_signal: signal.Signals,
        account: Account | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: IO[bytes] | int | None = subprocess.DEVNULL,
        output: IO[bytes] | None = None,
        terminal: bool = False,
    ) -> None:
        self._has_terminal = terminal
        watched: int | None = None
        self._lifeline: int | None = None
        if not _KERNEL_TELLS:
            watched, self._lifeline = os.pipe()
        plan = {
            "cwd": None if cwd is None else str(cwd),
            "uid": account and account.uid,
            "gid": account and account.gid,
            "signal": int(orphan_signal),
            "parent": os.getpid(),
            "watch": watched,
            "terminal": terminal,
        }
        try:
            self._process = _spawn(
                lambda: subprocess.Popen(
                    [sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(plan), *command],
                    stdin=stdin,
                    stdout=output,
                    stderr=subprocess.STDOUT if output is not None else None,
                    env=env,
                    start_new_session=not terminal,
                    process_group=0 if terminal else None,
                    pass_fds=() if watched is None else (watched,),
                )
            )
        finally:
            if watched is not None:
                os.close(watched)

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status (negative: the signal that ended it), or None while it runs."""
        status = self._process.poll()
        if status is not None:
            self._tidy()
        return status

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait up to ``timeout`` seconds for the end. None: it is still running."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the program has ended."""
        self._process.send_signal(number)

    def send_all(self, number: signal.Signals) -> None:
        """Send a signal to the program and to what it has started, as a terminal does."""
        # The group's id is the program's; it stays taken until the last member has gone, also after the program.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def stop(self, *escalation: tuple[signal.Signals, float], everyone: bool = False) -> int:
        """Send each signal in turn and wait its seconds, until the program has ended; SIGKILL comes last.

        What the program has left behind in its process group is killed too.

        Args:
            escalation: pairs of a signal and the seconds to wait for its effect.
            everyone: send the signals to the whole group, not to the program alone.

        Returns:
            The exit status.
        """
        for number, patience in escalation:
            (self.send_all if everyone else self.send)(number)
            if self.wait(patience) is not None:
                break
        return self.kill()

    def kill(self) -> int:
        """SIGKILL the program, and what is left of its process group, now. Returns the exit status."""
        self.send_all(signal.SIGKILL)
        self._process.kill()
        status = self._process.wait()
        self._tidy()
        return status

    def _tidy(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._has_terminal:
            self._has_terminal = False
            _take_terminal_back()


def has_terminal() -> bool:
    """Whether this process is in the foreground of the terminal that is its standard input."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _take_terminal_back() -> None:
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # it would stop us: we are in the background now
    with contextlib.suppress(OSError):
        os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, before)


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.02) -> bool:
    """Look every ``interval`` seconds whether ``condition`` holds; False when it did not for ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True


def works_in(pid: int, directory: Path) -> bool:
    """Whether a process with this id is alive and has ``directory`` as its working directory.

    The id alone proves nothing: after a restart of the machine or of a container it belongs to someone else.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not Path("/proc/self/cwd").exists():
        return _works_in_by_lsof(pid, directory)
    try:
        return Path(f"/proc/{pid}/cwd").samefile(directory) and not _is_zombie(pid)
    except OSError:
        return False


def _is_zombie(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0] == "Z"


def _works_in_by_lsof(pid: int, directory: Path) -> bool:
    listed = subprocess.run(
        ["/usr/sbin/lsof", "-a", "-d", "cwd", "-p", str(pid), "-Fn"], capture_output=True, text=True, check=False
    )
    return any(Path(line[1:]) == directory.resolve() for line in listed.stdout.splitlines() if line.startswith("n"))


def _spawn(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start a process from a thread that never ends.

    The kernel's parent-death signal comes when the *thread* that forked ends: a server started by a short-lived thread
    would be stopped with it.
    """
    answer: Future[subprocess.Popen[bytes]] = Future()
    _spawner(os.getpid()).put((start, answer))
    return answer.result()


@functools.lru_cache(maxsize=1)
def _spawner(_process: int) -> "queue.SimpleQueue[_Request]":
    requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()

    def serve() -> None:
        while True:
            start, answer = requests.get()
            try:
                answer.set_result(start())
            except BaseException as error:
                answer.set_exception(error)

    threading.Thread(target=serve, name="durableflow-spawner", daemon=True).start()
    return requests
