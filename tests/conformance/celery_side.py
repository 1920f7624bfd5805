"""Celery's side: ``python -m tests.conformance.celery_side REPORT [NAME...]``.

In the environment: DURABLEFLOW_BROKER_URL, CONFORMANCE_BACKEND_URL, CONFORMANCE_QUEUE, CONFORMANCE_EFFECTS_URL, as its
worker has them.
"""

from typing import Any

from celery import VERSION

from tests.conformance.deviations import deviation
from tests.conformance.playing import main
from tests.conformance.scenario import Case, Outcome, Satisfies, Seen, plain


class CelerySide:
    """``apply_async`` and the result backend."""

    name = "celery"
    effects_are_there = False  # nobody waits for callbacks

    def start(self, case: Case, key: str) -> Any:
        try:
            return case.canvas.apply_async(case.args, dict(case.kwargs), **case.options)
        except Exception as error:
            return error

    def ended(self, started: Any) -> bool:
        return isinstance(started, Exception) or bool(started.ready())

    def collect(self, started: Any) -> Seen:
        if isinstance(started, Exception):
            return Seen(error=started)
        # Not propagated: then the error is the one of this result, and not the one of whatever was before it.
        value = started.get(timeout=20, propagate=False)
        error = _first_error(value)
        return Seen(value=value) if error is None else Seen(error=error)

    def expected(self, name: str, case: Case) -> Outcome:
        deviating = deviation(name, VERSION[:2])
        outcome = case.outcome if deviating is None else deviating.outcome
        if outcome.errors or isinstance(outcome.value, Satisfies):
            return outcome
        return Outcome(value=plain(outcome.value), effects=outcome.effects, ends=outcome.ends)


def _first_error(value: Any) -> BaseException | None:
    if isinstance(value, BaseException):
        return value
    if isinstance(value, list):
        return next((error for each in value if (error := _first_error(each)) is not None), None)
    return None


if __name__ == "__main__":
    main(CelerySide())
