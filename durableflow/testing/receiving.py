"""Events that a simulated run receives, as `worker.arriving` decides it."""

from typing import TYPE_CHECKING, Any

from durableflow import codec
from durableflow.client.events import expected
from durableflow.client.events import new_event as checked
from durableflow.errors import CorruptValue, InvalidEvent, RunEnded
from durableflow.language.receiving import fit_event, validate
from durableflow.testing.state import Event, Execution, Work

if TYPE_CHECKING:
    from durableflow.testing.engine import Engine


def send(engine: "Engine", run: Execution, name: str, payload: Any, event_id: str | None, by: str | None) -> bool:
    """Keep an event for a run. False: one of this id was sent before. Raises RunEnded, InvalidEvent, NotStorable."""
    registry = run.definition.registry
    event = checked(registry, run.id, name, payload, event_id, by, engine.settings.max_value_bytes)
    workflow = registry.present(run.name)
    kinds = () if workflow is None else expected(workflow).get(name, ())
    _check(name, kinds, payload)
    if run.state != "running":
        raise RunEnded(f"run {run.id} has ended, and receives no event {name!r} any more")
    if event_id is not None and any(sent.id == event_id for sent in run.events):
        return False
    run.events.append(Event(name, event.stored, event_id, by, engine.now, engine.tick()))
    engine.look_soon(run)
    return True


def receive_events(engine: "Engine", run: Execution, rev: int) -> None:
    """Give the waits of the present await the events that are there, of each name the oldest, and end those whose time
    is over."""
    for work in list(run.launched.get(rev, ())):
        if work.spec.kind != "receive" or not work.is_open:
            continue
        if not _received(engine, run, work) and work.due is not None:
            error = TimeoutError(f"no event {work.spec.name!r} was sent in time")
            engine.end(work, "failed", codec.encode(error), work.due)


def _received(engine: "Engine", run: Execution, work: Work) -> bool:
    name = work.spec.name
    for event in run.events:
        if event.received or event.name != name:
            continue
        event.received = True
        payload = event.payload
        try:
            value = fit_event(
                name, work.spec.options, payload.text, payload.blobs, by=event.by, at=event.at, event_id=event.id
            )
        except (InvalidEvent, CorruptValue):  # set aside: the run goes on waiting, as it does in the database
            continue
        engine.end(work, "succeeded", value, event.order)
        if work.alarm is not None:
            work.alarm.drop()
        return True
    return False


def _check(name: str, kinds: tuple[Any, ...], payload: Any) -> None:
    """Raise InvalidEvent where the payload is none of what the workflow may wait for under this name."""
    refused: InvalidEvent | None = None
    for kind in kinds:
        try:
            validate(name, kind, payload)
        except InvalidEvent as misfit:
            refused = misfit
        else:
            return
    if refused is not None:
        raise refused
