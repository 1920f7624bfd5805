"""Definitions that take input from outside."""

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from durableflow.client import Client

df = Client("store")


class Item(BaseModel):
    name: str
    price: Decimal


class Gift(Item):
    message: str = ""


class Order(BaseModel):
    id: int
    items: list[Item] = []


@dataclasses.dataclass
class Address:
    street: str


class Refused(Exception):
    """An error of the workflow's own."""


@df.step
def pack(item: Item, times: int = 1) -> str:
    return item.name * times


@df.workflow
async def checkout(order: Order, day: date = date(2026, 11, 22), *notes: str, gift: bool = False) -> Any:
    return await pack(order.items[0])


@df.workflow
async def deliver(address: Address, anything: Any = None, untyped=None) -> Any:  # type: ignore[no-untyped-def]
    return await pack(anything)
