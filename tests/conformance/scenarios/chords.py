"""Chords: headers, bodies, and each in the other."""

from celery import chain, chord, group

from tests.conformance.scenario import Case, Satisfies, any_order, fails, fails_chord, gives, subject, times
from tests.conformance.tasks import (
    Refused,
    add,
    add_to_each,
    count,
    deep_total,
    fail,
    fail_differently,
    identity,
    mul,
    record,
    record_and_fail,
    sum_within,
    total,
)

chords = subject("chord")


@chords("chord: simple_chord_with_a_delay_in_group_save")
def the_body_gets_the_list_of_the_headers_results(box: str) -> Case:
    return Case(chord([add.si(1, 1), add.si(2, 2)], total.s()), gives(6))


@chords("chord: chord_order")
def the_body_gets_them_in_the_order_of_the_header(box: str) -> Case:
    return Case(chord((identity.si(i) for i in range(10)), identity.s()), gives(list(range(10))))


@chords("chord: generator")
def a_header_may_be_a_generator(box: str) -> Case:
    return Case(
        chord((record.si(str(i), box) for i in range(3)), identity.s()),
        gives(["0", "1", "2"], [any_order("0", "1", "2")]),
    )


@chords("chord: reapplying_frozen_chord_dispatches_body_again")
def a_canvas_that_is_started_twice_runs_twice(box: str) -> Case:
    canvas = chord(group(add.s(1, 2), add.s(3, 4)), record.s(box))
    canvas.freeze()
    return Case(canvas, gives([3, 7], [times(2, "[3, 7]")]), starts=2)


@chords("chord: single_task_header")
def a_chord_with_one_task_in_its_header_hands_on_a_list_of_one(box: str) -> Case:
    return Case(chord([add.s(2, 5)], body=identity.s()), gives([7]))


@chords("chord: single_task_header")
def a_group_of_one_before_a_task_hands_on_a_list_of_one(box: str) -> Case:
    return Case(group([add.s(2, 5)]) | identity.s(), gives([7]))


@chords()
def chain_unrolls_a_group_of_one_before_a_task(box: str) -> Case:
    return Case(chain(group([add.s(2, 5)]), identity.s()), gives(7))


@chords("chord: nested_chord")
def chords_in_the_header_of_a_chord(box: str) -> Case:
    canvas = chord(
        [chord([add.s(1, 2), add.s(3, 4)], add.s([5])), chord([add.s(6, 7)], add.s([10]))], add_to_each.s(["A"])
    )
    return Case(canvas, gives([[3, 7, 5, "A"], [13, 10, "A"]]))


@chords("chord: nested_chord")
def chords_in_the_header_of_a_chord_made_by_the_operator(box: str) -> Case:
    header = group([group([add.s(1, 2), add.s(3, 4)]) | add.s([5]), group([add.s(6, 7)]) | add.s([10])])
    return Case(header | add_to_each.s(["A"]), gives([[3, 7, 5, "A"], [13, 10, "A"]]))


@chords("chord: nested_chord")
def chords_of_one_in_each_other(box: str) -> Case:
    innermost = group([add.s(1, 2)]) | add.s([3])
    canvas = group([group([group([innermost]) | add.s([4])]) | add.s([5])]) | add.s([6])
    return Case(canvas, gives([[[[3, 3], 4], 5], 6]))


@chords("chord: nested_chord_group")
def a_group_in_a_header_is_unrolled(box: str) -> Case:
    return Case(chord((group(identity.s(4), identity.s(4)),), identity.s()), gives([4, 4]))


@chords()
def a_group_among_others_in_a_header_keeps_its_order(box: str) -> Case:
    header = [identity.s(1), group(identity.s(2), identity.s(3), identity.s(4)), identity.s(5)]
    return Case(chord(header, identity.s()), gives([1, 2, 3, 4, 5]))


@chords("chord: nested_chord_group_chain_group_tail")
def a_chain_that_ends_in_a_group_is_one_result_of_a_header(box: str) -> Case:
    header = group(chain(identity.s(4), group(identity.s(), identity.s())))
    return Case(chord(header, identity.s()), gives([[4, 4]]))


@chords("chord: nested_group_chain")
def a_group_with_a_chain_that_ends_in_a_group_between_two_tasks(box: str) -> Case:
    inner = chain(add.si(1, 200), group(add.si(1, 1000), add.si(1, 2000)))
    canvas = chain(add.si(1, 0), group(add.si(1, 100), inner), identity.s())
    return Case(canvas, gives([101, [1001, 2001]]))


@chords("chord: chord_in_chords_with_chains")
def chains_of_a_task_and_a_chord_in_a_header(box: str) -> Case:
    def part(number: int) -> chain:
        inner = chord(group([add.si(1, 2), add.si(3, number)]), total.s())
        return chain(add.si(1, 2), inner)

    return Case(chord(group([part(4), part(5)]), identity.s()), gives([10, 11]))


@chords("chord: chain_chord_chain_chord")
def a_chord_in_a_chain_in_a_chord_in_a_chain(box: str) -> Case:
    inner = chain(record.si("3", box), chord([record.si("4", box), record.si("5", box)], record.si("6", box)))
    canvas = chain(record.si("1", box), chord([record.si("2", box), inner], record.si("7", box)))

    def order(seen: list[str]) -> bool:
        place = {what: seen.index(what) for what in "1234567"} if sorted(seen) == list("1234567") else {}
        pairs = ["12", "13", "34", "35", "46", "56", "27", "67"]
        return bool(place) and all(place[first] < place[second] for first, second in pairs)

    return Case(canvas, gives("7", Satisfies("recorded `1` to `7`, none before what it follows", order)))


@chords("chord: group_body_does_not_take_the_header_id")
def the_body_may_be_a_group(box: str) -> Case:
    canvas = chord(group(identity.si(1), identity.si(2)), group(add.s([3]), add.s([4])))
    return Case(canvas, gives([[1, 2, 3], [1, 2, 4]]))


@chords()
def the_body_may_be_a_chain(box: str) -> Case:
    return Case(chord([add.s(1, 1), add.s(2, 2)], total.s() | add.s(10) | mul.s(2)), gives(32))


@chords()
def the_body_may_be_a_chord(box: str) -> Case:
    body = chord([total.s(), add.s([1])], identity.s())
    return Case(chord([add.s(1, 1), add.s(2, 2)], body), gives([6, [2, 4, 1]]))


@chords("chord: large_header")
def a_header_of_a_hundred(box: str) -> Case:
    return Case(group(identity.si(i) for i in range(100)) | total.s(), gives(100 * 99 // 2))


@chords("chord: chain_to_a_chord_with_large_header")
def a_header_of_thirty_that_gets_a_result(box: str) -> Case:
    return Case(identity.si(1) | group(identity.s() for _ in range(30)) | total.s(), gives(30))


@chords("stamping_mechanism: stamping_example_canvas")
def a_chord_after_a_chord(box: str) -> Case:
    first = group(identity.s(i) for i in range(1, 4)) | deep_total.s()
    return Case(chain(first, chord(group(mul.s(10) for _ in range(3)), deep_total.s())), gives(180))


@chords("chord: chain_of_implicit_chords_as_body")
def a_body_that_is_a_chain_of_groups_and_tasks(box: str) -> Case:
    steps = [total.s()]
    for _ in range(3):
        steps += [group(add.s(1), add.s(2)), total.s()]
    steps[-1].link(record.s(box))
    return Case(chord([add.si(1, 1), add.si(2, 2)], chain(*steps)), gives(69, ["69"]))


@chords("chain: chord_with_chain_body_with_task_id")
def a_body_that_is_a_chain_with_a_group_in_it(box: str) -> Case:
    body = chain(add.si(1, 0), group(add.si(1, 1), add.si(1, 2)), add.si(2, 2) | add.si(3, 3), task_id=f"{box}-body")
    return Case(chord([add.si(1, 1), add.si(1, 2)], body), gives(6))


# --- failures


@chords("chord: error_propagates_to_chord_from_simple", "chord: chord_on_error")
def a_header_that_fails_fails_the_chord_when_all_of_it_has_ended_and_the_body_does_not_run(box: str) -> Case:
    header = [record.si("a", box), record_and_fail.si(box=box, what="b"), record.si("c", box)]
    canvas = chord(header, count.s(box=box, what="body"))
    return Case(canvas, fails_chord(Refused, [any_order("a", "b", "c")]))


@chords("chord: error_propagates_to_chord_from_simple")
def a_body_that_fails_fails_the_chord_with_its_own_error(box: str) -> Case:
    return Case(chord((identity.si(4),), fail.s()), fails(Refused))


@chords("chord: error_propagates_to_chord_from_chain", "chord: error_propagates_to_chord_from_chain_tail")
def a_chain_that_fails_in_a_header_fails_the_chord(box: str) -> Case:
    header = (chain(identity.si(4), fail.s(), record.si("after", box)),)
    return Case(chord(header, count.s(box=box, what="body")), fails_chord(Refused))


@chords("chord: error_propagates_to_chord_from_chain", "chord: error_propagates_to_chord_from_chain_tail")
def a_chain_that_fails_in_a_body_fails_the_chord(box: str) -> Case:
    body = chain(identity.si(4), fail.s(), record.si("after", box))
    return Case(chord((identity.si(4),), body), fails(Refused))


@chords("chord: error_propagates_to_chord_from_group")
def a_group_that_fails_in_a_header_fails_the_chord(box: str) -> Case:
    return Case(chord((group(identity.si(4), fail.s()),), count.s(box=box)), fails_chord(Refused))


@chords("chord: error_propagates_to_chord_from_group")
def a_group_that_fails_in_a_body_fails_the_chord(box: str) -> Case:
    canvas = chord((identity.si(4),), group(record.si("beside", box), fail.s()))
    return Case(canvas, fails(Refused, ["beside"]))


@chords("chord: chord_error_propagation_with_different_body_types")
def a_header_that_fails_before_a_task(box: str) -> Case:
    return Case(chain(group([add.si(1, 7), fail.si()]), count.si(box=box)), fails_chord(Refused))


@chords("chord: chord_error_propagation_with_different_body_types")
def a_header_that_fails_before_a_chain(box: str) -> Case:
    body = chain(count.si(box=box), count.si(box=box))
    return Case(chain(group([add.si(1, 7), fail.si()]), body), fails_chord(Refused))


@chords("chord: chord_error_propagation_with_different_body_types")
def a_header_that_fails_before_a_group(box: str) -> Case:
    body = group([count.si(box=box), count.si(box=box)])
    return Case(chain(group([add.si(1, 7), fail.si()]), body), fails_chord(Refused))


@chords("chord: chord_error_propagation_with_different_body_types")
def a_header_that_fails_before_a_chord(box: str) -> Case:
    body = chord(group([count.si(box=box), count.si(box=box)]), count.si(box=box))
    return Case(chain(group([add.si(1, 7), fail.si()]), body), fails_chord(Refused))


@chords("chord: chord_error_in_nested_chain_does_not_crash")
def a_header_that_fails_in_a_chain_in_a_chain(box: str) -> Case:
    inner = chain(group(add.si(1, 1), fail.si()), count.s(box=box))
    return Case(chain(inner, count.s(box=box)), fails_chord(Refused))


@chords("chord: chord_unlock_with_failed_task_in_nested_chain_member")
def a_chain_with_a_group_in_it_that_fails_in_a_header(box: str) -> Case:
    inner = chain(fail.si(), group(identity.si(2), identity.si(3)), identity.si(4))
    return Case(chain(group(identity.si(1), inner), count.s(box=box)), fails_chord(Refused))


@chords("chord: nested_chord_header_link_error")
def a_chord_that_fails_in_a_header_fails_the_chord_around_it(box: str) -> Case:
    inner = chord([identity.si(1), fail.si()], count.si(box=box, what="inner body"))
    canvas = chord(group([record.si("beside", box), inner]), count.si(box=box, what="outer body"))
    return Case(canvas, fails_chord(Refused, ["beside"]))


@chords()
def the_first_error_in_the_order_of_the_header_is_the_one_that_is_told(box: str) -> Case:
    canvas = chord([identity.si(1), fail_differently.si(), fail.si()], total.s())
    return Case(canvas, fails_chord(LookupError))


@chords("chain: chord_soft_timeout_recuperation")
def a_member_that_handles_its_soft_time_limit_gives_a_result(box: str) -> Case:
    slow = sum_within.s([100], 3).set(soft_time_limit=1)
    return Case(chord([add.s(1, 2), slow], total.s()), gives(3))
