"""The public contract explains itself in SQL: every view, column and function has a comment."""

from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

VIEWS = {"runs", "steps", "attempts", "checkpoints", "dead_letters", "workers", "events", "inbox", "schedules", "ticks"}


def test_every_view_and_every_column_has_a_comment(db: Connection) -> None:
    rows = db.execute(
        """
        SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'durableflow'::regnamespace AND c.relkind = 'v'
        """
    ).fetchall()
    assert {view for view, *_ in rows} == VIEWS
    assert [
        (view, column) for view, column, about_column, about_view in rows if not (about_column and about_view)
    ] == []


def test_every_public_function_has_a_comment(db: Connection) -> None:
    rows = db.execute(
        "SELECT oid::regprocedure, obj_description(oid, 'pg_proc') FROM pg_proc"
        " WHERE pronamespace = 'durableflow'::regnamespace"
    ).fetchall()
    assert rows
    assert [name for name, comment in rows if not comment] == []


def test_the_public_schema_holds_nothing_but_views_and_functions(db: Connection) -> None:
    rows = db.execute(
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'durableflow'::regnamespace"
    ).fetchall()
    assert {kind for _, kind in rows} == {"v"}
