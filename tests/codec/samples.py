"""Classes of the kinds that users write; what must never run while a value comes back says so loudly."""

from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum, auto
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, HttpUrl, PrivateAttr, RootModel, SecretStr, field_validator

T = TypeVar("T")


class Ran(BaseException):
    """User code ran while a value was restored."""


def forbidden(*args: Any, **kwargs: Any) -> NoReturn:
    raise Ran(args, kwargs)


class Color(Enum):
    RED = "red"
    CRIMSON = "red"  # noqa: PIE796  # an alias
    BLUE = ("tuple", 1)


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Word(StrEnum):
    YES = auto()


class Rights(Flag):
    READ = auto()
    WRITE = auto()
    BOTH = READ | WRITE


class Bits(IntFlag):
    ONE = 1
    FOUR = 4


class Odd(Flag):
    A = 1
    B = 2

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return super()._missing_(value)


class Shape:
    class Inner(Enum):
        DOT = 1


@dataclass
class Order:
    id: int
    items: list[Any] = field(default_factory=list)
    note: str = "none"
    total: float = field(init=False, default=0.0)


@dataclass
class Guarded:
    """Validates, and counts on nothing of that being done again."""

    amount: int
    factor: InitVar[int] = 2
    doubled: int = field(init=False)

    def __post_init__(self, factor: int) -> None:
        if self.amount < 0:
            raise ValueError("negative")
        self.doubled = self.amount * factor


@dataclass(frozen=True)
class Point:
    x: Any
    y: Any = 0


@dataclass(slots=True)
class Slotted:
    a: Any
    b: Any = None


@dataclass(frozen=True, slots=True)
class FrozenSlotted:
    key: Any
    value: Any = None


@dataclass(slots=True)
class SlottedChild(Slotted):
    c: Any = None


@dataclass
class Box(Generic[T]):
    content: T


class Pair(NamedTuple):
    left: Any
    right: Any = "default"


OldPair = namedtuple("OldPair", ["first", "second"])


class Vector(namedtuple("Vector", "x y")):
    def length(self) -> float:
        return (self.x**2 + self.y**2) ** 0.5


class Trap(NamedTuple("Trap", [("value", Any)])):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if Trap.armed:
            forbidden()
        return super().__new__(cls, *args, **kwargs)

    armed = False


@dataclass
class Armed:
    """Every hook that a restore could run raises, once armed."""

    value: Any
    armed = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return forbidden() if Armed.armed else super().__new__(cls)

    def __post_init__(self) -> None:
        if Armed.armed:
            forbidden()

    def __setattr__(self, name: str, value: Any) -> None:
        if Armed.armed:
            forbidden()
        super().__setattr__(name, value)

    def __getattribute__(self, name: str) -> Any:
        if Armed.armed:
            forbidden()
        return super().__getattribute__(name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return forbidden()

    __setstate__ = __getstate__ = __copy__ = __deepcopy__ = lambda self, *a: None


class Line(BaseModel):
    sku: str
    count: int = 1
    tags: list[str] = []


class Basket(BaseModel):
    model_config = ConfigDict(extra="allow")
    lines: list[Line]
    owner: Any = None
    _seen: set[int] = PrivateAttr(default_factory=set)
    _later: Any = PrivateAttr()


class Gift(Line):
    wrapped: bool = True


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)
    number: int

    @field_validator("number")
    @classmethod
    def check(cls, number: int) -> int:
        if number < 0:
            raise ValueError("negative")
        return number


class Numbers(RootModel[list[int]]):
    pass


class Crate(BaseModel, Generic[T]):
    content: T


IntCrate = Crate[int]
LineCrate = Crate[Line]


class Link(BaseModel):
    url: HttpUrl


class Login(BaseModel):
    user: str
    password: SecretStr


class OutOfStock(Exception):
    def __init__(self, sku: str, *, left: int) -> None:
        super().__init__(f"{sku}: only {left} left")
        self.sku = sku
        self.left = left


class Slot(Exception):
    __slots__ = ("place",)


class NotThere(KeyError, AttributeError):
    pass


class DiskFull(OSError):
    def __init__(self, device: str) -> None:
        super().__init__(28, "No space left", device)
        self.device = device


class Failures(ExceptionGroup[Exception]):
    def derive(self, excs: Any) -> Any:
        return Failures(self.message, excs)


@dataclass
class Declined(Exception):
    code: int
    reason: str = ""


class Plain:
    def __init__(self) -> None:
        self.x = 1

    def method(self) -> int:
        return self.x

    @staticmethod
    def helper(x: int) -> int:
        return x


@dataclass
class Masked:
    x: int
    __dict__ = {"x": 5}  # type: ignore[assignment]


@dataclass
class Held:
    x: int

    def __del__(self) -> None:
        """Gives back what it held."""


class Reducing:
    def __reduce__(self) -> Any:
        return forbidden, ()


class Proxy:
    """Loads what it stands for as soon as it is asked for its class, as lazy objects of frameworks do."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return forbidden()


LAZY = Proxy()


class Meta(type):
    armed = False

    def __getattribute__(cls, name: str) -> Any:
        return forbidden() if Meta.armed else super().__getattribute__(name)

    def __eq__(cls, other: object) -> Any:
        return forbidden() if Meta.armed else super().__eq__(other)

    __hash__ = type.__hash__


class Watched(metaclass=Meta):
    pass


Meta.armed = True


class MyDict(dict[Any, Any]):
    pass


class MyInt(int):
    pass


@dataclass
class DictAnd(dict[Any, Any]):
    x: int = 0


def double(x: int) -> int:
    return 2 * x


def outer() -> Any:
    def inner() -> int:
        return 1

    return inner


def local_class() -> Any:
    @dataclass
    class Local:
        x: int

    return Local(1)
