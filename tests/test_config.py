"""Settings come from the environment or from code; no message shows a password."""

import pytest

from durableflow.config import Settings, redact
from durableflow.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DURABLEFLOW_{name.upper()}", raising=False)


def test_code_wins_over_the_environment_and_none_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLEFLOW_QUEUE", "from-environment")
    monkeypatch.setenv("DURABLEFLOW_WINDOW", "7")
    settings = Settings.load(queue="from-code", window=None)
    assert (settings.queue, settings.window) == ("from-code", 7)


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLEFLOW_DATABASE_URL", "")
    assert Settings.load().database_url is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgres+psycopg"])
def test_every_spelling_of_postgresql_becomes_the_one_that_libpq_takes(scheme: str) -> None:
    assert Settings.load(database_url=f"{scheme}://h/d").database_url == "postgresql://h/d"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"database_url": "mysql://u:hunter2@h/d"}, "database_url must start with postgresql://"),
        ({"broker_url": "hunter2@h"}, "broker_url must start with the broker's scheme"),
        ({"window": 0}, "window Input should be greater than 0"),
        ({"no_such_setting": "hunter2"}, "no_such_setting Extra inputs are not permitted"),
    ],
)
def test_a_refused_value_is_named_but_not_shown(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as refused:
        Settings.load(**given)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__context__ is None


def test_what_is_missing_says_how_to_give_it() -> None:
    with pytest.raises(ConfigurationError, match="DURABLEFLOW_DATABASE_URL"):
        Settings.load().require_database()
    with pytest.raises(ConfigurationError, match="DURABLEFLOW_BROKER_URL"):
        Settings.load().require_broker()


def test_the_secret_key_is_not_in_the_representation() -> None:
    assert "hunter2" not in repr(Settings.load(secret_key="hunter2"))  # noqa: S106


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h:5/d", "postgresql://u:***@h:5/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:p@h1:1,h2:2/d?sslpassword=p&x=1", "postgresql://u:***@h1:1,h2:2/d?sslpassword=***&x=1"),
        ("postgresql:///d?host=/tmp&password=p", "postgresql:///d?host=/tmp&password=***"),
        ("postgresql://[::1]:5432/d", "postgresql://[::1]:5432/d"),
        ("redis://:p@h:1/0", "redis://:***@h:1/0"),
        ("redis://h:6379/0?x=a@b", "redis://h:6379/0?x=a@b"),
        ("amqp://a:b@c//;amqp://x:y@z//", "amqp://a:***@c//;amqp://x:***@z//"),
        ("memory://", "memory://"),
        ("no url at all", "no url at all"),
    ],
)
def test_redact_takes_out_the_password_and_nothing_else(url: str, shown: str) -> None:
    assert redact(url) == shown


@pytest.mark.parametrize("password", ["a/b", "a?b", "a#b", "a@b", "12/34", "a:b", "a;b"])
def test_redact_hides_a_password_with_separators_that_should_have_been_quoted(password: str) -> None:
    assert redact(f"postgresql://u:{password}@h/d") == "postgresql://u:***@h/d"
