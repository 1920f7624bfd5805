"""An application to be tested in memory. ``CALLED``: which functions of steps were called, in this process."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from durableflow import DurableFlow, Retry, current, gather, race, receive, sleep, spawn, timeout

df = DurableFlow("market")
CALLED: list[Any] = []


@dataclass
class Order:
    id: str
    items: list[str]


class Declined(Exception):
    pass


class SoldOut(Exception):
    """Its arguments are not those that it was made with."""

    def __init__(self, item: str, left: int) -> None:
        super().__init__(f"{item}: {left} left")
        self.item = item


@df.step(retry=Retry(max_attempts=4, backoff=10.0, factor=2.0, jitter=True, not_on=(Declined,)))
def charge(order: Order) -> str:
    CALLED.append(("charge", current.attempt))
    return f"paid {order.id}"


@df.step
async def reserve(item: str) -> str:
    await asyncio.sleep(0)
    CALLED.append(("reserve", item))
    return item.upper()


@df.step(timeout=timedelta(minutes=5))
def ship(parcel: list[str]) -> str:
    CALLED.append(("ship", tuple(parcel)))
    return "shipped"


@df.step
def remind(number: int) -> None:
    CALLED.append(("remind", number))


@df.workflow
async def checkout(order: Order) -> list[str]:
    payment = await charge(order)
    reserved = await gather(*(reserve(item) for item in order.items))
    return [payment, *reserved, await ship(reserved)]


@df.workflow
async def reserves(items: list[str]) -> Any:
    try:
        return await gather(*(reserve(item) for item in items))
    except SoldOut as error:
        return f"no {error.item}"


@df.workflow
async def reminders(days: int) -> str:
    for number in range(days):
        which, _ = await race(receive("paid", str), sleep(timedelta(days=1)))
        if which == 0:
            return f"paid after {number} reminders"
        await remind(number + 1)
    return "never paid"


@df.workflow
async def patient() -> str:
    try:
        async with timeout(timedelta(hours=1)):
            return await charge(Order("p", []))
    except TimeoutError:
        return "took too long"


@df.workflow
async def delegates(order: Order) -> Any:
    return await checkout(order)


@df.workflow
async def leaves_a_child() -> str:
    await spawn(reminders(3), parent_ends="leave")
    await remind(0)
    return "left"


@df.workflow
async def polls() -> None:
    while not await ship([]):
        await sleep(60)


@df.workflow
async def loses(item: str) -> None:
    raise SoldOut(item, 0)


@df.workflow
async def gives(value: Any) -> Any:
    return value


ORDER = Order("42", ["tea", "pot"])
