"""The steps and workflows that these tests call."""

import asyncio
import dataclasses
import threading
from datetime import timedelta
from typing import Any

from durableflow import Call, Retry, current, gather, sleep
from durableflow.client import Client

df = Client("shop")

journal: list[Any] = []


class CardDeclined(Exception):
    """The customer's card."""


@dataclasses.dataclass
class Order:
    id: int
    items: list[str] = dataclasses.field(default_factory=list)


@df.step
def charge(order: Order, currency: str = "EUR") -> str:
    journal.append(("charge", order.id, current.attempt))
    if order.id < 0:
        raise CardDeclined(order.id)
    return f"paid {order.id} {currency}"


@df.step(queue="parcels", retry=Retry(max_attempts=5), priority=7, timeout=timedelta(minutes=2))
async def ship(item: str, *, fast: bool = False) -> str:
    await asyncio.sleep(0)
    journal.append(("ship", item))
    return f"{item} {'by air' if fast else 'by land'}"


@df.step(name="shop.stock.count")
def count(item: str) -> int:
    return len(item)


@df.step
def mutate(items: list[str]) -> list[str]:
    items.append("more")
    return items


@df.workflow
async def checkout(order: Order) -> Any:
    payment = await charge(order)
    parcels = await gather(*(ship(item) for item in order.items))
    await sleep(timedelta(days=30))
    return payment, parcels


@df.workflow(queue="slow", name="shop.saga")
async def saga(order: Order) -> str:
    try:
        await charge(order)
    except CardDeclined as declined:
        return f"declined {declined.args[0]}"
    return "done"


@df.workflow
async def one_of_many(item: str) -> Any:
    return await gather(gather(count(item), count("b")), gather(), sleep(1), ship(item))


@df.workflow
async def keeps_calls(item: str) -> Any:
    later: Call[int] = count(item)
    both = [gather(count("b"), ship("c")), sleep(2)]
    way = ship.options(queue="air", retry=Retry(max_attempts=2))
    number = await count("first")
    return [number, await later, await both[0], await both[1], await way("d", fast=True)]


@df.workflow
async def nothing_to_wait_for(rounds: int) -> list[Any]:
    seen = []
    for _ in range(rounds):
        seen.append(await gather())
        seen.append(await gather(gather(), gather(gather())))
    return seen


@df.workflow
async def awaits(what: str) -> str:
    try:
        if what == "asyncio.sleep":
            await asyncio.sleep(1)
        elif what == "coroutine":
            await helper()
        elif what == "int":
            await 5  # type: ignore[misc]
        elif what == "workflow":
            await saga(Order(1))
        elif what == "workflow in gather":
            await gather(count("a"), saga(Order(1)))
        elif what == "coroutine in gather":
            await gather(count("a"), helper())  # type: ignore[call-overload]
    except TypeError as refused:
        return str(refused)
    return "awaited"


async def helper() -> None:
    """A plain coroutine."""


@df.workflow
async def drops(how: str) -> Any:
    made = None
    if how == "dead variable":
        made = count("a")
    elif how == "bare":
        make("a")
    elif how == "gather":
        made = gather(count("a"))
    elif how == "sleep":
        made = sleep(1)
    elif how == "returned":
        return count("a")
    elif how == "in a result":
        return {"calls": [count("a")]}
    elif how == "as argument":
        return await mutate([count("a")])
    elif how == "overtaken by an error":
        made = count("a")
        raise CardDeclined(1)
    elif how == "used later":
        made = count("a")
        await count("b")
        return await made
    await count("b")
    return "nobody noticed"


@df.workflow
async def is_overtaken(items: list[str]) -> Any:
    try:
        return await gather(*[count(checked(item)) for item in items])
    except CardDeclined:
        await charge(Order(1))
    return "made up for it"


def checked(item: str) -> str:
    if not item:
        raise CardDeclined(item)
    return item


def make(item: str) -> Call[int]:
    return count(item)


@df.workflow
async def keeps_a_lock(no_steps: bool) -> Any:
    guard = threading.Lock()
    try:
        if no_steps:
            await gather()
        else:
            await count("a")
    except Exception:
        return "caught what it must not"
    return guard


@df.workflow
async def uses_its_copy(items: list[str]) -> list[Any]:
    longer = await mutate(items)
    return [items, longer]
