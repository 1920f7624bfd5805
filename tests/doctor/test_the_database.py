"""What the doctor says of the database: of its settings, its sessions, its room, its clock."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from durableflow.devstack.postgres import PostgresServer
from durableflow.errors import DevStackError
from durableflow.migrations import migrate
from tests.doctor.conftest import check, flow, titles
from tests.doctor.pooler import pooler
from tests.support.clock import Clock

OF_POSTGRES = ("database", "primary", "durability", "isolation", "role-timeouts", "pooler", "way-in", "connections")

Role = tuple[str, Callable[[str], None]]


def test_a_migrated_database_has_nothing_wrong_with_it(database_url: str) -> None:
    df = flow(database=database_url)
    for name in (*OF_POSTGRES, "schema", "database-clock", "seen-in-the-future", "parked", "dead-letters"):
        assert check(df, name).state == "fine", check(df, name)


def test_a_database_that_is_not_migrated_is_a_danger_and_what_needs_tables_is_not_made(empty_database_url: str) -> None:
    df = flow(database=empty_database_url)
    checked = check(df, "schema")
    assert titles(checked) == ["danger: the database is not migrated"]
    assert checked.findings[0].mending == "durableflow migrate"
    assert check(df, "queues").not_made == "the database does not have the schema that this code needs"
    assert check(df, "database-clock").state == check(df, "pooler").state == "fine"

    migrate(empty_database_url, "0001")
    assert titles(check(df, "schema")) == ["danger: the database is older than this code"]
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("UPDATE durableflow_core.schema_revision SET version_num = '9999'")
    assert titles(check(df, "schema")) == ["danger: the database is newer than this code"]
    assert check(df, "unknown-tasks").state == "not made"


def test_settings_of_the_role_that_endanger_transactions_are_told(role: Role) -> None:
    url, alter = role
    df = flow(database=url)
    assert check(df, "role-timeouts").state == "fine"
    alter("SET statement_timeout = '200ms'")
    alter("SET idle_in_transaction_session_timeout = '3s'")
    alter("SET idle_session_timeout = '20s'")
    assert titles(check(df, "role-timeouts")) == [
        "danger: statement_timeout is 200 ms",
        "warning: idle_in_transaction_session_timeout is 3000 ms",
        "note: idle_session_timeout is 20000 ms",
    ]
    alter("RESET ALL")
    alter("SET synchronous_commit = off")
    alter("SET default_transaction_isolation = 'repeatable read'")
    alter("SET default_transaction_read_only = on")
    assert titles(check(df, "durability")) == [
        "danger: PostgreSQL confirms commits before they are on its disk: synchronous_commit is off"
    ]
    assert titles(check(df, "isolation")) == ["danger: default_transaction_isolation is repeatable read"]
    assert titles(check(df, "primary")) == [
        "danger: the PostgreSQL that answers refuses writes: default_transaction_read_only is on"
    ]


def test_a_limit_of_the_roles_connections_counts(role: Role) -> None:
    url, alter = role
    df = flow(database=url)
    df.celery.conf.worker_concurrency = 8
    alter("CONNECTION LIMIT 9")  # one worker needs ten
    (finding,) = check(df, "connections").findings
    assert finding.title == "the workers need more connections than PostgreSQL has: 10 of 9"
    alter("CONNECTION LIMIT 12")
    (finding,) = check(df, "connections").findings
    assert finding.severity == "warning"
    assert finding.title.startswith("a deploy that starts new workers beside the old ones")
    alter("CONNECTION LIMIT 20")
    assert check(df, "connections").state == "fine"


def test_a_role_that_may_not_read_the_tables_is_told_what_could_not_be_checked(role: Role, database_url: str) -> None:
    url, _ = role
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"REVOKE SELECT ON durableflow_core.worker FROM {url.split('//')[1].split(':')[0]}".encode())
    checked = check(flow(database=url), "workers")
    assert checked.state == "not made"
    assert "InsufficientPrivilege: permission denied for table worker" in str(checked.not_made)


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that promises what it does not keep, and has few connections."""
    settings = {
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": "12",
        "superuser_reserved_connections": "2",
    }
    try:
        with PostgresServer(tmp_path_factory.mktemp("careless"), settings=settings) as server:
            migrate(server.url)
            yield server.url
    except DevStackError as why:
        pytest.skip(str(why))


def test_a_server_that_does_not_sync_is_a_danger(careless: str) -> None:
    assert titles(check(flow(database=careless), "durability")) == [
        "danger: PostgreSQL does not sync its files: fsync is off",
        "warning: full_page_writes is off",
    ]


def test_a_server_whose_connections_are_in_use_is_a_danger(careless: str) -> None:
    df = flow(database=careless)
    df.celery.conf.worker_concurrency = 2
    assert check(df, "connections").state == "fine"
    others = [psycopg.connect(careless) for _ in range(5)]
    try:
        assert [title.split(": ")[0] for title in titles(check(df, "connections"))] == ["warning"]
        others += [psycopg.connect(careless) for _ in range(4)]
        assert titles(check(df, "connections")) == ["danger: 9 of 10 connections to PostgreSQL are in use"]
    finally:
        for other in others:
            other.close()


@pytest.mark.parametrize(
    ("lends", "session_locks", "found"),
    [
        (True, True, "danger: PgBouncer, or another pooler, is in transaction mode"),
        (True, False, None),
        (False, True, "warning: a pooler is in between, which seems to keep sessions"),
        (False, False, "note: session locks are off, and the pooler seems to keep sessions"),
    ],
)
def test_a_pooler_and_its_mode_are_seen(database_url: str, lends: bool, session_locks: bool, found: str | None) -> None:
    with pooler(database_url, lends=lends) as url:
        df = flow(database=url, session_locks=session_locks)
        assert titles(check(df, "pooler")) == ([found] if found else [])
        refused = titles(check(df, "way-in"))
        assert refused == (["danger: workers cannot connect to the database"] if session_locks else [])
        assert check(df, "schema").state == "fine"


def test_session_locks_that_are_off_without_need_are_noted(database_url: str) -> None:
    df = flow(database=database_url, session_locks=False)
    assert titles(check(df, "pooler")) == ["note: session locks are off, and no pooler is in between"]


def test_a_clock_that_differs_from_the_databases_is_told(database_url: str, clock: Clock) -> None:
    df = flow(database=database_url)
    clock.flow()
    assert check(df, "database-clock").state == "fine"
    clock.advance(20)
    (finding,) = check(df, "database-clock").findings
    assert (finding.severity, finding.title.endswith(" ahead of that of this machine")) == ("warning", True)
    clock.advance(-120)
    (finding,) = check(df, "database-clock").findings
    assert (finding.severity, finding.title.endswith(" behind that of this machine")) == ("danger", True)
