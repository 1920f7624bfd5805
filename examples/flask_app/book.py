"""The address book, a SQLite file: one connection an application context, as Flask's tutorial has it."""

import sqlite3

from flask import Flask, current_app, g

_TABLES = """
CREATE TABLE IF NOT EXISTS person (name TEXT PRIMARY KEY, address TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (key TEXT PRIMARY KEY, address TEXT NOT NULL, text TEXT NOT NULL);
INSERT OR REPLACE INTO person VALUES ('ada', '12 St James Square'), ('grace', '8 Navy Yard');
"""


def book() -> sqlite3.Connection:
    """The connection of this request, or of this step."""
    if "book" not in g:
        g.book = sqlite3.connect(current_app.config["BOOK"])
    connection: sqlite3.Connection = g.book
    return connection


def _close(error: BaseException | None) -> None:
    connection = g.pop("book", None)
    if connection is not None:
        connection.close()


def init_app(app: Flask) -> None:
    """Make the book, and close each context's connection with it."""
    app.teardown_appcontext(_close)
    with app.app_context():
        book().executescript(_TABLES)
