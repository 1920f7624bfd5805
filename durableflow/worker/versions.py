"""Workflow versions of other deploys: compiled from what is stored, if that carries the signature of our key."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from durableflow.errors import DurableFlowError
from durableflow.language import Compiled, Named, Step
from durableflow.machine import compile_stored
from durableflow.store.versions import Version, load

if TYPE_CHECKING:
    from durableflow.worker.runtime import Runtime


def find(runtime: "Runtime", name: str, version: str) -> Named | str:
    """A version that is not this process' own: compiled from its stored source; or, in words, why that cannot be."""
    present = runtime.registry.present(name)
    if present is None:
        return f"no worker that has looked at this run defines {name}"
    key = runtime.settings.secret_key
    secret = None if key is None else key.get_secret_value()
    stored = runtime.connections.transact(lambda conn: load(conn, name, version, secret=secret))
    reason = _obstacle(stored, name, version, secret, present.function.__globals__)
    if reason is not None or stored is None:
        return reason or ""
    try:
        machine = compile_stored(stored.source, present.function.__globals__)
    except DurableFlowError as error:
        return f"the stored source of {name} version {version} cannot be compiled here: {error}"
    older = copy.copy(present)
    older.machine = machine
    runtime.registry.learn(older)
    return older


def _obstacle(
    stored: Version | None, name: str, version: str, secret: str | None, namespace: Mapping[str, Any]
) -> str | None:
    if stored is None:
        return f"no worker has {name} version {version}, and its source was never stored"
    if secret is None:
        return f"no worker has {name} version {version}; its stored source is run only where secret_key is configured"
    if not stored.signed:
        return f"no worker has {name} version {version}; its stored source is not signed with this secret_key"
    for called, signature in stored.steps.items():
        found = namespace.get(called)
        if not isinstance(found, Step | Compiled):
            return f"{name} version {version} needs {called}{signature}, which is not in this worker's code any more"
        if str(found.signature.full) != signature:
            return f"{name} version {version} needs {called}{signature}; here it is {called}{found.signature.full}"
    return None
