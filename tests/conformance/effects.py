"""What tasks have done: a table that both engines' tasks write to, in a database of the test's own.

Every scenario has a *box* of its own, so that all of them can run at the same time.
"""

import os
from collections.abc import Iterable

import psycopg

URL = "CONFORMANCE_EFFECTS_URL"

_connections: dict[int, psycopg.Connection[tuple[str, str]]] = {}


def prepare() -> None:
    """Make the table."""
    _connection().execute("CREATE TABLE effect (id bigserial PRIMARY KEY, box text NOT NULL, what text NOT NULL)")


def record(box: str, what: str) -> None:
    """One more effect in this box."""
    _connection().execute("INSERT INTO effect (box, what) VALUES (%s, %s)", (box, what))


def recorded(boxes: Iterable[str]) -> dict[str, list[str]]:
    """What each of these boxes holds, in the order in which it was done."""
    found: dict[str, list[str]] = {box: [] for box in boxes}
    query = "SELECT box, what FROM effect WHERE box = ANY(%s) ORDER BY id"
    for box, what in _connection().execute(query, (list(found),)):
        found[box].append(what)
    return found


def _connection() -> "psycopg.Connection[tuple[str, str]]":
    """This process's own: a pool child must not use what it has inherited."""
    pid = os.getpid()
    if pid not in _connections:
        _connections[pid] = psycopg.connect(os.environ[URL], autocommit=True)
    return _connections[pid]
