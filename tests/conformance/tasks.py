"""A Celery application as anybody has it: it knows nothing of durableflow. ``durable_app`` adopts it.

Tasks that do something write it into a box of the scenario's (``effects``).
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from typing import Any

from celery import Celery, Signature, Task, chain, chord, group, shared_task, signature
from celery.canvas import StampingVisitor, _chain
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from pydantic import BaseModel

from tests.conformance.effects import record as write

app = Celery("conformance", broker=os.environ.get("DURABLEFLOW_BROKER_URL", "memory://"))
app.conf.update(
    result_backend=os.environ.get("CONFORMANCE_BACKEND_URL"),
    task_default_queue=os.environ.get("CONFORMANCE_QUEUE", "conformance"),
    worker_prefetch_multiplier=4,
    broker_connection_retry_on_startup=True,
)


class Refused(Exception):
    """What the failing tasks raise."""


# --- values


@shared_task
def identity(x: Any) -> Any:
    return x


@shared_task
def add(x: Any, y: Any, z: Any = None) -> Any:
    return x + y if z is None else x + y + z


@app.task
def mul(x: int, y: int) -> int:
    return x * y


@app.task
def total(numbers: Iterable[int]) -> int:
    return sum(numbers)


@app.task
def deep_total(numbers: Any) -> int:
    return sum(deep_total.run(each) if isinstance(each, list | tuple) else each for each in numbers)


@app.task
def gather_all(*args: Any, **kwargs: Any) -> list[Any]:
    """Everything that it was called with."""
    return [list(args), kwargs]


@app.task
def pair(x: Any, y: Any) -> tuple[Any, Any]:
    return (x, y)


@app.task
def kind(x: Any) -> str:
    """The name of the type of what arrives."""
    return type(x).__name__


@app.task
def nothing(*_: Any) -> None:
    pass


@app.task(bind=True)
def ignored(self: Task, *_: Any) -> None:
    raise Ignore


class Sides(BaseModel):
    x: int
    y: int


class Sum(BaseModel):
    sum: int


@app.task(pydantic=True)
def add_sides(sides: Sides) -> Sum:
    return Sum(sum=sides.x + sides.y)


# --- failures and retries


@shared_task
def fail(*args: Any) -> None:
    raise Refused("no", *args)


@app.task
def fail_differently(*_: Any) -> None:
    raise LookupError("not here")


@app.task(bind=True)
def fail_and_tell(self: Task, *_: Any, box: str) -> None:
    """Fail, having written down under which id."""
    write(box, f"failed {self.request.id}")
    raise Refused("no")


@app.task(bind=True, max_retries=2)
def retry_once(self: Task, *_: Any) -> int:
    """How many retries there were."""
    if self.request.retries:
        return int(self.request.retries)
    raise self.retry(countdown=0.05)


@app.task(bind=True, max_retries=1)
def retry_with_other_arguments(self: Task, x: int, y: int) -> int:
    if self.request.retries:
        return x + y
    raise self.retry(args=(x + 100, y), countdown=0)


@app.task(bind=True, max_retries=1)
def retry_in_vain(self: Task, *_: Any) -> None:
    raise self.retry(exc=Refused("still no"), countdown=0)


@app.task(bind=True, autoretry_for=(LookupError,), max_retries=3, retry_backoff=False, default_retry_delay=0)
def fail_twice(self: Task, x: Any) -> Any:
    if self.request.retries < 2:
        raise LookupError("not yet")
    return x


@app.task
def sum_within(numbers: list[int], seconds: float) -> int:
    """The sum, or nothing where the soft limit is over before that."""
    try:
        time.sleep(seconds)
        return sum(numbers)
    except SoftTimeLimitExceeded:
        return 0


# --- effects


@shared_task
def record(what: Any, box: str) -> Any:
    write(box, str(what))
    return what


@app.task
def count(*_: Any, box: str, what: str = "one") -> None:
    """Takes whatever it is given."""
    write(box, what)


@app.task
def tally(*, box: str, what: str = "one") -> None:
    """Takes nothing."""
    write(box, what)


@app.task
def record_and_fail(*, box: str, what: str) -> None:
    write(box, what)
    raise Refused(what)


@app.task
def errback_of_id(task_id: str, *, box: str) -> None:
    write(box, f"errback {task_id}")


@app.task
def errback_of_id_and_more(task_id: str, label: str, box: str) -> None:
    write(box, f"{label} {task_id}")


@app.task
def errback_of_request(request: Any, exc: BaseException, traceback: Any, *, box: str) -> None:
    write(box, f"errback {request.id}")


@app.task
def errback_of_request_and_more(request: Any, exc: BaseException, traceback: Any, label: str, box: str) -> None:
    write(box, f"{label} {request.id}")


@app.task
def errback_of_error(request: Any, exc: BaseException, traceback: Any, *, box: str) -> None:
    """What it is told of the failure."""
    write(box, f"{request.task.rpartition('.')[2]} {type(exc).__name__} {exc.args} {bool(traceback)}")


# --- for canvases that are made up


def shortened(value: Any) -> Any:
    """The value, or a digest of it where it has grown: a task that is given much tells of all of it."""
    text = json.dumps(value)
    return value if len(text) < 400 else hashlib.sha256(text.encode()).hexdigest()


@app.task
def tells(*args: Any, label: str, box: str, more: Any = None) -> Any:
    """What it is, and what it was given."""
    write(box, label)
    return shortened([label, list(args), more])


@app.task(bind=True, max_retries=1)
def tells_at_second(self: Task, *args: Any, label: str, box: str, more: Any = None) -> Any:
    """The same, after a retry."""
    if not self.request.retries:
        raise self.retry(countdown=0)
    write(box, label)
    return shortened([label, list(args), more])


@app.task
def breaks(*args: Any, label: str, box: str, more: Any = None) -> None:
    write(box, label)
    raise Refused(label)


@app.task(bind=True)
def becomes(self: Task, *args: Any, label: str, box: str, more: Any = None) -> Any:
    """Replaced by a chain of two that goes on with what it would have told."""
    write(box, label)
    told = shortened([label, list(args), more])
    raise self.replace(chain(tells.s(told, label=f"{label} first", box=box), tells.s(label=f"{label} second", box=box)))


# --- replacing


@app.task(bind=True)
def replaced(self: Task, *args: Any, by: Any) -> Any:
    """Replaced by a canvas whose first task gets what this task was given."""
    canvas = signature(by)
    if isinstance(canvas, _chain):
        canvas.tasks[0] = signature(canvas.tasks[0]).clone(args)
    else:
        canvas = canvas.clone(args)
    raise self.replace(canvas)


@app.task(bind=True)
def replaced_as_is(self: Task, *_: Any, by: Any) -> Any:
    """Replaced by a canvas as it is; returns what ``replace`` returns, as many tasks do instead of raising it."""
    return self.replace(signature(by))


@app.task(bind=True)
def add_to_each(self: Task, numbers: Iterable[Any], y: Any) -> Any:
    raise self.replace(group([add.s(number, y) for number in numbers]))


@app.task(bind=True)
def outer_twice(self: Task, box: str, again: bool = False) -> None:
    write(box, "outer again" if again else "outer")
    if not again:
        raise self.replace(chain(inner_twice.s(box), outer_twice.si(box, again=True)))


@app.task(bind=True)
def inner_twice(self: Task, box: str, again: bool = False) -> None:
    write(box, "inner again" if again else "inner")
    if not again:
        raise self.replace(chain(count.si(box=box, what="innermost"), inner_twice.si(box, again=True)))


@app.task(bind=True)
def countdown(self: Task, left: int) -> str:
    """Replaced by itself until nothing is left."""
    if left:
        raise self.replace(countdown.s(left - 1))
    return "lift-off"


# --- what a task knows of itself


@app.task(bind=True)
def own_id(self: Task, *_: Any) -> str:
    return str(self.request.id)


@app.task(bind=True)
def own_priority(self: Task, *_: Any) -> Any:
    return self.request.delivery_info["priority"]


@app.task(bind=True)
def own_header(self: Task, *_: Any, name: str) -> Any:
    return (self.request.headers or {}).get(name) or self.request.get(name)


@app.task(bind=True)
def own_group(self: Task, *_: Any) -> Any:
    return self.request.group


@app.task
def now(*_: Any) -> float:
    return time.time()


@app.task
def since(moment: float) -> float:
    return time.time() - moment


# --- stamps


class Stamp(StampingVisitor):
    """Puts these headers on every signature."""

    def __init__(self, **headers: Any) -> None:
        self.headers = headers

    def on_signature(self, sig: Signature, **headers: Any) -> dict[str, Any]:
        return dict(self.headers)


def write_stamps(task: Task, box: str, name: str) -> None:
    stamps = {key: (task.request.stamps or {}).get(key) for key in task.request.stamped_headers or ()}
    write(box, f"{name} {json.dumps(stamps, sort_keys=True)}")


@app.task(bind=True)
def stamped(self: Task, *args: Any, box: str, name: str = "task") -> Any:
    """Writes down its stamps; gives what it was given."""
    write_stamps(self, box, name)
    return args[0] if args else None


@app.task(bind=True)
def stamped_and_failing(self: Task, *_: Any, box: str, name: str = "task") -> None:
    write_stamps(self, box, name)
    raise Refused("no")


@app.task(bind=True, max_retries=1)
def stamped_and_retried(self: Task, box: str) -> None:
    write_stamps(self, box, f"attempt {self.request.retries + 1}")
    if not self.request.retries:
        raise self.retry(countdown=0)


class StampsItsReplacement(Task):
    """A base class of the application's own."""

    def on_replace(self, sig: Signature) -> Any:
        sig.stamp(Stamp(replaced="yes"))
        return super().on_replace(sig)


@app.task(bind=True, base=StampsItsReplacement)
def replaced_by_stamped(self: Task, box: str) -> Any:
    write_stamps(self, box, "original")
    return self.replace(stamped.si(box=box, name="replacement"))


# --- signatures as values

NESTINGS: dict[str, Any] = {
    "a chain in a chain": lambda: chain(chain([add.s()])),
    "a group in a chain": lambda: chain(group([add.s()])),
    "a chord in a chain": lambda: chain(chord([add.s()], add.s())),
    "a chain in a group": lambda: group(chain([add.s()])),
    "a group in a group": lambda: group(group([add.s()])),
    "a chord in a group": lambda: group(chord([add.s()], add.s())),
    "a chain in a chord": lambda: chord(chain([add.s()]), add.s()),
    "a group in a chord": lambda: chord(group([add.s()]), add.s()),
    "a chord in a chord": lambda: chord(chord([add.s()], add.s()), add.s()),
}


@app.task
def make_signature(nesting: str) -> Signature:
    return NESTINGS[nesting]()  # type: ignore[no-any-return]


@app.task
def rebuilt(stored: Any) -> bool:
    """Whether a stored signature has signatures all the way down."""

    def whole(sig: Any) -> bool:
        if not isinstance(sig, Signature):
            return False
        parts = [*sig.tasks, *([sig.body] if isinstance(sig, chord) else [])] if hasattr(sig, "tasks") else []
        return all(map(whole, parts))

    return whole(Signature.from_dict(stored))
