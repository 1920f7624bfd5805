"""Events that a simulated run receives, as `worker.arriving` decides it."""

from typing import TYPE_CHECKING, Any

from durableflow import codec
from durableflow.client.events import fit_one
from durableflow.client.events import new_event as checked
from durableflow.errors import CorruptValue, InvalidEvent, RunEnded
from durableflow.language.receiving import fit_event
from durableflow.language.turn import Stored, decided_at
from durableflow.testing.state import Event, Execution, Work

if TYPE_CHECKING:
    from durableflow.testing.engine import Engine


def send(engine: "Engine", run: Execution, name: str, payload: Any, event_id: str | None, by: str | None) -> bool:
    """Keep an event for a run. False: one of this id was sent before. Raises RunEnded, InvalidEvent, NotStorable."""
    registry = run.definition.registry
    event = checked(registry, run.id, name, payload, event_id, by, engine.settings.max_value_bytes)
    workflow = registry.present(run.name)
    if workflow is not None:
        fit_one(workflow, name, payload)
    if run.state != "running":
        raise RunEnded(f"run {run.id} has ended, and receives no event {name!r} any more")
    if event_id is not None and any(sent.id == event_id for sent in run.events):
        return False
    run.events.append(Event(name, event.stored, event_id, by, engine.now, engine.tick()))
    engine.look_soon(run)
    return True


def receive_events(engine: "Engine", run: Execution, checkpoint: Stored) -> None:
    """Give the waits of the present await the events that are there, of each name the oldest, and end those whose time
    is over; none of them after the await is over."""
    found: list[tuple[float, Work, Event | None, codec.Encoded]] = []
    for work in list(run.launched.get(checkpoint.rev, ())):
        if work.spec.kind == "receive" and work.is_open:
            arrival = _arrival(run, work, [event for _, _, event, _ in found if event is not None])
            if arrival is not None:
                order, event, value = arrival
                found.append((order, work, event, value))
    for order, work, event, value in sorted(found, key=lambda each: each[0]):
        outcomes = {place: each.outcome() for place, each in run.works.items()}
        over = decided_at(checkpoint, outcomes)
        if over is not None and over <= order:
            return
        if event is None:
            error = TimeoutError(f"no event {work.spec.name!r} was sent in time")
            engine.end(work, "failed", codec.encode(error), order)
        else:
            event.received = True
            engine.end(work, "succeeded", value, order)
            if work.alarm is not None:
                work.alarm.drop()


def _arrival(run: Execution, work: Work, taken: list[Event]) -> tuple[float, Event | None, codec.Encoded] | None:
    """When the wait is over, by what event (None: its time is), and what that gives."""
    name = work.spec.name
    for event in run.events:
        if event.received or event in taken or event.name != name:
            continue
        payload = event.payload
        try:
            value = fit_event(
                name, work.spec.options, payload.text, payload.blobs, by=event.by, at=event.at, event_id=event.id
            )
        except (InvalidEvent, CorruptValue):  # set aside: the run goes on waiting, as it does in the database
            event.received = True
            continue
        return event.order, event, value
    return None if work.due is None else (work.due, None, codec.encode(None))
