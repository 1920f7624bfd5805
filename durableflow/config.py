"""Settings: what a deployment may choose, read from ``DURABLEFLOW_*`` variables or given in code."""

import re
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from durableflow.errors import ConfigurationError

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://")
_FAILOVER = re.compile(r";(?=[a-zA-Z][a-zA-Z0-9+.-]*://)")  # Celery separates alternative brokers by semicolons
_SECRET_PARAMETER = re.compile(r"(?i)([?&](?:[a-z_]*password|[a-z_]*secret|token)=)[^&#;]*")
_POSTGRES = re.compile(r"^postgres(?:ql)?(?:\+psycopg)?://")
_PGMQ = "pgmq://"


class Settings(BaseSettings):
    """The settings of one application.

    Each field is read from the environment variable ``DURABLEFLOW_<FIELD>`` unless it is given in code, which wins.
    Use :meth:`load`, which turns bad values into a :class:`ConfigurationError` that names them.
    """

    model_config = SettingsConfigDict(env_prefix="DURABLEFLOW_", env_ignore_empty=True, extra="forbid", frozen=True)

    database_url: str | None = Field(None, description="PostgreSQL, as postgresql://user:password@host:port/name")
    broker_url: str | None = Field(
        None, description="Celery's broker, as redis://... or amqp://...; pgmq:// is the database itself"
    )
    secret_key: SecretStr | None = Field(None, description="Signs stored workflow source; the same on every worker")
    worker_timeout: float = Field(10.0, gt=0, description="Seconds of silence after which a worker counts as dead")
    max_value_bytes: int = Field(16 * 1024 * 1024, gt=0, description="Largest stored form of one value, in bytes")
    window: int = Field(1000, gt=0, description="Most messages of one queue that are in the broker at a time")
    session_locks: bool = Field(True, description="False behind PgBouncer in transaction mode: no session locks")
    queue: str = Field("durableflow", min_length=1, description="Celery queue of runs, and of steps that name none")
    max_losses: int = Field(3, ge=1, description="Times that one step may lose its worker before it fails")
    retention: float | None = Field(None, gt=0, description="Seconds that an ended run is kept; unset: for ever")
    max_turn_tries: int = Field(10, ge=1, description="Times that one stretch of workflow code may crash its worker")

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not _POSTGRES.match(url):
            raise ValueError("must start with postgresql://")
        return _POSTGRES.sub("postgresql://", url)  # the form that libpq and psycopg take

    @field_validator("broker_url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is not None and not _SCHEME.match(url):
            raise ValueError("must start with the broker's scheme, such as redis:// or amqp://")
        return url

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the environment, with ``given`` fields in front; a ``None`` counts as not given.

        Raises:
            ConfigurationError: a value is refused. The message names the field, not the value: it may hold a password.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as refused:
            problems = "; ".join(
                f"{'.'.join(map(str, error['loc'])) or 'settings'} {error['msg'].removeprefix('Value error, ')}"
                for error in refused.errors(include_input=False, include_context=False, include_url=False)
            )
        # Raised outside of the handler: a chained ValidationError would print the refused value.
        raise ConfigurationError(f"cannot use these settings (argument or DURABLEFLOW_* variable): {problems}")

    def require_database(self) -> str:
        """The database URL.

        Raises:
            ConfigurationError: there is none; the message says how to give one.
        """
        if self.database_url is None:
            raise ConfigurationError(
                "no database is configured: set DURABLEFLOW_DATABASE_URL=postgresql://user:password@host:port/name, "
                "pass database=..., or use `durableflow dev`, which starts one"
            )
        return self.database_url

    def require_broker(self) -> str:
        """The broker URL.

        Raises:
            ConfigurationError: there is none; the message says how to give one.
        """
        if self.broker_url is None:
            raise ConfigurationError(
                "no broker is configured: set DURABLEFLOW_BROKER_URL=redis://host:port/0 (or pgmq://, which is the "
                "database itself), pass broker=..., or use `durableflow dev`, which starts one"
            )
        return self.broker_url

    def broker_database(self, broker: str | None = None) -> str | None:
        """The URL of the database that is the broker, by way of pgmq. None: the broker is none.

        broker: the broker's URL, instead of that of the settings. ``pgmq://`` alone is the database of the runs.

        Raises:
            ConfigurationError: that is meant, and there is none.
        """
        url = broker if broker is not None else self.broker_url
        if url is None or not url.startswith(_PGMQ):
            return None
        address = url.removeprefix(_PGMQ)
        return f"postgresql://{address}" if address.strip("/") else self.require_database()


def redact(url: str) -> str:
    """The URL without its password, for messages and logs.

    Takes what libpq and Celery take: several hosts, alternative brokers separated by semicolons, passwords in query
    parameters, and passwords that hold unescaped separators (where it rather hides too much).
    """
    return ";".join(_redact_one(part) for part in _FAILOVER.split(url))


def secrets_in(url: str) -> list[str]:
    """The parameters of a URL's query that hold a secret."""
    return [found[0].partition("=")[2] for found in _SECRET_PARAMETER.finditer(url)]


def _redact_one(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    rest = _SECRET_PARAMETER.sub(r"\1***", rest)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    beyond = rest if not _is_hosts(authority) else re.split(r"[?#]", rest, maxsplit=1)[0]
    if "@" not in authority and ":" in authority and "@" in beyond:
        authority = rest[: rest.rindex("@") + 1]  # the password holds an unescaped separator
    credentials, at, hosts = authority.rpartition("@")
    user, colon, _password = credentials.partition(":")
    shown = f"{user}:***" if colon else user
    return f"{scheme}://{shown}{at}{hosts}{rest[len(authority) :]}"


def _is_hosts(authority: str) -> bool:
    return all(re.fullmatch(r"(\[[0-9a-fA-F:.%]*\]|[^:]*)(:\d*)?", host) for host in authority.split(","))
