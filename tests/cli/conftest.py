"""A directory with a small application in it, and commands that run there."""

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from durableflow.cli import main
from tests.support.processes import all_end, is_alive

SHOP = """
    import os
    import time
    from pathlib import Path

    from durableflow import DurableFlow

    df = DurableFlow("shop")

    @df.step
    def charge(order: str) -> str:
        return f"{order} paid"

    @df.step
    def slow(seconds: float) -> int:
        Path("slow.started").touch()
        time.sleep(seconds)
        return os.getpid()

    @df.workflow
    async def checkout(order: str, times: int = 1) -> str:
        for _ in range(times):
            receipt = await charge(order)
        return receipt

    @df.routine
    async def twice(order: str) -> str:
        return await charge(await charge(order))

    @df.workflow
    async def wait(seconds: float) -> int:
        return await slow(seconds)
"""

Durableflow = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project directory with ``shop.py``."""
    project = tmp_path / "project"
    project.mkdir()
    write(project / "shop.py", SHOP)
    return project


def write(path: Path, source: str) -> None:
    path.write_text(textwrap.dedent(source))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "durableflow", *arguments]


def environment() -> dict[str, str]:
    """The environment without any DURABLEFLOW_ variable of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DURABLEFLOW_")}


@pytest.fixture
def durableflow(shop: Path) -> Durableflow:
    """Run one command in the project to its end."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*arguments),
            cwd=shop,
            env=environment() | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    return run


@pytest.fixture
def inline(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Durableflow]:
    """Run one command in the project and in this process, which is quicker, where only its words are in question."""
    monkeypatch.chdir(shop)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    for name in list(os.environ):
        if name.startswith("DURABLEFLOW_"):
            monkeypatch.delenv(name)

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.setattr(sys, "argv", ["durableflow", *arguments])
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), said.out, said.err)

    yield run
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(shop)):
            del sys.modules[name]


class Background:
    """A command that goes on while the test looks at it."""

    def __init__(self, arguments: tuple[str, ...], project: Path) -> None:
        self._output = project.parent / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                command(*arguments),
                cwd=project,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seen: dict[int, psutil.Process] = {}

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_for(self, pattern: str, timeout: float = 60) -> "re.Match[str]":
        """Wait until the output holds this pattern."""
        deadline = time.monotonic() + timeout
        while (found := re.search(pattern, self.said)) is None:
            assert self.process.poll() is None, f"ended before it said {pattern!r}:\n{self.said}"
            assert time.monotonic() < deadline, f"did not say {pattern!r}:\n{self.said}"
            time.sleep(0.05)
        return found

    def family(self) -> list[psutil.Process]:
        """Every process that it has started and that is alive, remembered for :meth:`all_gone`."""
        if self.process.poll() is None:
            for member in psutil.Process(self.process.pid).children(recursive=True):
                self._seen[member.pid] = member
        return [member for member in self._seen.values() if is_alive(member)]

    def all_gone(self, timeout: float) -> bool:
        """Whether every process of :meth:`family` ends within ``timeout`` seconds. One that nobody has reaped has."""
        return all_end(self._seen.values(), timeout)

    def wait_for_file(self, path: Path, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while not path.exists():
            assert self.process.poll() is None, f"ended before there was a {path.name}:\n{self.said}"
            assert time.monotonic() < deadline, f"there is no {path.name}:\n{self.said}"
            time.sleep(0.05)

    def end(self) -> None:
        self.family()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for member in self._seen.values():
            if member.is_running():
                member.kill()


@pytest.fixture
def background(shop: Path) -> Iterator[Callable[..., Background]]:
    """Start one command in the project, and leave it running until the test ends."""
    started: list[Background] = []

    def start(*arguments: str) -> Background:
        started.append(Background(arguments, shop))
        return started[-1]

    yield start
    for each in started:
        each.end()
