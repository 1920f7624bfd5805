"""Every attempt has an application context of its own, on every pool, and it ends before the attempt's end counts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import current_app, g

from durableflow import DurableFlow
from durableflow.errors import RunFailed
from tests.contrib.flask import shop
from tests.support.engine import Engine
from tests.worker.workers import ROOT, Worker


def test_each_attempt_has_a_context_of_its_own_and_leaves_none_behind(df: DurableFlow, engine: Engine) -> None:
    shop.create_app(GREETING="hi")
    run = shop.greetings(["a", "b"]).start()
    engine.drive()
    assert run.result(timeout=0) == ["hi a", "hi b", "hi async a", "hi async b"]
    assert sorted(shop.ENDED) == [("a", None), ("async a", None), ("async b", None), ("b", None)]
    assert not current_app


def test_a_context_that_is_there_already_is_another_one(df: DurableFlow, engine: Engine) -> None:
    """As under `flask durableflow worker -P solo`, which runs in one itself."""
    with shop.create_app().app_context():
        g.order = "outer"
        run = shop.greet("inner").start()
        engine.drive()
        assert g.order == "outer"
    assert run.result(timeout=0) == "hello inner"
    assert shop.ENDED == [("inner", None), ("outer", None)]


def test_a_teardown_is_told_the_steps_error(df: DurableFlow, engine: Engine) -> None:
    shop.create_app()
    run = shop.refuse("a").start()
    engine.drive()
    with pytest.raises(RunFailed, match="ValueError"):
        run.result(timeout=0)
    ((order, error),) = shop.ENDED
    assert (order, repr(error)) == ("a", "ValueError('a')")


def test_a_teardown_that_fails_fails_the_attempt_before_it_is_recorded(df: DurableFlow, engine: Engine) -> None:
    """A commit in a teardown that the database refuses is no work that is done."""
    shop.create_app()
    shop.REFUSED.append(OSError("cannot commit"))
    run = shop.greet("a").start()
    engine.drive()
    assert run.result(timeout=0) == "hello a"
    assert len(shop.ENDED) == 2
    assert "cannot commit" in engine.one("SELECT error::text FROM durableflow.attempts WHERE outcome = 'failed'")


def test_of_several_applications_of_a_factory_the_last_one_counts(df: DurableFlow, engine: Engine) -> None:
    shop.create_app(GREETING="first")
    shop.create_app(GREETING="second")
    run = shop.greet("a").start()
    engine.drive()
    assert run.result(timeout=0) == "second a"
    assert len(shop.ENDED) == 1


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_steps_have_contexts_on_every_pool(
    pool: str, database_url: str, broker_url: str, queue_name: str, tmp_path: Path
) -> None:
    env = {
        "SHOP_DURABLEFLOW_DATABASE_URL": database_url,
        "SHOP_DURABLEFLOW_BROKER_URL": broker_url,
        "SHOP_DURABLEFLOW_QUEUE": queue_name,
        "GREETING": pool,
        "PAUSE": "0.05",
    }
    command = ("flask", "--app", "tests.contrib.flask.shop", "durableflow", "worker")
    if pool == "gevent":
        command = ("celery", "-A", "tests.contrib.flask.serving:celery", "worker")
    worker = Worker(env, tmp_path / "worker.log", "-P", pool, "-c", "4", command=command)
    try:
        done = _script(env)
    finally:
        print(worker.text())
        worker.close()
    assert done.stdout.split() == [pool] * 6, done.stderr


_START = """
from tests.contrib.flask.shop import create_app, greetings
create_app()
print(*(greeting.split()[0] for greeting in greetings(["a", "b", "c"]).start().result(timeout=60)))
"""


def _script(env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _START],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=90,
    )
