"""Which events a run's waits for events are given: of each name the oldest, in the order of the waits."""

from durableflow import codec
from durableflow.errors import CorruptValue, InvalidEvent
from durableflow.language.receiving import fit_event
from durableflow.store.advance import Arrival, StepOutcome, View
from durableflow.store.event import reject, unreceived
from durableflow.worker.runtime import Runtime


def arrivals(runtime: Runtime, view: View) -> list[Arrival]:
    """The ends of those waits of the present await that have an event, or whose time is over. Nothing is taken yet. An
    event that does not fit is set aside, and the next one is looked at."""
    waits = [step for step in view.steps if step.kind == "receive" and step.state == "pending" and step.rev == view.rev]
    if not waits:
        return []
    found: list[Arrival] = []
    reached: dict[str, int] = {}
    for wait in waits:
        arrival = _first_that_fits(runtime, view, wait, reached)
        if arrival is None and wait.due:
            error = codec.encode(TimeoutError(f"no event {wait.name!r} was sent in time"))
            arrival = Arrival(wait.rev, wait.index, None, None, error, wait.due_at or 0.0)
        if arrival is not None:
            found.append(arrival)
    return found


def _first_that_fits(runtime: Runtime, view: View, wait: StepOutcome, reached: dict[str, int]) -> Arrival | None:
    """reached: by name, the row of the last event that was looked at."""
    transact, run_id = runtime.connections.transact, view.run_id
    while True:
        after = reached.get(wait.name, 0)
        event = transact(lambda conn, after=after: unreceived(conn, run_id, wait.name, after))  # type: ignore[misc]
        if event is None:
            return None
        reached[wait.name] = event.id
        try:
            output = fit_event(
                wait.name,
                wait.options or "{}",
                event.payload,
                runtime.large_values(run_id, event.payload),
                by=event.sent_by,
                at=event.sent_at,
                event_id=event.event_id,
            )
        except (InvalidEvent, CorruptValue) as misfit:
            reason = str(misfit)
            transact(lambda conn, event=event, reason=reason: reject(conn, run_id, event, reason))  # type: ignore[misc]
            continue
        return Arrival(wait.rev, wait.index, event.id, output, None, event.at)
