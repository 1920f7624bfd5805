"""How Alembic runs durableflow's revisions: one transaction, one lock, a table of revisions of its own.

Used by both doors: ``durableflow.migrations.migrate()`` and the developers' ``alembic`` command (top-level
``alembic/``).
"""

from typing import Any

from sqlalchemy import Connection, text

from durableflow.store.schema import SCHEMA, VERSION_TABLE, metadata

# Any number that no other program is likely to lock.
LOCK_KEY = 0x38F6_42D1_0C5A_77E3


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """Keep autogenerate to durableflow's own tables: the database may be shared with the user's."""
    if kind == "schema":
        return name == SCHEMA
    return not (kind == "table" and name == VERSION_TABLE)


# The chain has its own table, in durableflow's own schema: a user's Alembic chain in the same database is another.
OPTIONS: dict[str, Any] = {
    "target_metadata": metadata,
    "version_table": VERSION_TABLE,
    "version_table_schema": SCHEMA,
    "include_schemas": True,
    "compare_type": True,
    "include_name": include_name,
    "compare_server_default": True,
}


def prepare(connection: Connection) -> None:
    """Take the lock that makes concurrent migrations wait for each other, and make a place for the table of revisions.

    The lock belongs to the transaction, not to the session: it also holds behind a pooler in transaction mode, and the
    one who waited sees what the first one committed.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
