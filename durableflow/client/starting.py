"""From a call to a row: what ``call.start(...)`` checks, encodes and inserts."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from durableflow import codec
from durableflow.client.database import Connection, Database
from durableflow.client.inputs import fit
from durableflow.config import Settings
from durableflow.errors import InvalidInput
from durableflow.language import Call
from durableflow.language.ids import new_run_id
from durableflow.language.turn import begin
from durableflow.store.messages import advance_message
from durableflow.store.start import Execute, NewRun, Rows, Started, start

_LONGEST_KEY = 1000
"""Characters. A key is part of an index, whose entries PostgreSQL limits to 2.7 kB."""


def new_run(
    call: Call[Any],
    settings: Settings,
    *,
    key: str | None,
    labels: Mapping[str, str] | None,
    priority: int | None,
    deadline: datetime | timedelta | None,
) -> NewRun:
    """Everything that the run's rows will hold. Raises InvalidInput, NotStorable, ValueTooLarge."""
    definition = call.definition
    try:
        bound = definition.signature.bind(call.args, call.kwargs)
    except TypeError as refused:
        raise InvalidInput(f"{definition.name} cannot start with this input: {refused}") from None
    args, kwargs, arguments = fit(definition.name, definition.function, bound)
    limit = settings.max_value_bytes
    first = begin(definition, args, kwargs, use=call.use, limit=limit)
    return NewRun(
        id=new_run_id(),
        workflow=definition.name,
        version=definition.machine.version,
        key=_key(key),
        input=codec.encode(arguments, where="", limit=limit),
        input_digest=codec.digest(arguments),
        variables=first.variables,
        state=first.state,
        line=first.line,
        labels=_labels(labels),
        priority=_priority(priority),
        queue=definition.queue or settings.queue,
        deadline=_deadline(deadline),
    )


def insert(database: Database, new: NewRun, *, publishes: bool) -> Started:
    """Start the run on a connection of our own, once, also where the reply to the first try was lost."""

    def first(conn: Connection) -> Started:
        return start(executes(conn), new, publishes=publishes)

    def again(conn: Connection) -> Started:
        try:
            return first(conn)
        except UniqueViolation as taken:
            if taken.diag.constraint_name != "run_pkey":
                raise
            return Started(new.id, True, advance_message(new.id, new.queue, new.priority))

    return database.transact(first, again=again)


def executes(conn: Connection) -> Execute:
    """What runs statements on a connection of our own."""

    def execute(statement: str, parameters: Mapping[str, object]) -> Rows:
        return conn.execute(statement, parameters).fetchall()

    return execute


def _key(key: str | None) -> str | None:
    if key is None:
        return None
    if not isinstance(key, str) or not key or len(key) > _LONGEST_KEY:
        raise InvalidInput(f"key= is a text of 1 to {_LONGEST_KEY} characters, not {_shown(key)}")
    return checked_text("key", key)


def _labels(labels: Mapping[str, str] | None) -> str:
    for name, value in (labels or {}).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidInput(f"labels= maps text to text, not {_shown(name)} to {_shown(value)}")
        checked_text("labels", name)
        checked_text("labels", value)
    return json.dumps(dict(labels or {}), ensure_ascii=False)


def checked_text(option: str, text: str) -> str:
    """PostgreSQL's text takes no NUL, and its encoding no lone surrogate."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput(f"{option}= holds a character that PostgreSQL's text cannot: {_shown(text)}")
    return text


def _priority(priority: int | None) -> int:
    if priority is None:
        return 0
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 9:
        raise InvalidInput(f"priority= is a whole number from 0 to 9, not {_shown(priority)}")
    return priority


def _deadline(deadline: datetime | timedelta | None) -> datetime | timedelta | None:
    if isinstance(deadline, timedelta):
        try:
            datetime.now(UTC) + deadline  # whether there is such a time: which it is, the database says
        except OverflowError:
            raise InvalidInput(f"deadline= is too far away: {deadline}") from None
    elif isinstance(deadline, datetime):
        if deadline.tzinfo is None:
            raise InvalidInput(f"deadline= needs a time zone: {deadline.isoformat()}; for example tzinfo=UTC")
    elif deadline is not None:
        raise InvalidInput(f"deadline= is a datetime with a time zone, or a timedelta, not {_shown(deadline)}")
    return deadline


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def as_run_id(given: UUID | str) -> UUID:
    """Read an id as a person has it; raises InvalidInput where it is none."""
    if isinstance(given, UUID):
        return given
    try:
        return UUID(given)
    except (ValueError, AttributeError, TypeError):
        pass
    raise InvalidInput(f"{_shown(given)} is not the id of a run, which looks like 01890a5d-ac96-774b-bcce-b302099a8057")
