"""versions: the source of every workflow version that runs may be on, for workers of another deploy to finish them.

Source that comes out of the database is code, so it is run only under a signature made with the application's secret
key. Without a key nothing is signed, and nothing that is stored is ever run.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from durableflow.machine import StoredSource
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it is stored. source: what compiles it; steps: global name to the signature that the step behind it
    had; signed: whether it carries the signature of the key that it was loaded with."""

    source: StoredSource
    steps: Mapping[str, str]
    signed: bool


_SAVE = """
INSERT INTO durableflow_core.workflow_version
    (name, version, source, filename, first_line, flags, states, names, definition, signature)
VALUES (%(name)s, %(version)s, %(source)s, %(filename)s, %(first_line)s, %(flags)s, %(states)s::json, %(names)s::json,
        %(definition)s::json, %(signature)s)
ON CONFLICT (name, version) DO UPDATE SET signature = excluded.signature, definition = excluded.definition
    WHERE workflow_version.signature IS DISTINCT FROM excluded.signature AND excluded.signature IS NOT NULL
"""

_LOAD = """
SELECT definition::text, signature FROM durableflow_core.workflow_version
WHERE name = %(name)s AND version = %(version)s
"""


def save(
    conn: Connection, name: str, source: StoredSource, *, states: object, steps: Mapping[str, str], secret: str | None
) -> None:
    """Store a version, once; a key that was configured since signs it then.

    name: the workflow's registered name; states: the state table as JSON, for people; steps: see Version; secret: the
    application's key, or None, which leaves the version unsigned.
    """
    definition = _definition(source, steps)
    conn.execute(
        _SAVE,
        {
            "name": name,
            "version": source.version,
            "source": source.source,
            "filename": source.filename,
            "first_line": source.first_line,
            "flags": source.flags,
            "states": json.dumps(states),
            "names": json.dumps(sorted(steps)),
            "definition": definition,
            "signature": _sign(name, definition, secret) if secret else None,
        },
    )


def load(conn: Connection, name: str, version: str, *, secret: str | None) -> Version | None:
    """Read a version. None: it was never stored here."""
    row = conn.execute(_LOAD, {"name": name, "version": version}).fetchone()
    if row is None or row[0] is None:
        return None
    text, signature = str(row[0]), row[1]
    signed = bool(secret and signature) and hmac.compare_digest(_sign(name, text, secret or ""), str(signature))
    document: dict[str, Any] = json.loads(text)
    return Version(StoredSource(**document["source"]), document["steps"], signed)


def _definition(source: StoredSource, steps: Mapping[str, str]) -> str:
    return json.dumps({"source": asdict(source), "steps": dict(steps)}, sort_keys=True)


def _sign(name: str, definition: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"{name}\n{definition}".encode(), hashlib.sha256).hexdigest()
