"""What follows from an error that came out of a step's body: a retry or the end, and what Celery is told.

Celery's own ways to end a task keep their meaning: ``retry()`` and ``autoretry_for`` (a Retry with the time that they
chose), ``Reject`` (the end, or with requeue=True once more), its soft time limit.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery.exceptions import Reject, Retry

from durableflow.errors import CorruptValue, StepRaised, StepTimedOut, ValueRefused
from durableflow.language.options import Options
from durableflow.language.results import described
from durableflow.worker.asking import NothingToSend

_LONGEST_WAIT = 365 * 86_400.0
"""Seconds. PostgreSQL has no interval for ``countdown=inf``, and a failure that cannot be recorded would come back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """error: what is recorded; delay: seconds until the next attempt, None where there is none; told: what is raised
    to Celery where there is none."""

    error: BaseException
    delay: float | None
    told: BaseException


def judge(error: BaseException, options: Options, failures: int, max_retries: int | None) -> Verdict:
    """Decide about an attempt that ended with ``error``.

    options: the step's, with those of this call in front; failures: how many attempts have failed, with this one;
    max_retries: how often the body may ask for a retry of its own accord, where no policy says so (None: any number).
    """
    if isinstance(error, Retry):
        cause = error.exc if isinstance(error.exc, BaseException) else StepRaised(f"it asked for a retry: {error}")
        # What ``retry()`` raises, it has judged; a Retry that somebody raised by hand, nobody has.
        granted = options.retry is None and isinstance(error.sig, NothingToSend)
        again = granted or _may_ask(options, failures, max_retries)
        return Verdict(cause, _seconds(error.when) if again else None, cause)
    if isinstance(error, Reject):
        cause = error.reason if isinstance(error.reason, BaseException) else StepRaised(f"rejected: {error.reason}")
        again = error.requeue and _may_ask(options, failures, max_retries)
        return Verdict(cause, options.policy.delay(failures, random.random) if again else None, error)
    if isinstance(error, ValueRefused) and not isinstance(error, CorruptValue):
        return Verdict(error, None, error)  # the next attempt's result would not have a stored form either
    if isinstance(error, SoftTimeLimitExceeded):
        limit = f" of {options.timeout:g} s" if options.timeout else ""
        error = StepTimedOut(f"the step ran longer than its time limit{limit}")
    elif not isinstance(error, Exception):
        error = StepRaised(described(error))
    delay = options.policy.delay(failures, random.random) if options.policy.retries(error, failures) else None
    return Verdict(error, delay, error)


def is_termination(error: BaseException) -> bool:
    """Whether this is how a pool child leaves when its parent ends it by a signal: the exit status is the signal's
    number minus 256. The step's own ``sys.exit(1)`` is a failure; this is none, and its parent knows of it."""
    return isinstance(error, SystemExit) and isinstance(error.code, int) and -256 < error.code < -128


def _may_ask(options: Options, failures: int, max_retries: int | None) -> bool:
    if options.retry is not None:
        return failures < options.retry.max_attempts
    return max_retries is None or failures <= max_retries


def _seconds(when: Any) -> float:
    """Celery's ``when``, a number of seconds or a time, as seconds from now; a wait without end lasts a year."""
    if isinstance(when, datetime):
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    else:
        seconds = when.total_seconds() if isinstance(when, timedelta) else float(when or 0)
    return min(max(0.0, seconds), _LONGEST_WAIT)
