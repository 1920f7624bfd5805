"""What a type checker makes of everything that a workflow waits for. Read by mypy, never run: see ``public_api.py``."""

from datetime import datetime, timedelta
from typing import Any, Literal, assert_type
from uuid import UUID

from pydantic import BaseModel

from durableflow import (
    Approved,
    DurableFlow,
    Handle,
    Run,
    approval,
    begin,
    cancel,
    gather,
    later,
    race,
    receive,
    sleep,
    sleep_until,
    spawn,
    timeout,
    timeout_at,
)


class Decision(BaseModel):
    granted: bool


class Parcel(BaseModel):
    item: str


df = DurableFlow("shop", database="postgresql://localhost/shop", broker="redis://localhost")


@df.step
def weigh(item: str) -> int:
    return len(item)


@df.step
def total(weights: list[int]) -> float:
    return float(sum(weights))


@df.workflow
async def shipping(item: str) -> Parcel:
    await weigh(item)
    return Parcel(item=item)


@df.routine
async def packing(item: str) -> bytes:
    await weigh(item)
    return b""


@df.workflow
async def events() -> None:
    assert_type(await receive("decision", Decision), Decision)
    assert_type(await receive("decision", Decision, timeout=timedelta(days=3)), Decision)
    assert_type(await receive("numbers", list[int], timeout=10), list[int])
    assert_type(await receive("anything"), Any)
    decision = await approval("invoice", Decision)
    assert_type(decision, Approved[Decision])
    assert_type(decision.form, Decision)
    assert_type(decision.by, str | None)
    assert_type(decision.at, datetime)


@df.workflow
async def races(items: list[str]) -> None:
    which, value = await race(weigh("a"), shipping("b"))
    assert_type(which, Literal[0, 1])
    assert_type(value, int | Parcel)
    match await race(receive("decision", Decision), sleep(60), weigh("a")):
        case 0, decision:
            assert_type(decision, Decision)
        case 1, nothing:
            assert_type(nothing, None)
        case 2, weight:
            assert_type(weight, int)
    won = await race(weigh("a"), shipping("b"), receive("decision", Decision), sleep(60))
    if won[0] == 2:
        assert_type(won[1], Decision)
    assert_type(await race(*(weigh(item) for item in items)), tuple[int, int])


@df.workflow
async def together(items: list[str]) -> None:
    pair = await gather(weigh("a"), shipping("b"), return_exceptions=True)
    assert_type(pair, tuple[int | BaseException, Parcel | BaseException])
    assert_type(await gather(weigh("a"), shipping("b"), limit=1), tuple[int, Parcel])
    assert_type(await gather(*(weigh(item) for item in items), limit=3), list[int])
    found = await gather(*(weigh(item) for item in items), limit=3, return_exceptions=True)
    assert_type(found, list[int | BaseException])
    assert_type(await weigh.map(items, limit=3), list[int])


@df.workflow
async def begun(items: list[str]) -> None:
    weight, pause, parcel = begin(weigh("a")), begin(sleep(3)), begin(shipping("b"))
    assert_type(weight, Handle[int])
    assert_type(await weight, int)
    assert_type(await parcel, Parcel)
    assert_type(await gather(weight, parcel), tuple[int, Parcel])
    assert_type(await race(weight, pause), tuple[Literal[0], int] | tuple[Literal[1], None])
    assert_type(await gather(*[begin(weigh(item)) for item in items]), list[int])
    cancel(parcel)
    child = await spawn(shipping("a"), parent_ends="leave", failure="fail")
    assert_type(child.id, UUID)
    assert_type(await child, Parcel)
    cancel(child)


@df.workflow
async def flows(items: list[str]) -> None:
    first = weigh("a")
    assert_type(later(first), int)
    assert_type(await total([later(first), later(weigh("b"))]), float)
    assert_type(await total(later(gather(*(weigh(item) for item in items)))), float)
    assert_type(await shipping("a"), Parcel)
    assert_type(await packing("a"), bytes)


@df.workflow
async def time(moment: datetime) -> None:
    async with timeout(timedelta(hours=1)) as deadline:
        await sleep_until(moment)
    assert_type(deadline.expired(), bool)
    async with timeout_at(moment), timeout(None):
        await sleep(1)


def outside(run: Run[Parcel]) -> None:
    assert_type(run.send("decision", Decision(granted=True), id="click-1", by="ana"), bool)
    assert_type(df.send(run.id, "decision", {"granted": True}), bool)


async def mistakes(handle: Handle[int]) -> None:
    begin(packing("a"))  # type: ignore[call-overload]
    begin(receive("decision"))  # type: ignore[call-overload]
    later(sleep(3))  # type: ignore[arg-type]
    later(handle)  # type: ignore[arg-type]
    spawn(sleep(3))  # type: ignore[arg-type]
    spawn(shipping("a"), parent_ends="dies")  # type: ignore[arg-type]
    cancel(weigh("a"))  # type: ignore[arg-type]
    race(weigh)  # type: ignore[call-overload]
    gather(weigh("a"), limit="3")  # type: ignore[call-overload]
    total(later(weigh("a")))  # type: ignore[arg-type]
    approval("invoice")  # type: ignore[call-arg]
    sleep_until("tomorrow")  # type: ignore[arg-type]
    timeout_at(timedelta(hours=1))  # type: ignore[arg-type]
    with timeout(3):  # type: ignore[attr-defined]
        pass
