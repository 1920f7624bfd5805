"""Sending: what Celery's own options say of one task of a canvas, where a step's options have no word for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from durableflow.errors import CorruptValue


@dataclass(frozen=True, slots=True)
class Sending:
    """None everywhere means: not said.

    task_id: what ``request.id`` is, for every attempt; countdown: seconds from when it may run; eta: when it may run,
    in ISO 8601; expires: seconds from then, or a time in ISO 8601, after which it does not begin any more; soft, hard:
    time limits of one attempt in seconds; rank: the message's priority, as the broker counts; request: fields of the
    task's request (headers, stamps); chorded: it is the body of a chord, whose header begins with the step of this
    index: a failure before that one is not the header's.
    """

    task_id: str | None = None
    countdown: float | None = None
    eta: str | None = None
    expires: float | str | None = None
    soft: float | None = None
    hard: float | None = None
    rank: int | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    chorded: int | None = None

    def dump(self) -> dict[str, Any]:
        """What is said, as plain values."""
        said = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in said.items() if not (value is None or value == {})}

    @classmethod
    def load(cls, said: object) -> "Sending":
        """Read what ``dump`` gave. Raises CorruptValue."""
        if not isinstance(said, dict) or not said.keys() <= _NAMES:
            raise CorruptValue(f"not what Celery's options say of a task: {str(said)[:200]}")
        return cls(**said)


_NAMES = {f.name for f in fields(Sending)}
