"""Things that happen to runs of ``tests.waiting.shop``, to be done with the real engine and with a simulation."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.waiting import shop


@dataclass(frozen=True)
class Send:
    """An event to the run, or to its first child."""

    name: str
    payload: Any = None
    id: str | None = None
    by: str | None = None
    to_child: bool = False


@dataclass(frozen=True)
class Pass:
    """So many seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Cancel:
    """Somebody cancels the run."""


@dataclass(frozen=True)
class Script:
    """call: makes the call; actions: what happens, each after everything that could be done was done; early: whether
    the first of them happen before that; broken: what does not answer; deadline: of the run."""

    name: str
    call: Callable[[], Any]
    actions: tuple[Any, ...] = ()
    early: int = 0
    broken: tuple[str, ...] = ()
    deadline: timedelta | None = None


APPROVED = {"approved": True, "amount": 3}
NUMBERS = tuple(Send("number", number, id=f"n{number}") for number in (1, 1, 2, 3))

SCRIPTS = [
    Script("one_event", shop.one_event, (Send("approval", APPROVED, by="ana"),)),
    Script("one_event-buffered", shop.one_event, (Send("approval", APPROVED),), early=1),
    Script("one_event-late", lambda: shop.one_event(60), (Pass(59), Pass(2))),
    Script("one_event-in-time", lambda: shop.one_event(60), (Pass(59), Send("approval", APPROVED))),
    Script("events_in_order", lambda: shop.events_in_order(3), NUMBERS),
    Script("events_in_order-buffered", lambda: shop.events_in_order(3), NUMBERS, early=4),
    Script("two_events_at_once", shop.two_events_at_once, (Send("number", 5), Send("number", 6))),
    Script("signed", shop.signed, (Send("invoice", APPROVED, id="click-1", by="ana@example.org"),)),
    Script("event_or_time-event", lambda: shop.event_or_time(10), (Send("number", 1),)),
    Script(
        "events_that_race",
        lambda: shop.events_that_race(4, 1000),
        (Send("left", 1), Pass(1), Send("right", 2), Pass(1), Send("left", 3), Pass(1), Send("right", 4)),
        early=7,
    ),
    Script("events_that_race-time", lambda: shop.events_that_race(2, 10), (Pass(11), Send("left", 1))),
    Script("event_or_time-time", lambda: shop.event_or_time(10), (Pass(11),)),
    Script("first_of_two", shop.first_of_two, (Pass(100),)),
    Script("race_that_fails", shop.race_that_fails),
    Script("errors_as_results", shop.errors_as_results),
    Script("limited", lambda: shop.limited(25, 4)),
    Script("limited_children", lambda: shop.limited_children(9, 4)),
    Script("parent", lambda: shop.parent(1)),
    Script("parent-of-a-failure", lambda: shop.parent(-1)),
    Script("spawns-cancel", lambda: shop.spawns("cancel", wait=False), (Send("end", "bye"),)),
    Script("spawns-leave", lambda: shop.spawns("leave", wait=False), (Send("end", "bye"),)),
    Script("spawns-wait", shop.spawns, (Send("end", "x"), Send("go", 9, to_child=True))),
    Script("spawns-child-first", shop.spawns, (Send("go", 9, to_child=True),)),
    Script("spawns-cancelled", shop.spawns, (Cancel(), Pass(3))),
    Script("spawns_and_returns", shop.spawns_and_returns),
    Script("spawns_a_failure-keep", lambda: shop.spawns_a_failure("keep"), (Send("go on", ""),)),
    Script("spawns_a_failure-fail", lambda: shop.spawns_a_failure("fail")),
    Script("diamond", lambda: shop.diamond(1)),
    Script("ladder", lambda: shop.ladder(30)),
    Script("wide", lambda: shop.wide(12)),
    Script("graph", lambda: shop.graph([[], [0], [0], [1, 2], []])),
    Script("broken_flow", shop.broken_flow),
    Script("begun_and_awaited_later", shop.begun_and_awaited_later),
    Script("begun_in_a_loop", lambda: shop.begun_in_a_loop(4), (Pass(2),) * 4),
    Script("begun_and_cancelled", shop.begun_and_cancelled),
    Script("begun_and_forgotten", shop.begun_and_forgotten),
    Script("begins_what_may_break", shop.begins_what_may_break, broken=("supplier",)),
    Script("fails_beside_what_it_began", shop.fails_beside_what_it_began, broken=("bank",)),
    Script("fails_beside-not", shop.fails_beside_what_it_began, (Pass(3601),)),
    Script("cancels_then_fails", shop.cancels_then_fails, broken=("bank",)),
    Script("begins_a_flow", shop.begins_a_flow),
    Script("begins_a_flow-broken", shop.begins_a_flow, broken=("raw",)),
    Script("until", lambda: shop.until(shop.NOON), (Pass(86_400 * 365 * 80),)),
    Script("with_a_deadline", lambda: shop.with_a_deadline(30), (Pass(31),)),
    Script("deadline_that_holds", shop.deadline_that_holds),
    Script("calls_a_routine", lambda: shop.calls_a_routine(5)),
    Script("routine_in_a_deadline", shop.routine_in_a_deadline, (Pass(11),)),
    Script("asks", shop.asks),
    Script("race_with_a_question", shop.race_with_a_question),
    Script("a_step_alone", lambda: shop.add(1, 2)),
    Script("a_step_that_fails", lambda: shop.fails_twice("again"), (Pass(11),)),
    Script("a-deadline-of-the-run", shop.one_event, (Pass(61),), deadline=timedelta(minutes=1)),
    Script("cancelled", shop.two_events_at_once, (Send("number", 5), Cancel())),
]
