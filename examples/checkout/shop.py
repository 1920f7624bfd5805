"""The shop: a workflow with pydantic models, retries, a fan-out, a durable sleep, and a saga that is an ``except``."""

import os
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, PositiveInt

from durableflow import DurableFlow, Retry, current, gather, sleep
from examples.checkout.services import World

df = DurableFlow("shop")

WORLD = World(Path(os.environ.get("CHECKOUT_WORLD", "checkout-world.sqlite")))


PERSISTENT = Retry(max_attempts=10, backoff=0.5)


class Order(BaseModel):
    """What a customer wants: article numbers, and what it costs in cents."""

    id: str
    items: list[str]
    cents: PositiveInt


class Payment(BaseModel):
    """Money taken from the customer."""

    order_id: str
    cents: int
    reference: str


class Receipt(BaseModel):
    """What the customer gets at the end."""

    order_id: str
    cents: int
    parcels: list[str]


class CardDeclined(Exception):
    """The customer's bank said no: trying again would not help."""


class OutOfStock(Exception):
    """A shelf is empty."""


@df.step(retry=Retry(max_attempts=5, backoff=0.5, not_on=(CardDeclined,)))
def charge(order: Order) -> Payment:
    """Take the money. The provider sees the same key at every attempt, so the customer pays once."""
    if order.cents > 1_000_000:
        raise CardDeclined(f"order {order.id}: over the limit")
    WORLD.perform("charge", current.idempotency_key, order.id, order.cents)
    return Payment(order_id=order.id, cents=order.cents, reference=current.idempotency_key)


@df.step
def reserve(order: Order, position: int) -> str:
    """Take one article off its shelf."""
    sku = order.items[position]
    if not WORLD.take_from_stock(current.idempotency_key, order.id, sku):
        raise OutOfStock(sku)
    return sku


@df.step(retry=PERSISTENT)
def call_off(order: Order) -> None:
    """Put back what was reserved, and reserve nothing more."""
    WORLD.call_off(order.id)


@df.step(retry=PERSISTENT)
def refund(payment: Payment) -> None:
    """Pay the money back."""
    WORLD.perform("refund", current.idempotency_key, payment.order_id, payment.cents)


@df.step(retry=PERSISTENT)
def ship(order: Order, sku: str) -> str:
    """Hand a parcel to the carrier."""
    WORLD.perform("ship", current.idempotency_key, f"{order.id}/{sku}", 1)
    return f"parcel for {sku}"


@df.workflow
async def checkout(order: Order, packing_time: timedelta = timedelta(seconds=1)) -> Receipt:
    """Sell an order, or give the money back."""
    payment = await charge(order)
    try:
        skus = await gather(*(reserve(order, position) for position in range(len(order.items))))
    except OutOfStock:
        await gather(call_off(order), refund(payment))
        raise
    await sleep(packing_time)
    parcels = await gather(*(ship(order, sku) for sku in skus))
    return Receipt(order_id=order.id, cents=payment.cents, parcels=list(parcels))
