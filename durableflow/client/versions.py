"""Have the source of a workflow in the database before there are runs of it."""

from dataclasses import asdict
from typing import Any

from durableflow.config import Settings
from durableflow.language import Compiled
from durableflow.store import versions
from durableflow.store.successor import Connection


def remember(conn: Connection, workflow: Compiled[..., Any], settings: Settings) -> None:
    """Store the version of a workflow or routine, unless it is there; signed, where there is a secret key."""
    secret = settings.secret_key
    versions.save(
        conn,
        workflow.name,
        workflow.machine.stored,
        states=[asdict(state) for state in workflow.machine.states],
        steps=workflow.signatures(),
        secret=secret.get_secret_value() if secret else None,
    )
