"""A Celery application as people have them, adopted. EFFECTS: what its tasks did, in this process."""

from typing import Any

from celery import Celery, Task, group
from pydantic import BaseModel

from durableflow import DurableFlow, durable


class Till(Celery):
    """Names its tasks for itself."""

    def gen_task_name(self, name: str, module: str) -> str:
        return f"till.{name}"


app = Till("till", broker="memory://", set_as_current=False)
df = DurableFlow(app)
EFFECTS: list[Any] = []


class Price(BaseModel):
    cents: int


class Watched(Task):
    """A base class that tells of all its hooks."""

    abstract = True

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        EFFECTS.append(("before_start", task_id, tuple(args), kwargs))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        EFFECTS.append(("call", self.request.id, args))
        return super().__call__(*args, **kwargs)

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        EFFECTS.append(("on_success", retval, task_id))

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        EFFECTS.append(("on_failure", type(exc).__name__, task_id))

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        EFFECTS.append(("on_retry", type(exc).__name__, task_id))

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        EFFECTS.append(("after_return", status, task_id))


@app.task
def add(x: int, y: int) -> int:
    EFFECTS.append(("add", x, y))
    return x + y


@app.task
def double(x: int) -> int:
    return 2 * x


@app.task
def total(numbers: list[Any]) -> Any:
    return sum(numbers)


@app.task
def echo(*args: Any, **kwargs: Any) -> Any:
    EFFECTS.append(("echo", args, kwargs))
    return args[0] if len(args) == 1 and not kwargs else (args, kwargs)


@app.task
def fail(*args: Any) -> None:
    raise ValueError(*args)


@app.task
def tell(request: Any, error: Any, traceback: Any) -> None:
    EFFECTS.append(("tell", request.id, request.task, list(request.args or ()), repr(error), traceback))


@app.task
def told_id(task_id: str) -> None:
    EFFECTS.append(("told_id", task_id))


@app.task(bind=True)
def told_bound(self: Any, *args: Any) -> None:
    EFFECTS.append(("told_bound", args))


@app.task(bind=True)
def request_of(self: Any, *args: Any) -> dict[str, Any]:
    request = self.request
    return {
        "id": request.id,
        "retries": request.retries,
        "headers": dict(request.headers or {}),
        "stamps": dict(request.stamps or {}),
        "root": request.root_id,
        "called_directly": request.called_directly,
        "x": request.get("x"),
    }


@app.task(bind=True, max_retries=5, default_retry_delay=1)
def retries(self: Any, x: int, times: int, **asked: Any) -> tuple[int, int]:
    if self.request.retries < times:
        raise self.retry(args=(x + 1, times), kwargs=asked)
    return x, self.request.retries


@app.task(autoretry_for=(KeyError,), max_retries=2, default_retry_delay=0)
def flaky(journal: str) -> int:
    EFFECTS.append((journal,))
    if EFFECTS.count((journal,)) < 3:
        raise KeyError(journal)
    return EFFECTS.count((journal,))


@app.task(bind=True)
def replaced(self: Any, *args: Any, by: Any) -> Any:
    return self.replace(app.signature(by) if isinstance(by, dict) else by)


@app.task(bind=True)
def countdown_by_replacing(self: Any, n: int) -> Any:
    return self.replace(countdown_by_replacing.s(n - 1)) if n else "liftoff"


@app.task(bind=True)
def fan_out(self: Any, n: int) -> Any:
    return self.replace(group(double.s(i) for i in range(n)))


@app.task(pydantic=True)
def reprice(price: Price, factor: int) -> Price:
    EFFECTS.append(("reprice", type(price).__name__))
    return Price(cents=price.cents * factor)


@app.task(base=Watched)
def watched(x: int) -> int:
    if x < 0:
        raise ValueError(x)
    return x


@app.task(base=Watched, bind=True, default_retry_delay=0)
def watched_retry(self: Any) -> str:
    if not self.request.retries:
        raise self.retry(exc=KeyError("again"))
    return "at last"


class ByClass(Watched):
    """Class-based, as they were once written."""

    name = "till.by_class"

    def run(self, x: int) -> int:
        return x * 10


by_class = app.register_task(ByClass())


@app.task
async def slowly(x: int) -> int:
    return x + 1


@df.workflow
async def bill(prices: list[int]) -> list[Any]:
    doubled = await durable(group(double.s(price) for price in prices))
    whole = await durable(total.s(doubled))
    later = add.s(1)
    again = await durable(later, whole)
    try:
        await durable(fail.s("no") | add.s(1))
    except ValueError as error:
        return [doubled, whole, again, later.args, str(error)]
    return []
