"""Found by durableflow in every installed app, as Celery finds ``tasks.py``."""

from datetime import timedelta

from shop.models import Order, Payment
from shop.tasks import thank

from durableflow import Retry, current, durable, receive
from durableflow.contrib.django import df

AGAIN = Retry(max_attempts=5, backoff=0.5)


class OutOfStock(Exception):
    """The shelf is empty."""


@df.step(retry=AGAIN)
def charge(order_id: int) -> int:
    """Take the money, once: the key is the same for every attempt."""
    order = Order.objects.get(pk=order_id)
    payment, _ = Payment.objects.get_or_create(
        key=current.idempotency_key, defaults={"order": order, "cents": order.cents}
    )
    return payment.pk


@df.step(retry=Retry(max_attempts=5, backoff=0.5, not_on=(OutOfStock,)))
async def reserve(order_id: int) -> None:
    """Take the article off its shelf."""
    order = await Order.objects.aget(pk=order_id)
    if order.item == "lamp":
        raise OutOfStock(order.item)


@df.step(retry=AGAIN)
def refund(payment_id: int) -> None:
    """Give the money back."""
    Payment.objects.filter(pk=payment_id).update(cents=0)


@df.step(retry=AGAIN)
def move_to(order_id: int, state: str) -> str:
    """Write down where the order is."""
    Order.objects.filter(pk=order_id).update(state=state)
    return state


@df.workflow
async def checkout(order_id: int) -> str:
    """Sell an order, or give the money back."""
    payment_id = await charge(order_id)
    try:
        await reserve(order_id)
    except OutOfStock:
        await refund(payment_id)
        return await move_to(order_id, "cancelled")
    await receive("packed", str, timeout=timedelta(days=14))
    await durable(thank.s(order_id))  # a task that the project had before
    return await move_to(order_id, "shipped")
