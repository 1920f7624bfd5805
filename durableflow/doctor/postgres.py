"""Checks of the database: it answers, it has the tables, and it keeps what it has confirmed."""

from collections.abc import Callable, Iterator

from durableflow.doctor.finding import Finding, NotMade, danger, note, warning
from durableflow.doctor.patient import Patient
from durableflow.errors import ConfigurationError, SchemaMissing, SchemaNewer
from durableflow.migrations import check_schema

# What a session of ours begins with. `setting` would be what we have set ourselves to look at it.
_SETTINGS = "SELECT name, reset_val FROM pg_settings"

_TIMEOUTS = ("statement_timeout", "transaction_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
_SHORT = 5000
_VERY_SHORT = 1000


def database(patient: Patient) -> Iterator[Finding]:
    """The database answers."""
    patient.settings  # noqa: B018 - without settings there is no database to look for, and that is told elsewhere
    try:
        patient.rows("SELECT 1")
    except NotMade as why:
        yield danger(
            "no database answers",
            f"nothing can be started, and nothing goes on: {why}",
            "start PostgreSQL, or correct DURABLEFLOW_DATABASE_URL",
        )


def schema(patient: Patient) -> Iterator[Finding]:
    """The tables are those that this code needs."""
    try:
        patient.ask_database(check_schema)
    except SchemaNewer as error:
        yield danger(
            "the database is newer than this code",
            f"{error}. Clients and workers with this code refuse it",
            "upgrade durableflow here, or look at DURABLEFLOW_DATABASE_URL",
        )
    except ConfigurationError as error:
        missing = isinstance(error, SchemaMissing)
        yield danger(
            "the database is not migrated" if missing else "the database is older than this code",
            f"{error}. Clients and workers with this code refuse it",
            "durableflow migrate",
        )


def durability(patient: Patient) -> Iterator[Finding]:
    """What PostgreSQL confirms is on its disk."""
    settings = _settings(patient)
    if settings["fsync"] == "off":
        yield danger(
            "PostgreSQL does not sync its files: fsync is off",
            "a power cut or a crash of the machine may destroy the whole database, with every run in it",
            "fsync = on in postgresql.conf",
        )
    if settings["full_page_writes"] == "off":
        yield warning(
            "full_page_writes is off",
            "a crash of the machine may leave pages that are half written, unless the file system prevents that",
            "full_page_writes = on in postgresql.conf",
        )
    if settings["synchronous_commit"] == "off":
        yield danger(
            "PostgreSQL confirms commits before they are on its disk: synchronous_commit is off",
            "after a crash, steps whose outcome was recorded are executed again, and events and starts that were "
            "confirmed are gone",
            "synchronous_commit = on, for this role at least: ALTER ROLE ... SET synchronous_commit = on. Claims, "
            "which need no disk, turn it off by themselves",
        )


def primary(patient: Patient) -> Iterator[Finding]:
    """The server that answers takes writes."""
    recovering = patient.rows("SELECT pg_is_in_recovery()")[0][0]
    if recovering or _settings(patient)["default_transaction_read_only"] == "on":
        what = "is a standby" if recovering else "refuses writes: default_transaction_read_only is on"
        yield danger(
            f"the PostgreSQL that answers {what}",
            "nothing can be started or go on there",
            "let DURABLEFLOW_DATABASE_URL name the primary, for example with several hosts and "
            "target_session_attrs=read-write"
            if recovering
            else "ALTER ROLE ... RESET default_transaction_read_only",
        )


def isolation(patient: Patient) -> Iterator[Finding]:
    """Transactions see what was committed before each of their statements."""
    level = _settings(patient)["default_transaction_isolation"]
    if level not in ("read committed", "read uncommitted"):
        yield danger(
            f"default_transaction_isolation is {level}",
            "durableflow's statements wait for a row and then read it again, which only READ COMMITTED does: under "
            "load, transitions fail with serialization errors",
            "ALTER ROLE ... SET default_transaction_isolation = 'read committed', for the role that durableflow uses",
        )


def role_timeouts(patient: Patient) -> Iterator[Finding]:
    """No time limit of the role, the database or the server ends durableflow's transactions."""
    settings = _settings(patient)
    for name in _TIMEOUTS:
        limit = int(settings.get(name) or 0)  # milliseconds; transaction_timeout is there from PostgreSQL 17 on
        if 0 < limit < _SHORT:
            find: Callable[[str, str, str], Finding] = danger if limit < _VERY_SHORT else warning
            yield find(
                f"{name} is {limit} ms",
                "a checkpoint with large values, a wide fan-out, or a wait for a row on a busy server takes longer: "
                "the transition fails, is tried again, and fails again",
                f"ALTER ROLE ... SET {name} = 0, for the role that durableflow uses, or a value above "
                f"{_SHORT // 1000} s",
            )
    idle = int(settings.get("idle_session_timeout") or 0)
    if 0 < idle < 60_000:
        yield note(
            f"idle_session_timeout is {idle} ms",
            "connections of idle processes are closed, and opened again for the next step: that costs a moment "
            "each time",
            "ALTER ROLE ... SET idle_session_timeout = 0, for the role that durableflow uses",
        )


def _settings(patient: Patient) -> dict[str, str]:
    return dict(patient.rows(_SETTINGS))
