"""durableflow's side: ``python -m tests.conformance.durable_side REPORT [NAME...]``.

In the environment: DURABLEFLOW_DATABASE_URL, DURABLEFLOW_BROKER_URL, CONFORMANCE_QUEUE, CONFORMANCE_EFFECTS_URL, as its
worker has them. There is no result backend.
"""

from typing import Any

from durableflow import durable
from durableflow.errors import RunFailed
from tests.conformance.durable_app import df
from tests.conformance.playing import main
from tests.conformance.scenario import Case, Outcome, Seen


class DurableSide:
    """``durable(...).start().result()``."""

    name = "durableflow"
    effects_are_there = True

    def start(self, case: Case, key: str) -> Any:
        canvas = case.canvas.clone().set(**case.options) if case.options else case.canvas
        try:
            return durable(canvas, *case.args, **case.kwargs).start(key=key)
        except Exception as error:  # what cannot work is refused before anything is started
            return error

    def ended(self, started: Any) -> bool:
        return isinstance(started, Exception) or bool(started.state != "running")

    def collect(self, started: Any) -> Seen:
        if isinstance(started, Exception):
            return Seen(error=started)
        try:
            return Seen(value=started.result(timeout=20))
        except RunFailed as failed:
            return Seen(error=failed.__cause__)

    def expected(self, name: str, case: Case) -> Outcome:
        return case.outcome


if __name__ == "__main__":
    try:
        main(DurableSide())
    finally:
        df.database.close()
