"""A Celery application of plain tasks, for workers that are processes. What they do is written to the file $JOURNAL."""

import os
import time
from typing import Any

from celery import Celery, Task, chord, group, shared_task, signals

from durableflow import DurableFlow, durable

app = Celery("real", broker=os.environ.get("DURABLEFLOW_BROKER_URL"))
app.conf.task_default_queue = os.environ.get("DURABLEFLOW_QUEUE", "real")
df = DurableFlow(app)


def note(text: str) -> None:
    with open(os.environ["JOURNAL"], "a") as journal:
        journal.write(text + "\n")


@signals.task_postrun.connect
def after(sender: Any = None, state: str | None = None, **_: Any) -> None:
    if sender.name == "tests.canvas.real.add":
        note(f"postrun {state}")


class Base(Task):
    """Of the user's own."""

    abstract = True

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        note(f"on_success {self.name.rpartition('.')[2]}")

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        note(f"on_failure {type(exc).__name__}")


@app.task
def add(x: int, y: int) -> int:
    note(f"add {x} {y}")
    return x + y


@shared_task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task(bind=True, base=Base, max_retries=3, default_retry_delay=0)
def shaky(self: Any, x: int) -> int:
    if self.request.retries < 2:
        raise self.retry()
    return x


@app.task(bind=True)
def fan_out(self: Any, n: int) -> Any:
    return self.replace(chord([add.s(i, i) for i in range(n)], total.s()))


@app.task(base=Base)
def fail(*args: Any) -> None:
    raise ValueError(*args)


@app.task
def answer(request: Any, error: Any, traceback: Any) -> None:
    note(f"answer {error!r}")


@app.task(time_limit=1, acks_late=True)
def stuck() -> None:
    note("stuck")
    time.sleep(60)


@app.task(rate_limit="5/s")
def slowly(i: int) -> float:
    return time.time()


@app.task
def wait_for(name: str) -> str:
    note(f"waiting {os.getpid()}")
    path = os.path.join(os.path.dirname(os.environ["JOURNAL"]), name)
    while not os.path.exists(path):
        time.sleep(0.02)
    return name


@df.workflow
async def mixed(n: int) -> list[int]:
    several = await durable(group(add.s(i, 1) for i in range(n)))
    return [await durable(total.s(several)), await durable(fan_out.s(n))]
