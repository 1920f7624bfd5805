"""Found because it is called so: nobody imports it."""

import os
import threading

from django.db import connection

from durableflow import Cron, Retry, receive
from durableflow.contrib.django import df
from tests.contrib.django.orders.models import Order

TWICE = Retry(max_attempts=2, backoff=0.0)


@df.step(retry=TWICE)
def pay(order_id: int) -> str:
    return f"{Order.objects.get(pk=order_id).state}, by {_session()}"


@df.step(retry=TWICE)
async def pay_async(order_id: int) -> str:
    return (await Order.objects.aget(pk=order_id)).state


@df.step
def decline(order_id: int) -> str:
    raise ValueError(f"order {order_id} is declined")


@df.workflow
async def checkout(order_id: int) -> list[str]:
    return [await pay(order_id), await pay_async(order_id)]


@df.workflow
async def refused(order_id: int) -> str:
    return await decline(order_id)


@df.workflow
async def approved(order_id: int) -> str:
    return str(await receive("approval", str))


@df.workflow(schedule=Cron("0 3 * * *", tz="Europe/Berlin"))
async def nightly() -> None:
    return None


def _session() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return f"{os.getpid()}/{threading.get_ident()}/{cursor.fetchone()[0]}"
