"""elect: which worker leads, as one short lease row.

Not an advisory lock: a frozen leader kept that. The lease only saves work; every duty is correct when two lead.
"""

from uuid import UUID

from durableflow.store.successor import Connection

_HOLD = """
INSERT INTO durableflow_core.leadership AS l (name, holder, expires_at)
VALUES (%(name)s, %(holder)s, durableflow_core.now() + make_interval(secs => %(seconds)s))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE l.holder = excluded.holder OR l.expires_at <= durableflow_core.now()
"""

_LEFT = """
SELECT greatest(extract(epoch FROM expires_at - durableflow_core.now()), 0)::float8
FROM durableflow_core.leadership WHERE name = %(name)s
"""

_RESIGN = """
UPDATE durableflow_core.leadership SET expires_at = durableflow_core.now()
WHERE name = %(name)s AND holder = %(holder)s AND expires_at > durableflow_core.now()
"""


def hold(conn: Connection, holder: UUID, *, seconds: float, name: str = "leader") -> bool:
    """Take the lease, or renew it, for ``seconds``. False: somebody else has it."""
    return conn.execute(_HOLD, {"name": name, "holder": holder, "seconds": seconds}).rowcount == 1


def seconds_left(conn: Connection, *, name: str = "leader") -> float:
    """How long the present lease still lasts; 0 where there is none. Reading it costs no write, unlike ``hold``."""
    row = conn.execute(_LEFT, {"name": name}).fetchone()
    return float(row[0]) if row is not None else 0.0


def resign(conn: Connection, holder: UUID, *, name: str = "leader") -> bool:
    """End the lease at once. False: it was not ours any more."""
    return conn.execute(_RESIGN, {"name": name, "holder": holder}).rowcount == 1
