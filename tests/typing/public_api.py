"""What a type checker makes of the public API. Read by mypy, never run: see ``test_public_api.py``.

Each ``assert_type`` is a promise; each ``type: ignore[code]`` is a mistake that mypy must find, since an ignore that
nothing needs is an error too.
"""

from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from durableflow import Call, DurableFlow, Gather, Retry, Run, current, gather, sleep


class Order(BaseModel):
    id: int
    items: list[str] = []


class Payment(BaseModel):
    amount: float


class Parcel(BaseModel):
    item: str


class Receipt(BaseModel):
    order: int


df = DurableFlow("shop", database="postgresql://localhost/shop", broker="redis://localhost")


@df.step
def charge(order: Order) -> Payment:
    return Payment(amount=float(order.id))


@df.step(retry=Retry(max_attempts=5, backoff=1.0, jitter=True, not_on=(ValueError,)), queue="payments", timeout=30)
async def ship(item: str, *, fast: bool = False) -> Parcel:
    assert_type(current.attempt, int)
    assert_type(current.idempotency_key, str)
    return Parcel(item=item)


@df.step(name="shop.look", timeout=timedelta(minutes=1), priority=3)
def look(item: str) -> int:
    return len(item)


@df.workflow
async def checkout(order: Order, note: str = "") -> Receipt:
    assert_type(charge(order), Call[Payment])
    assert_type(await charge(order), Payment)
    assert_type(await ship("a", fast=True), Parcel)
    assert_type(await charge.options(queue="slow", timeout=timedelta(seconds=1))(order), Payment)

    pair = await gather(charge(order), ship("a"))
    assert_type(pair, tuple[Payment, Parcel])
    three = await gather(look("a"), ship("b"), sleep(1))
    assert_type(three, tuple[int, Parcel, None])
    many = await gather(*(ship(item) for item in order.items))
    assert_type(many, list[Parcel])
    nested = await gather(gather(look("a"), look("b")), charge(order))
    assert_type(nested, tuple[tuple[int, int], Payment])

    assert_type(look.map(order.items), Gather[list[int]])
    assert_type(await look.map(order.items), list[int])
    assert_type(await ship.map(order.items), list[Parcel])
    await sleep(timedelta(hours=6))
    return Receipt(order=order.id)


@df.workflow(name="shop.other", queue="slow")
async def other() -> None:
    await sleep(1)


def outside(order: Order, session: Any) -> None:
    run = checkout(order).start(key="order-42", labels={"shop": "north"}, priority=3, connection=session)
    assert_type(run, Run[Receipt])
    assert_type(run.result(timeout=30), Receipt)
    assert_type(run.result(timedelta(seconds=1)), Receipt)
    assert_type(run.state, str)
    assert_type(run.cancel(), bool)
    assert_type(charge(order).start(), Run[Payment])
    assert_type(other().start(deadline=timedelta(days=1)), Run[None])
    assert_type(charge.run(order), Payment)
    assert_type(df.run("01890a5d-ac96-774b-bcce-b302099a8057"), Run[Any])


async def unit_test(order: Order) -> None:
    assert_type(await ship.run("a"), Parcel)
    assert_type(await checkout.run(order), Receipt)


def mistakes(order: Order) -> None:
    charge("order")  # type: ignore[arg-type]
    charge()  # type: ignore[call-arg]
    charge(order, key="x")  # type: ignore[call-arg]
    ship(1)  # type: ignore[arg-type]
    ship("a", quick=True)  # type: ignore[call-arg]
    checkout(order, 3)  # type: ignore[arg-type]
    checkout(order).start("order-42")  # type: ignore[call-arg]
    checkout(order).start(key=42)  # type: ignore[arg-type]
    charge.run("order")  # type: ignore[arg-type]
    charge.options(queue=3)  # type: ignore[arg-type]
    print(charge(order).amount)  # type: ignore[attr-defined]
    print(charge(order) + 1)  # type: ignore[operator]
    look.map([1, 2])  # type: ignore[list-item]
    gather(order)  # type: ignore[call-overload]
    sleep("a while")  # type: ignore[arg-type]
    for _ in charge(order):  # type: ignore[attr-defined]
        pass


@df.workflow  # type: ignore[arg-type]
def not_async(order: Order) -> Receipt:
    return Receipt(order=order.id)


async def forgets(order: Order) -> Payment:
    return charge(order)  # type: ignore[return-value]
