"""``durableflow dev`` on a terminal: the command has it while it runs, Ctrl-C included."""

import os
import pty
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import command, environment
from tests.support.processes import all_end

CTRL_C = b"\x03"


class Terminal:
    """A terminal with one command in it, from the side of the keyboard."""

    def __init__(self, arguments: tuple[str, ...], directory: Path) -> None:
        # `execve` in the child of a fork, and nothing before it: this process may have threads.
        program = [sys.executable, "-c", _BEGIN, str(directory), *command(*arguments)]
        self.pid, self._keyboard = _fork(program)
        self.said = b""

    def wait_for(self, text: bytes, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while text not in self.said:
            assert self._read(max(0.0, deadline - time.monotonic())), self.said.decode()

    def type(self, text: bytes) -> None:
        os.write(self._keyboard, text)

    def status(self, timeout: float = 30) -> int:
        """Read until everybody has left the terminal, and give the command's status."""
        while self._read(timeout):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> None:
        os.close(self._keyboard)  # everybody on the terminal gets SIGHUP

    def _read(self, timeout: float) -> bool:
        readable, _, _ = select.select([self._keyboard], [], [], timeout)
        try:
            self.said += (said := os.read(self._keyboard, 4096) if readable else b"")
        except OSError:  # the last one has left
            return False
        return bool(said)


_BEGIN = """
import os, sys
os.chdir(sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
"""


def _fork(program: list[str]) -> tuple[int, int]:
    pid, keyboard = pty.fork()
    if pid == 0:
        os.execve(program[0], program, environment())
    return pid, keyboard


@pytest.fixture
def terminal(shop: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_(*arguments: str) -> Terminal:
        opened.append(Terminal(arguments, shop))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


# It waits for a Ctrl-C that is blocked until then: one that came between two statements could be missed otherwise.
_DIALOGUE = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("heard " + input("first? "), flush=True)
signal.sigwait({signal.SIGINT})
print("heard " + input("second? "), flush=True)
raise SystemExit(9)
"""


@pytest.mark.filterwarnings("ignore:.*use of forkpty.*:DeprecationWarning")
def test_the_command_reads_from_the_terminal_and_ctrl_c_is_for_it_alone(terminal: Callable[..., Terminal]) -> None:
    dev = terminal("dev", "shop:df", "--no-worker", "--", sys.executable, "-c", _DIALOGUE)
    dev.wait_for(b"first?")
    dev.type(b"one\n")
    dev.wait_for(b"heard one")
    dev.type(CTRL_C)
    dev.wait_for(b"second?")
    dev.type(b"two\n")
    assert dev.status() == 9, dev.said.decode()
    assert b"heard two" in dev.said


@pytest.mark.filterwarnings("ignore:.*use of forkpty.*:DeprecationWarning")
def test_ctrl_c_ends_a_command_that_does_not_mind_and_the_stack_with_it(terminal: Callable[..., Terminal]) -> None:
    dev = terminal("dev", "shop:df", "--no-worker", "--", "sh", "-c", "echo at work; exec sleep 600")
    dev.wait_for(b"at work")
    family = psutil.Process(dev.pid).children(recursive=True)
    dev.type(CTRL_C)
    assert dev.status() == 130, dev.said.decode()
    assert all_end(family, timeout=0.5)


@pytest.mark.filterwarnings("ignore:.*use of forkpty.*:DeprecationWarning")
def test_ctrl_c_without_a_command_is_the_ordinary_end(terminal: Callable[..., Terminal]) -> None:
    dev = terminal("dev", "shop:df", "--no-worker")
    dev.wait_for(b"ready")
    dev.type(CTRL_C)
    assert dev.status() == 0, dev.said.decode()
