"""A Celery application that knows nothing of durableflow. Each body writes into the journal when it begins and ends."""

import json
import os

from celery import Celery, current_task

from tests.faults.journal import Journal

app = Celery("fire", broker=os.environ.get("FIRE_REDIS"), backend=os.environ.get("FIRE_REDIS"))
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
