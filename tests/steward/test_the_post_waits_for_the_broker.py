"""Post: the one thread that a broker may keep waiting."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from durableflow.steward import threads
from durableflow.steward.post import Post
from durableflow.store.messages import Message
from tests.steward.test_a_sidecar_outlives_its_connections import until


def _messages(*subjects: str) -> list[Message]:
    return [Message("shop.charge", subject, subject, "q") for subject in subjects]


class Broker:
    def __init__(self) -> None:
        self.got: list[str] = []
        self.error: Exception | None = None
        self.tries = 0
        self.open = threading.Event()
        self.open.set()

    def publish(self, messages: Sequence[Message]) -> None:
        self.open.wait(30)
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.got += [message.subject for message in messages]

    def depth(self, queue: str) -> int | None:
        self.open.wait(30)
        if self.error is not None:
            raise self.error
        return 7


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.open.set()


@pytest.fixture
def post(broker: Broker) -> Iterator[Post]:
    post = Post(broker.publish, broker.depth)
    post.start()
    yield post
    broker.open.set()
    assert post.stop(10)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    ahead, monotonic = [0.0], threads.monotonic
    monkeypatch.setattr(threads, "monotonic", lambda: monotonic() + ahead[0])
    return lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)


def test_what_is_given_is_published_in_order(post: Post, broker: Broker) -> None:
    post.send(_messages("a", "b"))
    post.send(_messages("c"))
    until(lambda: post.free)
    assert broker.got == ["a", "b", "c"]


def test_what_a_broker_refuses_is_tried_again_and_reported_once(
    post: Post, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.error = OSError("no route")
    with caplog.at_level(logging.INFO, "durableflow.steward"):
        post.send(_messages("a"))
        until(lambda: broker.tries > 2)
        assert not post.free
        assert post.stuck_for > 0
        broker.error = None
        until(lambda: post.free)
    assert broker.got == ["a"]
    assert post.stuck_for == 0
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_what_cannot_be_delivered_for_long_is_left_to_the_next_dispatch(
    post: Post, broker: Broker, later: Callable[[float], None]
) -> None:
    broker.error = OSError("no route")
    post.send(_messages("a"))
    until(lambda: broker.tries > 0)
    later(11)
    until(lambda: post.free)
    assert post.stuck_for == 0, "or this worker would never try to lead again"
    broker.error = None
    post.send(_messages("b"))
    until(lambda: post.free)
    assert broker.got == ["b"]


def test_a_broker_that_hangs_is_told_from_one_that_is_slow(
    post: Post, broker: Broker, later: Callable[[float], None]
) -> None:
    broker.open.clear()
    post.send(_messages("a"))
    until(lambda: post.stuck_for > 0)
    later(6)
    assert post.stuck_for > 5
    broker.open.set()
    until(lambda: post.free)
    assert post.stuck_for == 0


def test_how_full_a_queue_is_is_asked_about_and_grows_old(
    post: Post, broker: Broker, later: Callable[[float], None]
) -> None:
    assert not post.knows("q")
    assert post.depth("q") is None
    until(lambda: post.knows("q"))
    assert (post.depth("q"), post.busy(["q", "other"])) == (7, ["q"])
    broker.open.clear()
    later(2)
    assert not post.knows("q"), "a repetition is not decided on what was true two seconds ago"
    assert post.depth("q") == 7
    later(4)
    assert post.depth("q") is None


def test_a_depth_that_the_broker_cannot_tell_is_known_to_be_unknown(post: Post, broker: Broker) -> None:
    broker.error = OSError("not supported")
    until(lambda: post.knows("q"))
    assert post.depth("q") is None
    until(lambda: post.stuck_for == 0)


def test_stopping_sends_what_is_in_hand_but_does_not_wait_for_a_broker_that_hangs(broker: Broker) -> None:
    post = Post(broker.publish, broker.depth)
    post.start()
    broker.open.clear()
    post.send(_messages("a"))
    until(lambda: post.stuck_for > 0)
    assert not post.stop(0.1)
    broker.open.set()
    assert post.stop(10)
    assert broker.got == ["a"]
