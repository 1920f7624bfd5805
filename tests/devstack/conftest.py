"""Servers that are stopped whatever a test does, and other processes that hold servers."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from durableflow.devstack import PostgresServer, ValkeyServer

Holder = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "state")
    yield server
    server.stop()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "state")
    yield server
    server.stop()


@pytest.fixture
def holder() -> Iterator[Holder]:
    """Start a Python process with this script and wait for its first line, which it prints when it is ready."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str, **options: object) -> "subprocess.Popen[str]":
        process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), *arguments], stdout=subprocess.PIPE, text=True, **options
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline(), "the process ended before it was ready"
        return process

    yield start
    for process in started:
        family = [psutil.Process(process.pid), *descendants(process.pid)] if process.poll() is None else []
        for member in family:
            member.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)
