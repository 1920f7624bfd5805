"""A Celery application that knows nothing of durableflow. Each body writes into the journal when it begins and ends."""

import json
import os
from typing import Any

from celery import Celery, chain, current_task

from tests.faults.journal import Journal

app = Celery("fire", broker=os.environ.get("FIRE_REDIS"), backend=os.environ.get("FIRE_REDIS"))
# Messages whose visibility timeout is over are looked for at once, instead of every 100 s.
SWEEP = {"unacked_restore_interval": 0.2, "unacked_restore_throttle": 1}
app.conf.broker_transport_options = SWEEP
app.conf.update(json.loads(os.environ.get("FIRE_SETTINGS", "{}")))


class Witness(Journal):
    """A journal that tells pieces of work apart by Celery's ids."""

    def _who(self) -> tuple[str, int]:
        return current_task.request.id, current_task.request.retries


def _work(book: str, name: str) -> None:
    Witness(book).work(name, {}, effect=False)


@app.task
def count(value: int, book: str, name: str) -> int:
    """One more."""
    _work(book, name)
    return value + 1


@app.task
def total(values: list[int], book: str, name: str) -> int:
    """All of them together."""
    _work(book, name)
    return sum(values)


class Unsteady(Exception):
    """Passes by itself."""


class Broken(Exception):
    """Does not."""


@app.task(bind=True)
def again(self: Any, value: int, book: str, name: str) -> int:
    """Asks for a retry at its first attempt."""
    _work(book, name)
    if self.request.retries == 0:
        raise self.retry(exc=Unsteady(name), countdown=0)
    return value + 1


@app.task(bind=True)
def instead(self: Any, value: int, book: str, name: str) -> int:
    """Lets two tasks after each other take its place."""
    _work(book, name)
    return int(self.replace(chain(count.s(value, book, f"{name}-one"), count.s(book, f"{name}-two"))))


@app.task
def broken(value: int, book: str, name: str) -> None:
    """Fails each time."""
    _work(book, name)
    raise Broken(name)


@app.task
def note(request: Any, error: Exception, traceback: str | None, book: str, name: str) -> str:
    """Answers a failure."""
    _work(book, name)
    return f"{type(error).__name__} {error}"
