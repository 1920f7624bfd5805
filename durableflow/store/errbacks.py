"""errbacks: what a step that answers a failure is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from durableflow.store.messages import StepId
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that has failed by itself. input, error, options: codec texts; sources: the indexes of the steps whose
    results it was given; failures: of its attempts; traceback: of the last one."""

    step: StepId
    name: str
    input: str
    error: str
    options: str | None
    sources: Sequence[int]
    failures: int
    traceback: str | None


_FAILURE = """
SELECT s.index, s.name, s.input::text, s.error::text, s.options::text, s.sources, s.failures, (
           SELECT a.traceback FROM durableflow_core.attempt AS a
           WHERE a.run_id = s.run_id AND a.rev = s.rev AND a.index = s.index ORDER BY a.attempt DESC LIMIT 1)
FROM durableflow_core.step AS s
WHERE s.run_id = %(run_id)s AND s.rev = %(rev)s AND s.index = ANY(%(answers)s) AND s.state = 'failed' AND s.attempt > 0
ORDER BY s.finished_at LIMIT 1
"""

_NAMED = """
SELECT name, options::text FROM durableflow_core.step
WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s
"""


def failure(conn: Connection, step: StepId, answers: Sequence[int]) -> Failure | None:
    """The first of those that failed. None: there is none."""
    parameters = {"run_id": step.run_id, "rev": step.rev, "answers": list(answers)}
    row = conn.execute(_FAILURE, parameters).fetchone()
    if row is None:
        return None
    index, name, input_, error, options, sources, failures, traceback = row
    failed = StepId(step.run_id, step.rev, index)
    return Failure(failed, name, input_, error, options, sources or (), failures, traceback)


def named(conn: Connection, step: StepId) -> tuple[str, str | None] | None:
    """Name and options of a step. None: there is no such step."""
    row = conn.execute(_NAMED, {"run_id": step.run_id, "rev": step.rev, "index": step.index}).fetchone()
    return None if row is None else (row[0], row[1])
