"""An existing Celery app that durableflow adopts: its own tasks, base class and request class stay what they are."""

import os
from typing import Any

from celery import Celery, Task
from celery.worker.request import Request

from durableflow import DurableFlow


def journal(entry: str) -> None:
    with open(os.environ["JOURNAL"], "ab", buffering=0) as file:
        file.write(f"{entry}\n".encode())


class LoudRequest(Request):
    """A request class of the app's own."""

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        journal(f"accepted {self.name}")
        super().on_accepted(pid, time_accepted)


class LoudTask(Task):
    """A base class of the app's own."""

    Request = LoudRequest

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        journal(f"called {self.name}")
        return super().__call__(*args, **kwargs)

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        journal(f"before {self.name} {list(args)}")


app = Celery("legacy", broker=os.environ["DURABLEFLOW_BROKER_URL"], task_cls=LoudTask)
app.conf.task_default_queue = os.environ["DURABLEFLOW_QUEUE"] + "-legacy"


@app.task
def old(x: int) -> int:
    journal(f"old({x})")
    return x


df = DurableFlow(app)


@df.step
def new(x: int) -> int:
    journal(f"new({x})")
    return x + 1


@df.workflow
async def both(x: int) -> int:
    return await new(await new(x))
