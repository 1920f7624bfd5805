"""From ``run.send(...)`` to a row: what is checked, encoded and inserted."""

import ast
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any
from uuid import UUID

from durableflow import codec
from durableflow.client.starting import checked_text
from durableflow.errors import InvalidEvent, InvalidInput, RunEnded, RunNotFound
from durableflow.language import Compiled, Registry, Routine, approval, receive
from durableflow.language.receiving import check_name, validate
from durableflow.store.event import Sent, send
from durableflow.store.start import Execute

_LONGEST_ID = 1000
"""Characters: an event's id is part of an index."""

_WORKFLOW = "SELECT workflow FROM durableflow_core.run WHERE id = %(run_id)s::uuid"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that was found fit to be sent."""

    registry: Registry
    run_id: UUID
    name: str
    payload: Any
    stored: codec.Encoded
    event_id: str | None
    sent_by: str | None

    def send(self, execute: Execute, *, publishes: bool) -> Sent:
        """Insert it. Raises RunNotFound, RunEnded, InvalidEvent."""
        self._check(execute)
        sent = send(
            execute,
            self.run_id,
            self.name,
            self.stored,
            event_id=self.event_id,
            sent_by=self.sent_by,
            publishes=publishes,
        )
        if sent == "unknown":
            raise RunNotFound(f"there is no run {self.run_id}: its id is wrong, it was pruned, or it is not committed")
        if sent == "ended":
            raise RunEnded(f"run {self.run_id} has ended, and receives no event {self.name!r} any more")
        return sent

    def _check(self, execute: Execute) -> None:
        """Where this process knows the workflow, the sender hears at once what the run would set aside."""
        rows = execute(_WORKFLOW, {"run_id": str(self.run_id)})
        workflow = self.registry.present(str(rows[0][0])) if rows else None
        if workflow is not None:
            fit_one(workflow, self.name, self.payload)


def new_event(
    registry: Registry,
    run_id: UUID,
    name: str,
    payload: Any,
    event_id: str | None,
    sent_by: str | None,
    limit: int | None,
) -> NewEvent:
    """Check and encode an event. Raises InvalidEvent, InvalidInput, NotStorable, ValueTooLarge."""
    try:
        check_name("send", name)
    except (TypeError, ValueError) as refused:
        raise InvalidEvent(str(refused)) from None
    for option, given in (("id", event_id), ("by", sent_by)):
        if given is not None:
            if not isinstance(given, str) or not given or len(given) > _LONGEST_ID:
                raise InvalidInput(f"{option}= is a text of 1 to {_LONGEST_ID} characters")
            checked_text(option, given)
    stored = codec.encode(payload, where=f"event {name}", limit=limit)
    return NewEvent(registry, run_id, name, payload, stored, event_id, sent_by)


def fit_one(workflow: Compiled[..., Any], name: str, payload: Any) -> None:
    """Raise InvalidEvent where the payload is none of what the workflow may wait for under this name."""
    refused: InvalidEvent | None = None
    for kind in expected(workflow).get(name, ()):
        try:
            validate(name, kind, payload)
        except InvalidEvent as misfit:
            refused = misfit
        else:
            return
    if refused is not None:
        raise refused


@lru_cache(maxsize=256)
def expected(workflow: Compiled[..., Any]) -> dict[str, tuple[Any, ...]]:
    """What the source of a workflow, and of the routines that it names, says of the events that it receives: the types,
    by name. Only calls count whose name is a literal and whose type is a global; of the others nothing is known before
    they wait."""
    found: dict[str, tuple[Any, ...]] = {}
    unknown: set[str] = set()
    sources = [workflow]
    for source in sources:
        read = _Reader(source)
        for node in ast.walk(ast.parse(_dedented(source.machine.stored.source))):
            named = read.value(node)
            if isinstance(named, Routine) and not any(named is known for known in sources):
                sources.append(named)
            if not isinstance(node, ast.Call) or all(read.value(node.func) is not each for each in (receive, approval)):
                continue
            if not node.args or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
                return {}  # it may receive anything
            name = node.args[0].value
            kind = read.value(node.args[1]) if len(node.args) > 1 else Any
            if kind is _UNKNOWN:
                unknown.add(name)
            else:
                found[name] = (*found.get(name, ()), kind)
    return {name: kinds for name, kinds in found.items() if name not in unknown}


_UNKNOWN = object()


class _Reader:
    """Says what the dotted global names in a function's source stand for."""

    def __init__(self, source: Compiled[..., Any]) -> None:
        code = source.function.__code__
        self._local = {*code.co_varnames, *code.co_cellvars}
        self._namespace: dict[str, Any] = source.function.__globals__

    def value(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Name):
            return _UNKNOWN if node.id in self._local else self._namespace.get(node.id, _UNKNOWN)
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)  # of others, an attribute may be anybody's code
            return vars(owner).get(node.attr, _UNKNOWN) if isinstance(owner, ModuleType | type) else _UNKNOWN
        return _UNKNOWN


def _dedented(source: str) -> str:
    return f"if 1:\n{source}" if source[:1] in (" ", "\t") else source
