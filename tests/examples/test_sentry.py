"""What Sentry's SDK is told, collected by a transport of the test's: with the program that reads it, and no network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.transport import Transport

from durableflow import signals
from tests.signals import shop
from tests.signals.conftest import engine  # noqa: F401 - a fixture
from tests.support.clock import Clock
from tests.support.engine import Engine


class Collector(Transport):
    """events: of the envelopes that would have been sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        assert event is not None
        self.events.append(dict(event))


@pytest.fixture
def collector() -> Iterator[Collector]:
    """The receivers of the example are connected, and Sentry's client is the test's: nothing is patched by it."""
    from examples.sentry import reporting

    connected = (
        (signals.step_dead, reporting.report_step),
        (signals.run_failed, reporting.report_run),
        (signals.worker_lost, reporting.report_worker),
    )
    collector = Collector()
    client = sentry_sdk.Client(
        dsn="https://public@sentry.example.org/1",
        transport=collector,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[DedupeIntegration()],
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        for signal, receiver in connected:
            signal.connect(receiver)
        yield collector
        for signal, receiver in connected:
            signal.disconnect(receiver)
    client.close()


def test_a_dead_step_is_a_warning_with_its_stack_and_the_failed_run_an_error(
    engine: Engine,  # noqa: F811
    clock: Clock,
    collector: Collector,
) -> None:
    run = shop.tries(9).start()
    shop.tries(2).start()
    for _ in range(3):
        engine.drive()
        clock.advance(30)
    step, failed = collector.events
    tags = {"step": "told.flaky", "workflow": "told.tries", "run_id": str(run.id), "attempt": 3}
    assert (step["level"], step["tags"]) == ("warning", tags)
    assert (failed["level"], failed["tags"]) == ("error", {"workflow": "told.tries", "run_id": str(run.id)})
    for event in (step, failed):
        (raised,) = event["exception"]["values"]
        assert (raised["type"], raised["value"]) == ("Broke", "3")
    frames = step["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "flaky"


def test_a_lost_worker_is_a_message(collector: Collector) -> None:
    signals.worker_lost.send("here", worker_id=None, hostname="here", pid=4711, child=True, silence=None)
    (event,) = collector.events
    assert (event["message"], event["level"]) == ("a pool child on here is gone (process 4711)", "warning")


def test_the_outbox_of_the_example_keeps_events_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from examples.sentry.outbox import Outbox, events

    monkeypatch.setenv("SENTRY_OUTBOX", str(tmp_path / "outbox"))
    assert list(events()) == []
    envelope = Envelope()
    Outbox().capture_envelope(envelope)
    envelope.add_event({"message": "something", "level": "error"})
    Outbox().capture_envelope(envelope)
    assert [event["message"] for event in events()] == ["something"]
