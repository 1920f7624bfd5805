"""Settings of a Flask application, and `flask durableflow ...`."""

from typing import Any

import pytest
from celery import Celery
from flask import Flask

from durableflow import DurableFlow
from durableflow.contrib.flask import DurableFlowExtension
from durableflow.errors import ConfigurationError
from tests.contrib.flask import shop


def app_of(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.from_mapping({f"DURABLEFLOW_{name.upper()}": value for name, value in config.items()})
    return app


def test_the_constructor_wins_over_the_configuration_and_that_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("WINDOW", "MAX_LOSSES", "QUEUE"):
        monkeypatch.setenv(f"DURABLEFLOW_{name}", "7")
    df = DurableFlow("shop", settings={"window": 1, "retention": None})
    app = app_of(window=2, max_losses=2, retention=2.0, broker_url=None)
    DurableFlowExtension(df, app)
    assert (df.settings.window, df.settings.max_losses, df.settings.queue) == (1, 2, "7")
    assert df.settings.retention == 2.0
    assert app.extensions["durableflow"] is df


@pytest.mark.parametrize(
    ("config", "problem"),
    [({"database_url": "mysql://root:hunter2@db"}, "database_url must start with"), ({"typo": 1}, "DURABLEFLOW_TYPO")],
)
def test_a_setting_that_cannot_be_used_is_named_when_the_application_is_made(config: Any, problem: str) -> None:
    df = DurableFlow("shop")
    with pytest.raises(ConfigurationError, match=problem) as refused:
        DurableFlowExtension(df, app_of(**config))
    assert "hunter2" not in str(refused.value)
    DurableFlowExtension(df, app_of(window=3))
    assert df.settings.window == 3


def test_an_application_with_other_settings_gets_other_connections(database_url: str) -> None:
    df = DurableFlow("shop")
    extension = DurableFlowExtension(
        df, app_of(database_url="postgresql://127.0.0.1:1/nothing", broker_url="memory://")
    )
    first, broker = df.database, df.celery.conf.broker_url
    extension.init_app(app_of(database_url=database_url, broker_url="memory://other"))
    df.database.transact(lambda conn: conn.execute("SELECT 1"))
    assert df.database is not first
    assert (broker, df.celery.conf.broker_url) == ("memory://", "memory://other")
    again = df.database
    extension.init_app(app_of(database_url=database_url, broker_url="memory://other"))
    assert df.database is again
    df.close()


def test_making_an_application_reads_no_setting_of_an_adopted_app() -> None:
    """It may be configured later."""
    celery = Celery("theirs", set_as_current=False)
    df = DurableFlow(celery)
    DurableFlowExtension(df, app_of(window=3))
    assert not celery.configured
    celery.conf.task_default_queue = "theirs"
    assert (df.settings.queue, df.settings.window) == ("theirs", 3)


def test_the_command_line_knows_the_application(df: DurableFlow, database_url: str) -> None:
    app = shop.create_app(DURABLEFLOW_DATABASE_URL=database_url)
    flask = app.test_cli_runner()
    run_id = flask.invoke(args=["durableflow", "start", "greetings", "--input", '{"orders": ["a"]}']).output.strip()
    listed = flask.invoke(args=["durableflow", "runs", "list"])
    assert run_id in listed.output, listed
    graph = flask.invoke(args=["durableflow", "graph", "flaskshop.greetings"])
    assert graph.exit_code == 0, graph
    assert graph.output.startswith("greetings@")
    wrong = flask.invoke(args=["durableflow", "graph", "greeting"])
    assert wrong.exit_code == 2
    assert "did you mean greetings?" in wrong.stderr


def test_a_pool_of_greenlets_is_refused_where_flask_has_loaded_everything_already() -> None:
    for options in (["-P", "gevent"], ["-c", "2", "--pool=gevent"], ["-Pgevent"]):
        refused = shop.create_app().test_cli_runner().invoke(args=["durableflow", "worker", *options])
        assert refused.exit_code == 2
        assert "`celery -A module worker -P gevent`" in refused.stderr
