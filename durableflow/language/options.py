"""The options of a step: those of its definition, and those that one call of it overrides."""

from dataclasses import dataclass, fields
from datetime import timedelta

from durableflow import codec
from durableflow.errors import CorruptValue
from durableflow.language.sending import Sending
from durableflow.retry import NEVER, Retry

Seconds = float | int | timedelta

GRACE = 10.0
"""Seconds between the soft time limit, which the body may handle, and the hard one, which kills its process."""


@dataclass(frozen=True, slots=True)
class Options:
    """None everywhere means: as the definition, or the settings, have it.

    queue: the Celery queue; retry: the policy; timeout: seconds that one attempt may take; priority: 0 to 9; sending:
    of a task of a canvas, what else Celery's options say.
    """

    queue: str | None = None
    retry: Retry | None = None
    timeout: float | None = None
    priority: int | None = None
    sending: Sending | None = None

    def over(self, other: "Options") -> "Options":
        """These options, and ``other``'s where these are None."""
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        return Options(**{name: getattr(other, name) if value is None else value for name, value in mine.items()})

    @property
    def policy(self) -> Retry:
        """The retry policy; a step that names none is not retried."""
        return self.retry or NEVER

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The soft and the hard time limit of one attempt, in seconds."""
        said = self.sending
        if said is not None and (said.soft is not None or said.hard is not None):
            return said.soft, said.hard
        return self.timeout, None if self.timeout is None else self.timeout + GRACE


NONE = Options()


def options(
    queue: str | None = None,
    retry: Retry | None = None,
    timeout: Seconds | None = None,
    priority: int | None = None,
) -> Options:
    """Check options as an author gives them; raises ValueError or TypeError, naming the option."""
    if queue is not None and not (isinstance(queue, str) and queue):
        raise ValueError(f"queue is the name of a Celery queue, not {queue!r}")
    if retry is not None and not isinstance(retry, Retry):
        raise TypeError(f"retry is a Retry(...), not {retry!r}")
    if priority is not None and priority not in range(10):
        raise ValueError(f"priority is between 0 and 9, not {priority!r}")
    return Options(queue, retry, None if timeout is None else limit_seconds(timeout), priority)


def limit_seconds(timeout: Seconds) -> float:
    """A time limit in seconds; raises ValueError where it is not positive."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not 0.0 < seconds < float("inf"):
        raise ValueError(f"timeout is a positive number of seconds or a timedelta, not {timeout!r}")
    return seconds


def dump(use: Options, limit: int | None = None) -> str:
    """The stored form of one call's own options (``step.options``) that are not columns. limit: of the gather that it
    is part of."""
    if use.retry is None and use.timeout is None and limit is None and use.sending is None:
        return "{}"
    sending = None if use.sending is None else use.sending.dump() or None
    given = {"retry": use.retry, "timeout": use.timeout, "limit": limit, "sending": sending}
    return codec.encode({name: value for name, value in given.items() if value is not None}, where="options").text


def load(text: str | None) -> Options:
    """Read what ``dump`` wrote. Raises CorruptValue."""
    if text is None or text == "{}":
        return NONE
    stored = codec.decode(text)
    if not isinstance(stored, dict) or not stored.keys() <= {"retry", "timeout", "limit", "sending"}:
        raise CorruptValue(f"not the options of a step: {text[:200]}")
    sending = stored.get("sending")
    return Options(
        retry=stored.get("retry"),
        timeout=stored.get("timeout"),
        sending=None if sending is None else Sending.load(sending),
    )
