"""What a worker reports with its heartbeat to have taken from the broker."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery import bootsteps
from celery.worker import state

from durableflow.store.messages import SUBJECT
from durableflow.worker.bootstep import held


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    class Request(SimpleNamespace):
        __hash__ = object.__hash__  # type: ignore[assignment]

    ours = {SUBJECT: 1}
    reserved = {
        Request(id="run:1:0:2", request_dict=ours, _apply_result=None),
        Request(id="forged\x00:1:0:1", request_dict=ours, _apply_result=None),
        Request(id="somebody-elses", request_dict={}, _apply_result=None),
    }
    monkeypatch.setattr(state, "reserved_requests", reserved)
    monkeypatch.setattr(state, "active_requests", set())
    monkeypatch.setattr(state, "should_stop", None)
    monkeypatch.setattr(state, "should_terminate", None)
    consumer = SimpleNamespace(blueprint=SimpleNamespace(state=bootsteps.RUN), connection=object())
    return SimpleNamespace(consumer=consumer)


def test_it_is_our_messages_by_their_subject_and_a_forged_id_cannot_break_the_heartbeat(worker: Any) -> None:
    assert held(worker) == {"run:1:0"}


def test_while_the_consumer_reconnects_it_is_not_known(worker: Any) -> None:
    worker.consumer.connection = None
    assert held(worker) is None
