"""Servers that a test may break: PostgreSQL and Valkey of its own, and what is said where there are none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from durableflow.devstack.server import Server
from durableflow.errors import DurableFlowError

AnyServer = TypeVar("AnyServer", bound=Server)


def unavailable(what: str, why: object) -> NoReturn:
    """A server cannot be had: the test is skipped, and fails in CI."""
    message = f"no {what}: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@contextmanager
def own(kind: type[AnyServer], directory: Path) -> Iterator[AnyServer]:
    """A server of this kind, which keeps its data in the directory."""
    server = kind(directory)
    try:
        server.start()
    except (DurableFlowError, ImportError) as why:
        unavailable(server.title, why)
    try:
        yield server
    finally:
        server.stop()
