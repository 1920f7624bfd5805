"""The workflow patterns of control flow (van der Aalst, ter Hofstede, Russell), by their numbers.

Each is a workflow of a few lines, and a test that would fail if another pattern had been written. ``branch`` is an
activity that takes its time; ``after(seconds)`` lets so much time pass, and gives what was done by then.
``docs/reference/patterns.md`` has the table.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from durableflow import DurableFlow, Handle, begin, cancel, gather, race, receive, sleep, spawn
from durableflow.errors import RunCancelled, StepCancelled
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process

df = DurableFlow("patterns")
DONE: list[str] = []


@df.step
def do(name: str) -> str:
    DONE.append(name)
    return name


@df.workflow
async def branch(name: str, seconds: float) -> str:
    await do(f"{name} begins")
    await sleep(seconds)
    await do(f"{name} ends")
    return name


@df.routine
async def first(count: int, going: list[Handle[str]]) -> list[Handle[str]]:
    """Wait until so many of them have ended; gives the others, which go on."""
    left = list(going)
    for _ in range(count):
        which, _ = await race(*left)
        del left[which]
    return left


@pytest.fixture
def application(
    database_url: str, queue_name: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DurableFlow]:
    with in_this_process(df, database_url, queue_name, monkeypatch):
        yield df


@pytest.fixture
def engine(application: DurableFlow, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with engine_of(application, db, monkeypatch) as engine:
        yield engine


@pytest.fixture
def after(engine: Engine, clock: Clock) -> Callable[[float], list[str]]:
    def after(seconds: float) -> list[str]:
        clock.advance(seconds)
        DONE.clear()
        engine.drive()
        return list(DONE)

    return after


# --- 1 to 7: basic control flow, and choices of several


@df.workflow
async def sequence() -> None:
    await do("a")
    await do("b")


def test_01_sequence_launches_nothing_before_what_precedes_it_has_ended(engine, after):
    run = sequence().start()
    (first_step,) = engine.advance(run.id)
    engine.deliver(first_step)
    assert DONE[-1:] == ["a"]
    assert after(0) == ["b"]


@df.workflow
async def parallel_split() -> None:
    await gather(do("a"), do("b"))


def test_02_parallel_split_launches_both_before_either_has_ended(engine):
    assert len(engine.advance(parallel_split().start().id)) == 2


@df.workflow
async def synchronization() -> None:
    await gather(branch("a", 1), branch("b", 10))
    await do("next")


def test_03_synchronization_waits_for_the_last(after):
    synchronization().start()
    after(0)
    assert after(5) == ["a ends"]
    assert after(5) == ["b ends", "next"]


@df.workflow
async def exclusive_choice(weight: int) -> None:
    if weight > 100:
        await do("lorry")
    else:
        await do("bicycle")


@pytest.mark.parametrize(("weight", "vehicle"), [(1, "bicycle"), (101, "lorry")])
def test_04_exclusive_choice_takes_one_of_two_ways(after, weight, vehicle):
    exclusive_choice(weight).start()
    assert after(0) == [vehicle]


@df.workflow
async def simple_merge(weight: int) -> None:
    await (do("lorry") if weight > 100 else do("bicycle"))
    await do("next")


@pytest.mark.parametrize(("weight", "vehicle"), [(1, "bicycle"), (101, "lorry")])
def test_05_simple_merge_goes_on_after_either_way(after, weight, vehicle):
    simple_merge(weight).start()
    assert after(0) == [vehicle, "next"]


@df.workflow
async def multi_choice(call: set[str]) -> None:
    await gather(*(do(service) for service in ("fire", "police", "doctor") if service in call))


@pytest.mark.parametrize("called", [[], ["police"], ["fire", "doctor"], ["fire", "police", "doctor"]])
def test_06_multi_choice_takes_each_way_that_is_chosen(after, called):
    multi_choice(set(called)).start()
    assert after(0) == called


@df.workflow
async def structured_synchronizing_merge(call: set[str]) -> None:
    times = {"fire": 1, "police": 10}
    await gather(*(branch(name, seconds) for name, seconds in times.items() if name in call))
    await do("next")


@pytest.mark.parametrize(
    ("call", "at_once", "then", "at_last"),
    [
        (set(), ["next"], [], []),
        ({"fire"}, ["fire begins"], ["fire ends", "next"], []),
        ({"fire", "police"}, ["fire begins", "police begins"], ["fire ends"], ["police ends", "next"]),
    ],
)
def test_07_structured_synchronizing_merge_waits_for_those_that_were_chosen(after, call, at_once, then, at_last):
    structured_synchronizing_merge(call).start()
    assert (after(0), after(5), after(5)) == (at_once, then, at_last)


# --- 9: the first of several; 10 and 11: structure


@df.workflow
async def structured_discriminator() -> None:
    going = [begin(branch("quick", 1)), begin(branch("slow", 10))]
    await race(*going)
    await do("next")
    await gather(*going)


def test_09_structured_discriminator_goes_on_with_the_first_and_lets_the_others_end(after):
    run = structured_discriminator().start()
    after(0)
    assert after(5) == ["quick ends", "next"]
    assert run.state == "running"
    assert after(5) == ["slow ends"]
    assert run.state == "succeeded"


@df.workflow
async def arbitrary_cycles(place: str, decisions: list[str]) -> str:
    while True:
        await do(place)
        match place, decisions.pop(0):
            case "draft", _:
                place = "review"
            case "review", "wrong":
                place = "draft"
            case "review", "hopeless":
                return "rejected"
            case "review", _:
                place = "print"
            case "print", "misprint":
                place = "review"
            case _:
                return "published"


def test_10_arbitrary_cycles_are_entered_and_left_at_several_places(after):
    rejected = arbitrary_cycles("review", ["wrong", "", "hopeless"]).start()
    assert after(0) == ["review", "draft", "review"]
    published = arbitrary_cycles("draft", ["", "fine", "misprint", "fine", ""]).start()
    assert after(0) == ["draft", "review", "print", "review", "print"]
    assert (rejected.result(), published.result()) == ("rejected", "published")


@df.workflow
async def implicit_termination() -> None:
    await gather(branch("short", 1), branch("long", 10))


def test_11_implicit_termination_is_when_nothing_is_left_to_do(after):
    run = implicit_termination().start()
    after(0)
    assert (after(5), run.state) == (["short ends"], "running")
    assert (after(5), run.state) == (["long ends"], "succeeded")


# --- 12 to 15: several instances of one activity


@df.workflow
async def multiple_instances_without_synchronization(names: list[str]) -> None:
    for name in names:
        await spawn(branch(name, 10), parent_ends="leave")
    await do("next")


def test_12_multiple_instances_without_synchronization_outlive_what_made_them(after):
    run = multiple_instances_without_synchronization(["a", "b"]).start()
    assert sorted(after(0)) == ["a begins", "b begins", "next"]
    assert run.state == "succeeded"
    assert sorted(after(10)) == ["a ends", "b ends"]


@df.workflow
async def multiple_instances_with_a_priori_design_time_knowledge() -> None:
    await gather(*(branch(f"signature {number}", number) for number in range(3)))
    await do("next")


def test_13_multiple_instances_with_a_priori_design_time_knowledge_are_waited_for(after):
    multiple_instances_with_a_priori_design_time_knowledge().start()
    assert after(0) == ["signature 0 begins", "signature 1 begins", "signature 2 begins", "signature 0 ends"]
    assert after(1) == ["signature 1 ends"]
    assert after(1) == ["signature 2 ends", "next"]


@df.step
def witnesses(case: str) -> list[str]:
    return sorted(case)


@df.workflow
async def multiple_instances_with_a_priori_run_time_knowledge(case: str) -> None:
    await gather(*(branch(name, 1) for name in await witnesses(case)))
    await do("next")


@pytest.mark.parametrize("case", ["", "c", "cab"])
def test_14_multiple_instances_with_a_priori_run_time_knowledge_are_as_many_as_a_step_found(after, case):
    multiple_instances_with_a_priori_run_time_knowledge(case).start()
    if case:
        assert sorted(after(0)) == [f"{name} begins" for name in sorted(case)]
    *ends, last = after(1 if case else 0)
    assert sorted(ends) == [f"{name} ends" for name in sorted(case)]
    assert last == "next"


@df.workflow
async def multiple_instances_without_a_priori_run_time_knowledge(name: str) -> None:
    going = [begin(branch(name, 10))]
    while going:
        which, value = await race(receive("another", str), *going)
        if which == 0:
            going.append(begin(branch(value, 10)))
        else:
            del going[which - 1]
    await do("next")


def test_15_multiple_instances_without_a_priori_run_time_knowledge_are_added_while_others_run(after):
    run = multiple_instances_without_a_priori_run_time_knowledge("a").start()
    assert after(0) == ["a begins"]
    run.send("another", "b")
    assert after(5) == ["b begins"]
    assert after(5) == ["a ends"]
    run.send("another", "c")
    assert after(0) == ["c begins"]
    assert (after(5), after(5)) == (["b ends"], ["c ends", "next"])


# --- 16, 18: what the environment decides


@df.workflow
async def deferred_choice() -> None:
    which, _ = await race(receive("called back"), receive("wrote"), sleep(10))
    await do(("thank for the call", "answer the letter", "send a reminder")[which])
    await sleep(100)


@pytest.mark.parametrize(
    ("name", "then"), [("called back", "thank for the call"), ("wrote", "answer the letter"), (None, "send a reminder")]
)
def test_16_deferred_choice_is_made_by_what_happens_first_and_withdraws_the_others(engine, after, name, then):
    run = deferred_choice().start()
    assert after(0) == []
    if name:
        run.send(name)
    assert after(0 if name else 10) == [then]
    assert engine.one("SELECT count(*) FROM durableflow.inbox") == 0
    run.send("wrote")
    assert after(50) == []


@df.workflow
async def milestone() -> None:
    while True:
        which, change = await race(receive("change", str), receive("printing begins"))
        if which == 1:
            break
        await do(change)
    await branch("printing", 10)


def test_18_milestone_lets_an_activity_happen_only_while_it_is_reached(after):
    run = milestone().start()
    run.send("change", "first")
    run.send("change", "second")
    assert after(1) == ["first", "second"]
    run.send("printing begins")
    assert after(1) == ["printing begins"]
    run.send("change", "too late")
    assert (after(5), after(5)) == ([], ["printing ends"])


# --- 19, 20: cancelling; 21, 22: repeating


@df.workflow
async def cancel_task() -> None:
    task = begin(branch("task", 10))
    which, _ = await race(task, receive("withdrawn"))
    if which == 1:
        cancel(task)
    await do("next")
    await sleep(100)


def test_19_cancel_task_ends_it_and_nothing_else(after):
    run = cancel_task().start()
    after(0)
    run.send("withdrawn")
    assert after(0) == ["next"]
    assert (after(50), run.state) == ([], "running")
    assert (after(50), run.state) == ([], "succeeded")


@df.workflow
async def cancel_case() -> None:
    await gather(branch("a", 10), branch("b", 10), sleep(10))
    await do("next")


def test_20_cancel_case_ends_all_that_the_run_has_under_way(engine, after):
    run = cancel_case().start()
    after(0)
    assert run.cancel()
    assert (after(5), after(50)) == ([], [])
    assert engine.one("SELECT array_agg(DISTINCT state) FROM durableflow.runs") == ["cancelled"]
    with pytest.raises(RunCancelled):
        run.result()


@df.workflow
async def structured_loop(pages: int) -> None:
    page = 0
    while page < pages:
        page += 1
        await do(f"page {page}")
    while True:
        page -= 1
        await do(f"turn back from {page + 1}")
        if page <= 0:
            break


@pytest.mark.parametrize(
    ("pages", "done"),
    [(0, ["turn back from 0"]), (2, ["page 1", "page 2", "turn back from 2", "turn back from 1"])],
)
def test_21_structured_loop_tests_before_or_after_each_time(after, pages, done):
    structured_loop(pages).start()
    assert after(0) == done


@df.workflow
async def recursion(depth: int) -> int:
    await do(f"down {depth}")
    below = await recursion(depth - 1) if depth else 0
    await do(f"up {depth}")
    return below + 1


def test_22_recursion_invokes_the_workflow_that_is_running(after):
    run = recursion(2).start()
    assert after(0) == ["down 2", "down 1", "down 0", "up 0", "up 1", "up 2"]
    assert run.result() == 3


# --- 24: triggers; 25 to 27: cancelling more


@df.workflow
async def persistent_trigger() -> None:
    await sleep(10)
    await do(await receive("trigger", str))


@pytest.mark.parametrize("early", [True, False])
def test_24_persistent_trigger_is_kept_until_the_activity_is_ready_for_it(after, early):
    run = persistent_trigger().start()
    after(0)
    if early:
        run.send("trigger", "now")
        assert after(5) == []
        assert after(5) == ["now"]
    else:
        assert after(10) == []
        run.send("trigger", "now")
        assert after(0) == ["now"]


@df.workflow
async def cancel_region() -> None:
    outside = begin(branch("outside", 20))
    await race(gather(branch("a", 10), branch("b", 10)), receive("fire"))
    await do("next")
    await outside


def test_25_cancel_region_ends_what_is_inside_and_leaves_what_is_outside(after):
    run = cancel_region().start()
    after(0)
    run.send("fire")
    assert after(0) == ["next"]
    assert after(30) == ["outside ends"]
    assert run.state == "succeeded"


@df.workflow
async def cancel_multiple_instance_activity(names: list[str]) -> None:
    await race(gather(*(branch(name, 10 * place) for place, name in enumerate(names))), receive("enough"))
    await do("next")
    await sleep(100)


def test_26_cancel_multiple_instance_activity_withdraws_the_instances_that_have_not_ended(after):
    run = cancel_multiple_instance_activity(["a", "b", "c"]).start()
    after(0)
    assert after(10) == ["b ends"]
    run.send("enough")
    assert after(0) == ["next"]
    assert (after(90), after(10), run.state) == ([], [], "succeeded")


@df.workflow
async def complete_multiple_instance_activity(names: list[str]) -> list[str]:
    going = [begin(branch(name, 10 * place)) for place, name in enumerate(names)]
    await race(gather(*going), receive("enough"))
    for each in going:
        cancel(each)
    given = await gather(*going, return_exceptions=True)
    return [value for value in given if not isinstance(value, StepCancelled)]


def test_27_complete_multiple_instance_activity_goes_on_with_what_has_ended(after):
    run = complete_multiple_instance_activity(["a", "b", "c"]).start()
    after(0)
    assert after(10) == ["b ends"]
    run.send("enough")
    assert after(100) == []
    assert run.result() == ["a", "b"]


# --- 29 to 36: some of several


@df.workflow
async def cancelling_discriminator() -> None:
    await race(branch("quick", 1), branch("slow", 10))
    await do("next")
    await sleep(100)


def test_29_cancelling_discriminator_goes_on_with_the_first_and_ends_the_others(after):
    run = cancelling_discriminator().start()
    after(0)
    assert after(5) == ["quick ends", "next"]
    assert (after(50), after(50), run.state) == ([], [], "succeeded")


@df.workflow
async def structured_partial_join() -> None:
    left = await first(2, [begin(branch("a", 1)), begin(branch("b", 10)), begin(branch("c", 20))])
    await do("next")
    await gather(*left)


def test_30_structured_partial_join_goes_on_with_two_of_three_and_lets_the_others_end(after):
    run = structured_partial_join().start()
    after(0)
    assert (after(1), after(9)) == (["a ends"], ["b ends", "next"])
    assert run.state == "running"
    assert (after(10), run.state) == (["c ends"], "succeeded")


@df.workflow
async def cancelling_partial_join() -> None:
    for each in await first(2, [begin(branch("a", 1)), begin(branch("b", 10)), begin(branch("c", 20))]):
        cancel(each)
    await do("next")
    await sleep(100)


def test_32_cancelling_partial_join_goes_on_with_two_of_three_and_ends_the_others(after):
    run = cancelling_partial_join().start()
    after(0)
    assert (after(1), after(9)) == (["a ends"], ["b ends", "next"])
    assert (after(50), after(50), run.state) == ([], [], "succeeded")


@df.workflow
async def static_partial_join_for_multiple_instances(instances: int, wanted: int) -> None:
    left = await first(wanted, [begin(branch(str(number), number)) for number in range(1, instances + 1)])
    await do("next")
    await gather(*left)


def test_34_static_partial_join_for_multiple_instances_goes_on_with_so_many(after):
    run = static_partial_join_for_multiple_instances(4, 2).start()
    after(0)
    assert (after(1), after(1)) == (["1 ends"], ["2 ends", "next"])
    assert (after(1), after(1), run.state) == (["3 ends"], ["4 ends"], "succeeded")


@df.workflow
async def cancelling_partial_join_for_multiple_instances(instances: int, wanted: int) -> None:
    for each in await first(wanted, [begin(branch(str(number), number)) for number in range(1, instances + 1)]):
        cancel(each)
    await do("next")
    await sleep(100)


def test_35_cancelling_partial_join_for_multiple_instances_ends_the_others(after):
    run = cancelling_partial_join_for_multiple_instances(4, 2).start()
    after(0)
    assert (after(1), after(1)) == (["1 ends"], ["2 ends", "next"])
    assert (after(50), after(50), run.state) == ([], [], "succeeded")


@df.workflow
async def dynamic_partial_join_for_multiple_instances(wanted: int) -> None:
    going: list[Handle[str]] = []
    while wanted:
        which, value = await race(receive("another", str), *going)
        if which == 0:
            going.append(begin(branch(value, 10)))
        else:
            wanted -= 1
            del going[which - 1]
    await do("next")
    await gather(*going)


def test_36_dynamic_partial_join_for_multiple_instances_counts_those_that_were_added_too(after):
    run = dynamic_partial_join_for_multiple_instances(2).start()
    for name in ("a", "b", "c"):
        run.send("another", name)
        assert after(4) == [f"{name} begins"]
    assert (after(2), after(4)) == (["a ends"], ["b ends", "next"])
    assert (after(4), run.state) == (["c ends"], "succeeded")


# --- 39, 40: one at a time; 43: the end


@df.workflow
async def critical(name: str) -> None:
    await do(f"{name} enters")
    await sleep(10)
    await do(f"{name} leaves")


@df.workflow
async def critical_section() -> None:
    names = ["a", "b", "c"]
    outside = [begin(branch(name, seconds)) for name, seconds in zip(names, (9, 5, 6), strict=True)]
    while outside:
        which, name = await race(*outside)
        del outside[which]
        await critical(name)


def test_39_critical_section_is_entered_by_one_branch_at_a_time(after):
    critical_section().start()
    assert after(0) == ["a begins", "b begins", "c begins"]
    assert after(5) == ["b ends", "b enters"]
    assert (after(1), after(3)) == (["c ends"], ["a ends"])
    assert after(6) == ["b leaves", "c enters"]
    assert (after(10), after(10)) == (["c leaves", "a enters"], ["a leaves"])


@df.workflow
async def interleaved_routing() -> None:
    await gather(*(critical(name) for name in ("a", "b", "c")), limit=1)
    await do("next")


def test_40_interleaved_routing_does_each_once_and_one_at_a_time(after):
    interleaved_routing().start()
    assert after(0) == ["a enters"]
    assert (after(10), after(10)) == (["a leaves", "b enters"], ["b leaves", "c enters"])
    assert after(10) == ["c leaves", "next"]


@df.workflow
async def explicit_termination() -> str:
    begin(branch("other", 10))
    while True:
        if await receive("word", str) == "stop":
            return "stopped"
        await do("go on")


def test_43_explicit_termination_ends_all_that_is_still_to_do_and_the_run_has_succeeded(engine, after):
    run = explicit_termination().start()
    after(0)
    run.send("word", "go")
    assert after(0) == ["go on"]
    run.send("word", "stop")
    assert (after(0), after(50)) == ([], [])
    assert run.result() == "stopped"
    assert engine.one("SELECT count(*) FROM durableflow.runs WHERE state = 'running'") == 0
