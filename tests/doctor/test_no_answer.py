"""Servers that are not there, or that take a connection and never say a word."""

import socket
import time
from collections.abc import Iterator

import pytest

from durableflow.doctor import examine
from tests.doctor.conftest import NO_BROKER, NO_DATABASE, check, flow, titles


@pytest.fixture
def silent() -> Iterator[str]:
    """Host and port of a server that accepts, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_servers_that_are_not_there_are_dangers_and_everything_else_says_why_it_was_not_checked() -> None:
    examination = examine(flow(database=NO_DATABASE, broker=NO_BROKER))
    assert titles(examination["database"]) == ["danger: no database answers"]
    assert titles(examination["broker"]) == ["danger: no broker answers"]
    assert examination.dangerous
    assert "user:***@127.0.0.1:1/nothing" in examination["database"].findings[0].meaning
    assert "redis://:***@127.0.0.1:1/0" in examination["broker"].findings[0].meaning
    for name in ("schema", "pooler", "way-in", "connections", "workers", "queues", "unknown-tasks", "database-clock"):
        assert str(examination[name].not_made).startswith("no database answers at ")
    for name in ("redis-eviction", "redis-persistence", "visibility-timeout", "broker-clock"):
        assert str(examination[name].not_made).startswith("no broker answers at ")
    assert "hunter2" not in repr(examination)


@pytest.mark.parametrize("broker", ["redis://:hunter2@{}/0", "amqp://user:hunter2@{}//"])
def test_servers_that_never_answer_are_given_up_in_time(silent: str, broker: str) -> None:
    df = flow(database=f"postgresql://user:hunter2@{silent}/nothing", broker=broker.format(silent))
    began = time.monotonic()
    examination = examine(df, patience=1.0)
    assert time.monotonic() - began < 20  # two servers, each asked once
    for name in ("database", "broker"):
        assert [str(finding.severity) for finding in examination[name].findings] == ["danger"]
    assert "hunter2" not in repr(examination)


def test_a_password_that_is_wrongly_quoted_is_not_shown() -> None:
    for url in ("postgresql://user:hun/ter2@127.0.0.1:1/nothing", "postgresql://user:hun%ter2@127.0.0.1:1/nothing"):
        said = repr(check(flow(database=url), "database"))
        assert "no database answers" in said
        assert "ter2" not in said
