"""durableflow's side: ``python -m tests.conformance.durable_side REPORT [NAME...]``.

In the environment: DURABLEFLOW_DATABASE_URL, DURABLEFLOW_BROKER_URL, CONFORMANCE_QUEUE, CONFORMANCE_EFFECTS_URL, as its
worker has them. There is no result backend.
"""

from typing import Any

from durableflow import durable
from tests.conformance.durable_app import df
from tests.conformance.playing import main
from tests.conformance.scenario import Case, Outcome, Seen


class DurableSide:
    """``durable(...).start().result()``."""

    name = "durableflow"
    effects_are_there = True

    def start(self, case: Case, key: str) -> Any:
        canvas = case.canvas.clone().set(**case.options) if case.options else case.canvas
        return durable(canvas, *case.args, **case.kwargs).start(key=key)

    def ended(self, started: Any) -> bool:
        return bool(started.state != "running")

    def collect(self, started: Any) -> Seen:
        try:
            return Seen(value=started.result(timeout=20))
        except Exception as error:
            return Seen(error=error)

    def expected(self, case: Case) -> Outcome:
        return case.outcome


if __name__ == "__main__":
    with df.database:
        main(DurableSide())
