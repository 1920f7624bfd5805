"""Every SQL block of the documentation runs on a database with runs in every state, and README's tells what it says."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durableflow import DurableFlow, approval, gather, sleep
from durableflow.config import Settings
from tests.docs.pages import PAGES, ROOT, blocks
from tests.worker.workers import Worker

df = DurableFlow("shop")


@df.step
def charge(cents: int) -> str:
    if cents < 0:
        raise PermissionError("a customer cannot be paid")
    return f"payment of {cents} cents"


@df.workflow
async def checkout(cents: int, packing_time: timedelta) -> str:
    payment = await charge(cents)
    await gather(charge(1), charge(2))
    await sleep(packing_time)
    return payment


@df.workflow
async def release() -> bool:
    return (await approval("release", bool)).form


@df.workflow
async def large_order() -> bool:
    return await release()


@pytest.fixture
def shop(
    database_url: str, broker_url: str, queue_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A shop in which order 42 is being packed, and somebody is asked to release another one; others are sold, have
    failed, are cancelled, were never looked at."""
    settings = {"database_url": database_url, "broker_url": broker_url, "queue": queue_name}
    monkeypatch.setattr(type(df), "publisher", property(lambda self: None))
    df.__dict__["settings"] = Settings.load(**settings)
    env = {f"DURABLEFLOW_{name.upper()}": value for name, value in settings.items()}
    worker = Worker(env, tmp_path / "worker.log", "-c", "2", command=("durableflow", "worker", f"{__name__}:df"))
    try:
        waiting = checkout(1900, timedelta(days=30)).start(key="order-42", labels={"customer": "c-7"})
        sold, failed = checkout(1900, timedelta(0)).start(), checkout(-1, timedelta(0)).start()
        checkout(1900, timedelta(0)).start().cancel()
        charge.options(queue="nobody")(3).start()
        release().start(key="order-43").send("remark", "please be quick")
        large_order().start()
        assert sold.result(timeout=60) == "payment of 1900 cents"
        with pytest.raises(Exception, match="cannot be paid"):
            failed.result(timeout=60)
        deadline = time.monotonic() + 60
        asked = "SELECT count(*) FROM durableflow.inbox"
        with psycopg.connect(database_url, autocommit=True) as connection:
            while "sleep" not in str(waiting.info()["waiting_for"]) or connection.execute(asked).fetchone() != (2,):
                assert time.monotonic() < deadline, waiting.info()
                time.sleep(0.05)
        yield
    finally:
        worker.close()
        print(worker.text())
        df.close()
        df.__dict__.pop("database", None)


def test_every_query_finds_something_and_readme_tells_where_the_run_is(shop: None, database_url: str) -> None:
    empty = []
    for page in PAGES:
        with _rolled_back(database_url) as connection:
            for block in blocks(page, "sql"):
                rows = _last_rows(connection, block.text, block.place)
                if rows == [] and "parked_reason IS NOT NULL" not in block.text:
                    empty.append(block.place)
                if page.name == "README.md" and page.parent == ROOT:
                    _check_readme(rows)
    assert empty == [], "these give no row"


def _check_readme(rows: list[Any] | None) -> None:
    assert rows is not None
    ((state, line, source_line, variables, waiting_for, since),) = rows
    source = Path(__file__).read_text().splitlines()
    assert (state, source_line) == ("running", "await sleep(packing_time)")
    assert source[line - 1].strip() == source_line
    assert variables == {"payment": "payment of 1900 cents"}
    assert re.fullmatch(r"sleep until \d{4}-\d\d-\d\dT.*Z", waiting_for)
    assert since is not None


@contextmanager
def _rolled_back(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


def _last_rows(connection: psycopg.Connection[Any], text: str, place: str) -> list[Any] | None:
    """The rows of the block's last statement; None where it gives none by its nature."""
    try:
        cursor = connection.cursor()
        cursor.execute(text.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else None
    except psycopg.Error as error:
        raise AssertionError(f"{place}: {error}") from error
