"""The application of these tests, on a database of each test's own."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from durableflow import codec
from durableflow.client import Client
from durableflow.config import Settings
from tests.client import shop


def fresh(client: Client, **settings: Any) -> Client:
    """The client as it is before its first use, with these settings."""
    client.__dict__.pop("database", None)
    client.__dict__["settings"] = Settings.load(**settings)
    client._saved_versions.clear()
    return client


@pytest.fixture
def df(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.delenv("DURABLEFLOW_BROKER_URL", raising=False)
    client = fresh(shop.df, database_url=database_url)
    yield client
    client.database.close()


@pytest.fixture
def published(df: Client, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the client publishes; a test may have it fail."""
    messages: list[Any] = []

    def publish(some: Any) -> bool:
        messages.extend(some)
        return True

    monkeypatch.setattr(Client, "publisher", property(lambda self: publish))
    return messages


@pytest.fixture
def end(db: psycopg.Connection[Any]) -> Callable[..., None]:
    """End a run, as a worker would."""

    def end(run_id: UUID, *, output: Any = None, error: BaseException | None = None) -> None:
        text = codec.encode(output if error is None else error)
        db.execute(
            "UPDATE durableflow_core.run SET state = %s, output = %s, error = %s, finished_at = durableflow_core.now() "
            "WHERE id = %s",
            (
                "failed" if error else "succeeded",
                None if error else text.text,
                text.text if error else None,
                run_id,
            ),
        )
        for hash_, body in text.blobs.items():
            db.execute("INSERT INTO durableflow_core.value VALUES (%s, %s, %s)", (run_id, hash_, body))

    return end
