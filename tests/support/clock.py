"""The database's clock, in the test's hands: every statement of durableflow asks ``durableflow_core.now()``."""

from datetime import datetime, timedelta

import psycopg

_INSTALL = """
CREATE SCHEMA durableflow_test;
CREATE TABLE durableflow_test.clock (at timestamptz, ahead interval NOT NULL DEFAULT '0');
INSERT INTO durableflow_test.clock (at) VALUES (clock_timestamp());
CREATE OR REPLACE FUNCTION durableflow_core.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS 'SELECT coalesce(at, statement_timestamp() + ahead) FROM durableflow_test.clock';
"""


class Clock:
    """Replaces the clock of one database. It stands still, at the time of its making, until it is moved."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute(_INSTALL)

    def close(self) -> None:
        self._connection.close()

    def now(self) -> datetime:
        row = self._connection.execute("SELECT durableflow_core.now()").fetchone()
        assert row is not None
        return row[0]

    def set(self, at: datetime) -> datetime:
        """Stand still at this time."""
        self._connection.execute("UPDATE durableflow_test.clock SET at = %s", (at,))
        return at

    def advance(self, by: timedelta | float) -> datetime:
        """Go on by so much (seconds, or a timedelta); a clock that stands still stands still there."""
        delta = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._connection.execute("UPDATE durableflow_test.clock SET at = at + %s, ahead = ahead + %s", (delta, delta))
        return self.now()

    def flow(self) -> None:
        """Let time pass, from where the clock stands."""
        self._connection.execute(
            "UPDATE durableflow_test.clock SET ahead = coalesce(at - statement_timestamp(), ahead), at = NULL"
        )
