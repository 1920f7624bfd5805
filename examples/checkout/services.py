"""The outside world, in one SQLite file: a payment provider, a warehouse, a carrier. None of it knows of durableflow.

Each operation takes an idempotency key and happens once for it, as Stripe's and others' do. That half of
"the customer pays once" is the provider's; the other half, one stable key for every attempt, is durableflow's.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS effect (
    key TEXT PRIMARY KEY, service TEXT NOT NULL, subject TEXT NOT NULL, amount INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS request (service TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, units INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS taken (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, sku TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS called_off (order_id TEXT PRIMARY KEY);
INSERT INTO stock SELECT * FROM (VALUES ('tea', 100), ('pot', 100), ('lamp', 0)) WHERE NOT EXISTS (SELECT 1 FROM stock);
"""


class World:
    """The services behind the shop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put_on_stock(self, sku: str, units: int) -> None:
        """Fill a shelf."""
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO stock VALUES (?, ?)", (sku, units))

    def perform(self, service: str, key: str, subject: str, amount: int) -> None:
        """Charge, refund or ship: the effect happens once a key, however often it is asked for."""
        with self._open() as database:
            database.execute("INSERT INTO request VALUES (?, ?)", (service, key))
            database.execute("INSERT OR IGNORE INTO effect VALUES (?, ?, ?, ?)", (key, service, subject, amount))

    def take_from_stock(self, key: str, order_id: str, sku: str) -> bool:
        """Take one unit off the shelf for an order. False: the shelf is empty, or the order was called off."""
        with self._open() as database:
            database.execute("INSERT INTO request VALUES ('stock', ?)", (key,))
            if database.execute("SELECT 1 FROM taken WHERE key = ?", (key,)).fetchone():
                return True
            if database.execute("SELECT 1 FROM called_off WHERE order_id = ?", (order_id,)).fetchone():
                return False
            taken = database.execute("UPDATE stock SET units = units - 1 WHERE sku = ? AND units > 0", (sku,))
            if taken.rowcount == 0:
                return False
            database.execute("INSERT INTO taken VALUES (?, ?, ?)", (key, order_id, sku))
            return True

    def call_off(self, order_id: str) -> None:
        """Put back what was taken for an order, and take nothing for it any more.

        The second half matters: when one reservation fails, its siblings may still be running.
        """
        with self._open() as database:
            database.execute("INSERT OR IGNORE INTO called_off VALUES (?)", (order_id,))
            database.execute(
                "UPDATE stock SET units = units + "
                "(SELECT count(*) FROM taken WHERE order_id = ? AND taken.sku = stock.sku)",
                (order_id,),
            )
            database.execute("DELETE FROM taken WHERE order_id = ?", (order_id,))

    def stock(self) -> dict[str, int]:
        """How many units are on each shelf."""
        with self._open() as database:
            return dict(database.execute("SELECT sku, units FROM stock ORDER BY 1"))

    def requests(self, service: str) -> int:
        """How often a service was asked: more often than there are effects, where an attempt was cut off."""
        with self._open() as database:
            (count,) = database.execute("SELECT count(*) FROM request WHERE service = ?", (service,)).fetchone()
            return int(count)

    def effects(self, service: str) -> list[tuple[str, int]]:
        """What really happened at one service: subject and amount."""
        with self._open() as database:
            return list(database.execute("SELECT subject, amount FROM effect WHERE service = ? ORDER BY 1", (service,)))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=30)
        try:
            database.executescript(_SCHEMA)
            with database:
                database.execute("BEGIN IMMEDIATE")
                yield database
        finally:
            database.close()
