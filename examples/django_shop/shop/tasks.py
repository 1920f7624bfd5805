"""A task that the project had before."""

from celery import shared_task
from shop.models import Order


@shared_task
def thank(order_id: int) -> str:
    order = Order.objects.get(pk=order_id)
    return f"thank you, {order.email}, for {order.item}"
