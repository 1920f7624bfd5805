"""Values without parts: each has a tag, a JSON payload, and a way back that calls nothing of the user's."""

import base64
import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import EllipsisType, NotImplementedType
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from pydantic_core import TzInfo

from durableflow.codec.refusal import Refused

SAFE_INTEGER = 2**53
"""Readers of JSON that hold numbers as doubles (JavaScript, many BI tools) round integers beyond this."""

_UNSAFE_TEXT = re.compile("[\0\ud800-\udfff]")
_TO_ESCAPE = re.compile("[\0\\\\\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(?:\\|u([0-9a-f]{4}))")
_ZONE = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*")


def clean(text: str) -> bool:
    """Whether PostgreSQL takes this text inside JSON: no NUL character, no lone surrogate."""
    return _UNSAFE_TEXT.search(text) is None


def text_node(text: str) -> Any:
    """A str as JSON: itself, or tagged with escapes when PostgreSQL would refuse it."""
    return text if clean(text) else {"~": "str", "v": _TO_ESCAPE.sub(_escape, text)}


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return "\\\\" if char == "\\" else f"\\u{ord(char):04x}"


def _text_back(payload: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else "\\", payload)


def text_from(node: Any) -> str:
    """The str of a `text_node`; TypeError when the node is something else."""
    if type(node) is dict and node.get("~") == "str":
        node = _text_back(node["v"])
    if type(node) is not str:
        raise TypeError("expected text")
    return node


def int_node(number: int) -> Any:
    """An int as JSON: itself, or tagged beyond the integers that every JSON reader keeps."""
    return number if -SAFE_INTEGER <= number <= SAFE_INTEGER else {"~": "int", "v": _int_text(number)}


def _int_text(number: int) -> str:
    # Python refuses decimal text of more than 4,300 digits (a process may lower that to 640); hexadecimal has no limit.
    return str(number) if number.bit_length() < 2000 else hex(number)


def _int_back(payload: str) -> int:
    return int(payload, 16) if "x" in payload else int(payload)


def float_node(number: float) -> Any:
    """A float as JSON: itself, or tagged where JSON has no number for it."""
    return number if number - number == 0 else {"~": "float", "v": repr(number)}


def _fixed_zone_payload(zone: timezone) -> Any:
    offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]  # its only way to tell a given name
    return [_delta_payload(offset), *(text_node(part) for part in name)]


def _moment_payload(moment: datetime | time) -> Any:
    zone = moment.tzinfo
    if not moment.fold and (zone is None or (zone is UTC and type(moment) is datetime)):
        return moment.isoformat()
    payload: dict[str, Any] = {"at": moment.replace(tzinfo=None, fold=0).isoformat()}
    if moment.fold:
        payload["fold"] = 1
    if zone is not None:
        kind = type(zone)
        if kind is not timezone and kind is not TzInfo and kind is not ZoneInfo:
            raise Refused(kind, "datetime.timezone and zoneinfo.ZoneInfo have a stored form")
        payload["zone"] = write_scalar(zone)
    return payload


def _moment_back(kind: Any) -> Callable[[Any], Any]:
    def back(payload: Any) -> Any:
        if type(payload) is str:
            return kind.fromisoformat(payload)
        zone = read_scalar(payload["zone"]) if "zone" in payload else None
        return kind.fromisoformat(payload["at"]).replace(tzinfo=zone, fold=payload.get("fold", 0))

    return back


def _zone_payload(zone: ZoneInfo) -> str:
    if zone.key is None:
        raise Refused(ZoneInfo, "it was made from a file and has no key")
    return zone.key


def _zone_back(payload: str) -> ZoneInfo:
    if _ZONE.fullmatch(payload) is None:  # the key becomes a file name
        raise ValueError("not the key of a time zone")
    return ZoneInfo(payload)


def _delta_payload(delta: timedelta) -> list[int]:
    return [delta.days, delta.seconds, delta.microseconds]


def _delta_back(payload: list[int]) -> timedelta:
    days, seconds, microseconds = payload
    return timedelta(days, seconds, microseconds)


def _uuid_payload(uuid: UUID) -> Any:
    return str(uuid) if uuid.is_safe is SafeUUID.unknown else [str(uuid), uuid.is_safe.value]


def _uuid_back(payload: Any) -> UUID:
    if type(payload) is str:
        return UUID(payload)
    text, safe = payload
    return UUID(text, is_safe=SafeUUID(safe))


def _text_payload(value: object) -> Any:
    return text_node(str(value))


def _text_into(kind: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda payload: kind(text_from(payload))


def _bytes_payload(data: bytes | bytearray) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes_back(payload: str) -> bytes:
    return base64.b64decode(payload, validate=True)


def _complex_payload(number: complex) -> list[str]:
    return [repr(number.real), repr(number.imag)]


def _complex_back(payload: list[str]) -> complex:
    real, imaginary = payload
    return complex(float(real), float(imaginary))


def _range_back(payload: list[Any]) -> range:
    start, stop, step = (_int_from(part) for part in payload)
    return range(start, stop, step)


def _fraction_back(payload: list[Any]) -> Fraction:
    numerator, denominator = (_int_from(part) for part in payload)
    return Fraction(numerator, denominator)


def _int_from(node: Any) -> int:
    if type(node) is dict and node.get("~") == "int":
        return _int_back(node["v"])
    if type(node) is not int:
        raise TypeError("expected an integer")
    return node


def _expect_text(back: Callable[[str], Any]) -> Callable[[Any], Any]:
    def checked(payload: Any) -> Any:
        if type(payload) is not str:
            raise TypeError("expected text")
        return back(payload)

    return checked


_Form = tuple[str, Callable[[Any], Any], Callable[[Any], Any]]

_FORMS: dict[type, _Form] = {
    datetime: ("datetime", _moment_payload, _moment_back(datetime)),
    time: ("time", _moment_payload, _moment_back(time)),
    date: ("date", date.isoformat, _expect_text(date.fromisoformat)),
    timedelta: ("timedelta", _delta_payload, _delta_back),
    timezone: ("timezone", _fixed_zone_payload, lambda payload: _fixed_zone_back(*payload)),
    ZoneInfo: ("zoneinfo", _zone_payload, _expect_text(_zone_back)),
    TzInfo: ("pydantic_zone", lambda zone: zone.__reduce__()[1][0], lambda payload: TzInfo(_int_from(payload))),
    Decimal: ("Decimal", str, _expect_text(Decimal)),
    Fraction: ("Fraction", lambda f: [int_node(f.numerator), int_node(f.denominator)], _fraction_back),
    UUID: ("UUID", _uuid_payload, _uuid_back),
    bytes: ("bytes", _bytes_payload, _expect_text(_bytes_back)),
    complex: ("complex", _complex_payload, _complex_back),
    range: ("range", lambda r: [int_node(r.start), int_node(r.stop), int_node(r.step)], _range_back),
    EllipsisType: ("Ellipsis", lambda _: None, lambda _: ...),
    NotImplementedType: ("NotImplemented", lambda _: None, lambda _: NotImplemented),
}
_FORMS |= {
    kind: (kind.__name__, _text_payload, _text_into(kind))
    for kind in (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)
}
_FORMS |= {
    kind: (kind.__name__, _text_payload, _text_into(kind))
    for kind in (
        ipaddress.IPv4Address,
        ipaddress.IPv6Address,
        ipaddress.IPv4Network,
        ipaddress.IPv6Network,
        ipaddress.IPv4Interface,
        ipaddress.IPv6Interface,
    )
}


def _fixed_zone_back(offset: list[int], *name: Any) -> timezone:
    return timezone(_delta_back(offset), *(text_from(part) for part in name))


SCALARS: dict[type, tuple[str, Callable[[Any], Any]]] = {kind: (tag, write) for kind, (tag, write, _) in _FORMS.items()}
"""By exact class: the tag, and what gives the payload."""

SCALAR_READERS: dict[str, Callable[[Any], Any]] = {tag: read for tag, _, read in _FORMS.values()} | {
    "str": _expect_text(_text_back),
    "int": _expect_text(_int_back),
    "float": _expect_text(float),
}
"""By tag: what makes the value out of its payload."""


def write_scalar(value: object) -> Any:
    """The tagged node of a value whose exact class is in `SCALARS`."""
    tag, payload = SCALARS[type(value)]
    return {"~": tag, "v": payload(value)}


def read_scalar(node: Any) -> Any:
    """The value of a node with a tag of `SCALAR_READERS`."""
    return SCALAR_READERS[node["~"]](node.get("v"))
