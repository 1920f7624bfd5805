"""Receivers: how they are connected, as Celery's are; and that none of them can do harm."""

import gc
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.utils.dispatch import Signal as CelerySignal
from greenlet import GreenletExit

from durableflow import signals
from tests.signals import shop
from tests.signals.conftest import Told
from tests.support.clock import Clock
from tests.support.engine import Engine

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "signals.md"


class Fatal(BaseException):
    """Not an Exception, and yet the receiver's own."""


@pytest.fixture
def heard() -> list[str]:
    return []


def tell(signal: signals.Signal, sender: str = "shop.charge", **facts: Any) -> list[Any]:
    return [response for _, response in signal.send(sender, **facts)]


def test_they_are_celerys_signals() -> None:
    assert all(isinstance(signal, CelerySignal) for signal in signals.ALL)
    assert [signal.name for signal in signals.ALL] == [name for name in signals.__all__ if name.islower()]


def test_the_page_says_what_each_carries() -> None:
    cells = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    named = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[-1])) for row in cells if len(row) == 4}
    of_a_step = next(row for row in cells if row[0] == "`step_started`")
    assert "*step*" in of_a_step[-1]
    assert named.keys() == {signal.name for signal in signals.ALL} | {"signal"}
    step = set(signals.step_started.providing_args)
    for signal in signals.ALL:
        also = step if signal.name.startswith("step_") else set()
        assert named[signal.name] | also == signal.providing_args, signal.name
    first = {word for row in cells if len(row) == 2 for word in re.findall(r"`(\w+)`", row[0])}
    assert set().union(*(signal.providing_args for signal in signals.ALL)) <= first, "each is explained"


def test_receivers_that_raise_at_every_signal_harm_nothing(
    engine: Engine, clock: Clock, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the run, nor the receivers after them."""
    raised = (Exception("no"), SystemExit(1), SystemExit("no"), Fatal("no"), GeneratorExit())

    def raises(error: BaseException) -> Callable[..., None]:
        def receiver(**_: Any) -> None:
            raise error

        return receiver

    for signal in signals.ALL:
        for error in raised:
            told.call(signal, raises(error))
    told.connect()
    bought, tried, waiting = shop.buys(3).start(), shop.tries(9).start(), shop.waits().start()
    for _ in range(3):
        engine.drive()
        clock.advance(30)
    waiting.cancel()
    engine.drive()
    assert bought.result(timeout=1) == 3
    assert (tried.state, waiting.state) == ("failed", "cancelled")
    assert set(told.names) == {signal.name for signal in signals.ALL} - {"worker_lost"}
    logged = [record for record in caplog.records if record.name == "durableflow.signals"]
    assert [record.exc_info[1] for record in logged if record.exc_info] == list(raised) * len(told.all)
    assert "a receiver of run_started raised an error" in logged[0].message


@pytest.mark.parametrize("raises", [KeyboardInterrupt(), SystemExit(-241), GreenletExit()])
def test_what_ends_the_process_passes_through_a_receiver(told: Told, raises: BaseException) -> None:
    """Ctrl-C, the signal by which a parent ends its child (SIGTERM is 15, less 256), a greenlet that is killed."""

    def receiver(**_: Any) -> None:
        raise raises

    told.call(signals.step_started, receiver)
    with pytest.raises(type(raises)):
        signals.step_started.send("shop.charge")


def test_a_sender_narrows_it_down_and_may_be_the_thing_itself(heard: list[str]) -> None:
    app = Celery("old", set_as_current=False)

    @app.task(name="old.task")
    def task() -> None: ...

    def receiver(sender: str, **_: Any) -> None:
        heard.append(sender)

    for sender in ("shop.charge", shop.charge, shop.buys, task):
        signals.step_failed.connect(receiver, sender=sender)
        signals.step_dead.connect(receiver, sender)
    app.finalize()
    for name in ("shop.charge", "told.charge", "told.buys", "old.task", "told.other"):
        tell(signals.step_failed, name)
        tell(signals.step_dead, name)
    assert heard == [name for name in ("shop.charge", "told.charge", "told.buys", "old.task") for _ in range(2)]
    for sender in ("shop.charge", "told.charge", shop.buys, task):
        assert signals.step_failed.disconnect(receiver, sender=sender)
        assert signals.step_dead.disconnect(receiver, sender)
    assert not signals.step_failed.receivers
    assert not signals.step_dead.receivers


def test_they_connect_as_decorators_weakly_or_for_good_and_once(heard: list[str]) -> None:
    signal = signals.step_started

    @signal.connect
    def plain(**_: Any) -> None:
        heard.append("plain")

    @signal.connect(sender="shop.charge", dispatch_uid="mine")
    def narrow(**_: Any) -> None:
        heard.append("narrow")

    @signal.connect(sender="shop.charge", dispatch_uid="mine")
    def second_of_its_uid(**_: Any) -> None:
        heard.append("second")

    signal.connect(lambda **_: heard.append("weak"))
    signal.connect(lambda **_: heard.append("strong"), weak=False, dispatch_uid="strong")
    gc.collect()
    tell(signal)
    assert heard == ["plain", "narrow", "strong"]
    assert signal.disconnect(plain)
    assert signal.disconnect(dispatch_uid="mine", sender="shop.charge")
    assert signal.disconnect(dispatch_uid="strong")
    assert not signal.disconnect(plain)
    with pytest.raises(ValueError, match="keyword arguments"):
        signal.connect(lambda: None)


def test_a_receiver_may_ask_to_be_called_again_until_it_works(heard: list[str]) -> None:
    def receiver(**_: Any) -> str:
        heard.append("called")
        if len(heard) == 1:
            raise ConnectionError
        return "done"

    signals.run_failed.connect(receiver, retry=True, dispatch_uid="again")
    try:
        assert tell(signals.run_failed) == ["done"]
    finally:
        assert signals.run_failed.disconnect(dispatch_uid="again")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_while_another_thread_tells_can_tell_as_well() -> None:
    """The steward's thread tells of a dead child just when its successor is forked."""
    signal = signals.worker_lost
    signal.lock.acquire()
    try:
        child = os.fork()
        if child == 0:
            ended = threading.Event()
            threading.Thread(target=lambda: (signal.send("here"), ended.set()), daemon=True).start()
            os._exit(0 if ended.wait(10) else 1)
    finally:
        signal.lock.release()
    assert os.waitpid(child, 0)[1] == 0
