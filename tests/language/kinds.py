"""Types that events may be, and types that they may not."""

import dataclasses
import datetime
import enum
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, NewType, Optional, Protocol, TypeVar

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from durableflow import race, receive, sleep
from durableflow.client import Client

df = Client("kinds")
T = TypeVar("T")


class Model(BaseModel):
    number: int


class Page(BaseModel, Generic[T]):
    items: list[T]


@dataclasses.dataclass
class Data:
    number: int


class Pair(NamedTuple):
    left: int
    right: int


class Colour(enum.Enum):
    RED = "red"


class Table(TypedDict):
    number: int


class Plain:
    """Neither a model nor a dataclass."""


class Shape(Protocol):
    def area(self) -> float: ...


def local() -> type[BaseModel]:
    class Local(BaseModel):
        number: int

    return Local


UserId = NewType("UserId", int)
NUMBER = {"number": 1}

FIT: dict[str, tuple[Any, Any, Any]] = {
    "int": (int, 3, 3),
    "None": (None, None, None),
    "Any": (Any, {"x": [1]}, {"x": [1]}),
    "model": (Model, NUMBER, Model(number=1)),
    "list[Model]": (list[Model], [NUMBER], [Model(number=1)]),
    "Model | None": (Model | None, None, None),
    "Optional": (Optional[Model], NUMBER, Model(number=1)),  # noqa: UP045
    "Literal": (Literal["a", 1], 1, 1),
    "dataclass": (Data, NUMBER, Data(1)),
    "named tuple": (Pair, [1, 2], Pair(1, 2)),
    "enum": (Colour, "red", Colour.RED),
    "dict": (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
    "tuple": (tuple[int, ...], [1, 2], (1, 2)),
    "set": (set[int], [1], {1}),
    "generic model": (Page[Model], {"items": [NUMBER]}, Page[Model](items=[Model(number=1)])),
    "datetime": (datetime.datetime, "2030-01-01T00:00:00", datetime.datetime(2030, 1, 1)),
    "nested": (dict[str, Literal["a"] | list[Data | None]], {"x": [None, NUMBER]}, {"x": [None, Data(1)]}),
}

REFUSED: dict[str, Any] = {
    "Annotated": Annotated[int, Field(gt=0)],
    "list of Annotated": list[Annotated[int, Field(gt=0)]],
    "TypedDict": Table,
    "NewType": UserId,
    "type variable": T,
    "class in a function": local(),
    "plain class": Plain,
    "protocol": Shape,
    "abstract": Sequence[int],
    "callable": Callable[[int], int],
    "Final": Final[int],
    "name": "Model",
    "number": 3,
    "function": len,
    "instance": Model(number=1),
    "list": [int],
}


@df.workflow
async def waits_for(kind: str) -> Any:
    wanted = receive("event", FIT[kind][0])
    await race(wanted, sleep(5))
    return await wanted
