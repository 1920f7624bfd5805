"""Ask a server, and do not wait for ever: some connect and then never answer, and drivers wait for them."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds. The drivers give up after five, where they can tell."""


class NoAnswer(Exception):
    """The time is over."""


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What ``ask`` gives, or raises. It runs in a thread of its own, which is left behind where it takes too long.

    Raises:
        NoAnswer: nothing came within ``seconds``.
    """
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((ask(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=work, daemon=True, name="durableflow doctor").start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise NoAnswer from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]
