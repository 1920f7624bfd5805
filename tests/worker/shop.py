"""The application that the workers of these tests run. What its steps did is in a journal outside of the database."""

import asyncio
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from celery import current_task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.exceptions import Retry as CeleryRetry

from durableflow import DurableFlow, Retry, current, gather, sleep

df = DurableFlow("shop")
app = df.celery


def journal(entry: str) -> None:
    """Note an effect: one line, in one write."""
    line = f"{entry} {current.idempotency_key} attempt={current.attempt} pid={os.getpid()}\n"
    with open(os.environ["JOURNAL"], "ab", buffering=0) as file:
        file.write(line.encode())


def wait_for(name: str) -> None:
    """Wait until the test creates the file ``name`` beside the journal."""
    path = Path(os.environ["JOURNAL"]).with_name(name)
    while not path.exists():
        time.sleep(0.02)


class Broke(Exception):
    """What a step raises."""


@df.step
def add(x: int, y: int = 1) -> int:
    journal(f"add({x},{y})")
    return x + y


@df.step
async def double(x: int) -> int:
    await asyncio.sleep(0)
    journal(f"double({x})")
    return 2 * x


@df.step(retry=Retry(max_attempts=3, backoff=0.0))
def flaky(succeeds_at: int) -> int:
    journal("flaky")
    if current.attempt < succeeds_at:
        raise Broke(current.attempt)
    return current.attempt


@df.step
def held(name: str) -> str:
    """Runs until the test lets it."""
    journal(f"held({name})")
    wait_for(name)
    return name


@df.step
def deadly(times: int) -> int:
    """Kills its own process, so many times."""
    journal("deadly")
    if current.attempt <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return current.attempt


@df.step
def exits() -> None:
    sys.exit(3)


@df.step(timeout=1.0)
def slow(seconds: float) -> str:
    journal("slow")
    time.sleep(seconds)
    return "in time"


@df.step(timeout=1.0)
def deaf() -> None:
    """Does not heed the soft time limit."""
    journal("deaf")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(1)


@df.step
def asks_again(times: int) -> int:
    """Uses Celery's own retry()."""
    journal("asks_again")
    if current.attempt <= times:
        raise current_task.retry(countdown=0, exc=Broke("again"))
    return current.attempt


@df.step
def ends(how: str) -> str:
    """Ends in one of Celery's own ways."""
    journal(f"ends({how})")
    if current.attempt == 1:
        if how == "ignore":
            raise Ignore
        if how == "reject":
            raise Reject("not for me", requeue=False)
        if how == "requeue":
            raise Reject("later", requeue=True)
        if how == "retry":
            raise CeleryRetry(when=0)
    return "ended"


@df.step
def unstorable() -> object:
    return threading.Lock()


@df.workflow
async def arithmetic(x: int) -> int:
    y = await add(x)
    z = await double(y)
    a, b = await gather(add(z), add(z, y=10))
    return a + b


@df.workflow
async def chain(length: int) -> int:
    x = 0
    for _ in range(length):
        x = await add(x)
    return x


@df.workflow
async def fan(width: int) -> int:
    return sum(await gather(*(add(n) for n in range(width))))


@df.workflow
async def retrying(succeeds_at: int) -> int:
    return await flaky(succeeds_at)


@df.workflow
async def forgiving(succeeds_at: int) -> str:
    try:
        await flaky(succeeds_at)
    except Broke as error:
        return f"broke {error}"
    return "fine"


@df.workflow
async def napping(seconds: float) -> str:
    await add(1)
    await sleep(seconds)
    await add(2)
    return "rested"


@df.workflow
async def waiting(name: str) -> list[str]:
    return [await held(name), await held(name)]


@df.workflow
async def dying(times: int) -> int:
    return await deadly(times)


@df.workflow
async def hurried(seconds: float) -> str:
    return await slow(seconds)


@df.workflow
async def stubborn() -> None:
    await deaf()


@df.workflow
async def celery_retry(times: int) -> int:
    return await asks_again(times)


@df.workflow
async def celery_ending(how: str) -> str:
    return await ends(how)


@df.workflow
async def exiting() -> None:
    await exits()


@df.workflow
async def refusing() -> object:
    return await unstorable()


def crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@df.workflow
async def crashing() -> None:
    """Its own code kills whoever runs it."""
    await add(1)
    crash()


@df.workflow
async def hurried_by_the_call(seconds: float, limit: float) -> str:
    """The call's own time limit is in place of the definition's, be it shorter or longer."""
    return await slow.options(timeout=limit)(seconds)


@df.step(queue="elsewhere")
def there() -> str:
    return "there"


@df.workflow
async def elsewhere() -> str:
    return await there()


@df.workflow
async def hanging() -> None:
    """Its own code never comes to the next await."""
    await add(1)
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


@df.routine
async def bonus(x: int) -> int:
    return await add(x, 1000)


@df.routine
async def rounds(count: int) -> int:
    total = 0
    for number in range(count):
        total += await bonus(number)
    return total


@df.workflow
async def pays(count: int) -> int:
    x = await rounds(count)
    return await add(x)


@df.workflow
async def keeps_a_call(x: int) -> int:
    call = double(x)
    await add(x)
    return await call
