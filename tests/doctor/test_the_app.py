"""What the doctor says of an application's own settings."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import celery
import pytest

from durableflow import DurableFlow
from durableflow.doctor.checks import CHECKS
from durableflow.doctor.examination import _made
from durableflow.doctor.patient import Patient
from tests.doctor.conftest import celery_app, check, flow, titles

SHORT = "hunter2"


def nothing() -> None: ...


def test_an_application_of_durableflows_own_has_nothing_wrong_with_its_settings() -> None:
    df = flow()
    for name in (
        "settings",
        "imports",
        "celery",
        "secret-key",
        "accept-content",
        "eager",
        "prefetch",
        "result-backend",
    ):
        assert check(df, name).state == "fine"
    assert check(df, "transport").state == "does not apply"


def test_settings_that_cannot_be_used_are_named_and_all_that_needs_them_is_not_made() -> None:
    df = flow(window=-1)
    assert titles(check(df, "settings")) == ["danger: durableflow's settings cannot be used"]
    assert "window" in check(df, "settings").findings[0].meaning
    for name in ("secret-key", "database", "schema", "queues"):
        assert check(df, name).not_made == "the settings cannot be read"
    assert titles(check(DurableFlow("shop", broker="memory://"), "settings")) == [
        "danger: durableflow's settings cannot be used"
    ]


def test_a_celery_configuration_that_cannot_be_read_is_a_danger() -> None:
    app = celery_app()
    app.config_from_object("there.is.no.such.module")
    df = flow(app)
    checked = check(df, "settings")
    assert [finding.title for finding in checked.findings] == ["the settings of the Celery app cannot be read"]
    assert "No module named 'there'" in checked.findings[0].meaning
    assert check(df, "prefetch").state == check(df, "secret-key").state == "not made"


def test_a_module_that_workers_cannot_import_is_a_danger() -> None:
    df = flow(celery_app(include=["no_such_module_of_tasks"]))
    (finding,) = check(df, "imports").findings
    assert finding.title == "what the workers import cannot be imported"
    assert "no_such_module_of_tasks" in finding.meaning


def test_the_release_of_celery_that_ends_with_its_broker_is_a_danger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery, "__version__", "5.7.0")
    assert titles(check(flow(), "celery")) == ["danger: Celery 5.7.0 is installed"]


def test_no_secret_key_is_a_danger_and_a_short_one_a_warning() -> None:
    assert titles(check(flow(secret_key=None), "secret-key")) == ["danger: there is no secret key"]
    assert titles(check(flow(secret_key=SHORT), "secret-key")) == ["warning: the secret key is short"]
    assert SHORT not in repr(check(flow(secret_key=SHORT), "secret-key"))


@pytest.mark.parametrize(
    ("name", "chosen", "found"),
    [
        ("accept-content", {"accept_content": ["yaml"]}, "danger: the Celery app does not accept JSON"),
        ("accept-content", {"accept_content": ["json", "pickle"]}, "warning: the Celery app accepts pickle"),
        ("eager", {"task_always_eager": True}, "danger: task_always_eager is on"),
        ("prefetch", {"worker_prefetch_multiplier": 4}, "warning: worker_prefetch_multiplier is 4"),
        ("prefetch", {"worker_prefetch_multiplier": 0}, "warning: worker_prefetch_multiplier is 0"),
        ("result-backend", {"result_backend": "rpc://"}, "note: there is a result backend"),
        (
            "transport",
            {"broker": "redis://nowhere", "broker_transport": "redis"},
            "warning: messages travel by kombu's own Redis transport",
        ),
        (
            "transport",
            {"broker": ["redis://nowhere", "redis://elsewhere"]},
            "warning: messages travel by kombu's own Redis transport",
        ),
        ("broker", {"broker": "memory://"}, "danger: the broker is kombu's memory transport"),
    ],
)
def test_what_an_adopted_app_has_chosen_is_left_and_told(name: str, chosen: dict[str, Any], found: str) -> None:
    app = celery_app(**chosen)
    df = flow(app)
    assert titles(check(df, name)) == [found]
    for setting, value in chosen.items():
        assert app.conf["broker_url" if setting == "broker" else setting] == value


def test_an_adopted_app_that_has_chosen_nothing_is_fine() -> None:
    df = flow(celery_app(broker="redis://nowhere"))
    for name in ("accept-content", "eager", "prefetch", "transport"):
        assert check(df, name).state == "fine"


Look = Callable[..., list[str]]


@pytest.fixture
def on_redis(monkeypatch: pytest.MonkeyPatch) -> Look:
    """The check of the visibility timeout, of an app with these tasks; held: messages that workers hold."""

    def look(name: str, kind: str, app: Any, held: list[dict[str, Any]] = []) -> list[str]:  # noqa: B006
        patient = Patient(flow(app))
        patient.__dict__["broker_kind"] = kind
        found = {str(n): json.dumps([{"headers": headers}, "", ""]) for n, headers in enumerate(held)}
        monkeypatch.setattr(patient, "ask_redis", lambda ask: (0, found))
        return titles(_made(next(one for one in CHECKS if one.name == name), patient))

    return look


def test_tasks_that_outlast_the_visibility_timeout_are_a_danger_and_durable_ones_are_not(on_redis: Look) -> None:
    app = celery_app(
        broker_transport_options={"visibility_timeout": 300},
        beat_schedule={"nightly": {"task": "quick", "schedule": 60, "options": {"countdown": 400}}},
    )
    app.task(name="quick", shared=False)(nothing)
    assert on_redis("visibility-timeout", "redis", app) == [
        "danger: scheduled tasks wait longer than the visibility timeout of 300 s"
    ]
    app.conf.beat_schedule = {}
    assert on_redis("visibility-timeout", "redis", app) == []

    app.task(name="early", shared=False, time_limit=301)(nothing)  # acknowledged before it runs
    assert on_redis("visibility-timeout", "redis", app) == []
    app.task(name="late", shared=False, acks_late=True, time_limit=301)(nothing)
    app.task(name="again", shared=False, autoretry_for=(OSError,), retry_backoff=True)(nothing)
    app.task(name="endless", shared=False, acks_late=True)(nothing)
    assert on_redis("visibility-timeout", "redis", app) == [
        "danger: tasks may run longer than the visibility timeout of 300 s",
        "danger: retries wait longer than the visibility timeout of 300 s",
        "warning: tasks with acks_late have no time limit",
    ]
    app.conf.broker_transport_options = {"visibility_timeout": 86_400}
    app.conf.task_time_limit = 3600
    assert on_redis("visibility-timeout", "redis", app) == []

    df = flow(app)
    df.step(name="durable", timeout=100_000)(nothing)
    assert on_redis("visibility-timeout", "redis", app) == []


def test_messages_with_an_eta_beyond_the_visibility_timeout_are_a_danger(on_redis: Look) -> None:
    now = datetime.datetime.now(datetime.UTC)
    held = [
        {"task": "soon", "eta": (now + datetime.timedelta(minutes=50)).isoformat()},
        {"task": "tomorrow", "eta": (now + datetime.timedelta(days=1)).isoformat()},
        {"task": "naive", "eta": (now + datetime.timedelta(days=1)).replace(tzinfo=None).isoformat()},
        {"task": "plain", "eta": None},
        {},
    ]
    title = "messages wait for a time that is further away than the visibility timeout of 3600 s"
    assert on_redis("visibility-timeout", "redis", celery_app(), held) == [f"danger: {title}"]
    assert on_redis("visibility-timeout", "redis", celery_app(), held[:1]) == []


def test_on_rabbitmq_its_consumer_timeout_is_what_counts(on_redis: Look) -> None:
    app = celery_app()
    app.task(name="late", shared=False, acks_late=True, time_limit=1801)(nothing)
    assert on_redis("consumer-timeout", "amqp", app) == [
        "warning: tasks may run longer than RabbitMQ's consumer timeout, 1800 s unless it is configured otherwise"
    ]
    for name in ("visibility-timeout", "consumer-timeout"):
        assert check(flow(), name).state == "does not apply"
