"""Chains, and what they are joined with."""

import json

from celery import chain, chord, group, signature
from celery.canvas import _chain

from tests.conformance.scenario import Case, any_order, fails, fails_chord, gives, subject
from tests.conformance.tasks import Refused, add, count, fail, identity, record, total

chains = subject("chain")


@chains("chain: simple_chain")
def each_task_of_a_chain_gets_the_result_of_the_one_before(box: str) -> Case:
    return Case(add.s(1, 2) | add.s(3) | add.s(4), gives(10))


@chains("chain: single_chain")
def a_chain_may_have_one_task(box: str) -> Case:
    return Case(chain(add.s(3, 4)), gives(7))


@chains("chain: chain_of_chain_with_a_single_task")
def a_chain_may_hold_nothing_but_a_chain_of_one(box: str) -> Case:
    return Case(chain([chain(identity.s(5))]), gives(5))


@chains("chain: chain_inside_group_receives_arguments")
def a_chain_in_a_group_gets_what_the_group_gets(box: str) -> Case:
    return Case(add.s(5, 6) | group(add.s(1) | add.s(2), add.s(3)), gives([14, 14]))


@chains("chain: group_results_in_chain")
def a_group_of_one_chain_that_ends_in_a_group_gives_that_groups_results(box: str) -> Case:
    return Case(group(add.s(1, 2) | group(add.s(1), add.s(2))), gives([4, 5]))


@chains("chain: group_result_not_has_cache", "group: group_ending_a_chain_in_a_group_gets_its_own_id")
def a_chain_that_ends_in_a_group_is_one_result_of_the_group_around_it(box: str) -> Case:
    inner = chain(identity.si(5), group(identity.si(3), identity.si(4)))
    return Case(group(identity.si(1), identity.si(2), inner), gives([1, 2, [3, 4]]))


@chains("chain: group_chord_group_chain")
def a_task_between_two_groups_waits_for_the_first_and_is_waited_for_by_the_second(box: str) -> Case:
    before = group(record.si(f"before {i}", box) for i in range(3))
    after = group(record.si(f"after {i}", box) for i in range(2))
    effects = [any_order("before 0", "before 1", "before 2"), "between", any_order("after 0", "after 1")]
    return Case(before | record.si("between", box) | after, gives(["after 0", "after 1"], effects))


@chains("chain: chain_of_task_a_group_and_a_chord")
def two_groups_in_a_row_hand_all_results_to_each_member_of_the_second(box: str) -> Case:
    canvas = add.si(1, 0) | group(add.s(1), add.s(1)) | group(total.s(), total.s()) | total.s()
    return Case(canvas, gives(8))


@chains("chain: chain_of_two_groups_as_tuple_holds_each_task_once")
def what_follows_two_groups_is_done_once(box: str) -> Case:
    steps = [add.si(1, 0), group(add.s(1), add.s(2)), group(total.s(), total.s()), total.s(), add.s(1)]
    return Case(chain(*steps), gives(11))


@chains("chain: chain_of_chords_as_groups_chained_to_a_task_with_two_tasks")
def a_group_that_is_followed_by_a_task_is_a_chord(box: str) -> Case:
    once = add.si(1, 0) | group(add.s(1), add.s(1)) | total.s()
    return Case(once | add.s(1) | group(add.s(1), add.s(1)) | total.s(), gives(12))


@chains("chain: chain_of_chords_with_two_tasks")
def a_chord_goes_on_with_the_chain_before_it(box: str) -> Case:
    once = add.si(1, 0) | group(add.s(1), add.s(1)) | total.s() | add.s(1)
    return Case(once | chord(group(add.s(1), add.s(1)), total.s()), gives(12))


@chains("chain: chain_of_explicit_chords")
def chains_of_chords_are_joined_to_one(box: str) -> Case:
    first = chain(
        chord(group(add.si(1, 0), add.si(1, 0)), total.s()),
        chord(group(add.s(1), add.s(1)), total.s()),
        chord(group(add.s(0), add.s(0)), total.s()),
    )
    second = chain(
        chord(group(add.s(10), add.s(10)), total.s()),
        chord(group(add.s(0), add.s(0)), total.s()),
        chord(group(add.s(1), add.s(1)), total.s()),
    )
    return Case(first | second, gives(178))


MORE = (1, 1, 1, 0)
"""What each of the chords in a row adds to the three ones that the first begins with."""


def _in_a_row() -> int:
    value = 3
    for more in MORE:
        value = 3 * (value + more)
    return value


@chains("chain: chain_of_nine_chords")
def five_chords_in_a_row(box: str) -> Case:
    first = chord(group(add.si(1, 0) for _ in range(3)), total.s())
    return Case(chain(first, *(chord(group([add.s(more)] * 3), total.s()) for more in MORE)), gives(_in_a_row()))


@chains("chain: chain_of_nine_implicit_chords")
def five_groups_each_followed_by_a_task(box: str) -> Case:
    steps = [group(add.si(1, 0) for _ in range(3)), total.s()]
    for more in MORE:
        steps += [group([add.s(more)] * 3), total.s()]
    return Case(chain(*steps), gives(_in_a_row()))


@chains("chain: chain_with_a_nested_chain_led_by_a_group")
def a_chain_that_begins_with_a_group_may_be_the_head_of_another(box: str) -> Case:
    inner = _chain(group(add.si(1, 1), add.si(2, 2)), total.s(), add.s(10))
    return Case(chain(inner, add.s(100)), gives(116))


@chains("chain: chain_with_a_deserialised_chain_led_by_a_group")
def a_chain_that_came_as_json_is_as_good_as_its_original(box: str) -> Case:
    inner = _chain(group(add.si(1, 1), add.si(2, 2)), total.s(), add.s(10))
    return Case(chain(signature(json.loads(json.dumps(inner, default=str))), add.s(100)), gives(116))


@chains("chain: chain_of_a_chord_and_a_group_with_two_tasks")
def a_group_that_ends_a_chain_of_chords_gives_a_list(box: str) -> Case:
    canvas = add.si(1, 0) | group(add.s(1), add.s(1)) | total.s() | add.s(1) | group(add.s(1), add.s(1))
    return Case(canvas, gives([6, 6]))


@chains("chain: chain_of_a_chord_and_a_task_and_a_group")
def a_group_after_a_chords_body(box: str) -> Case:
    canvas = group(add.s(1, 1), add.s(1, 1)) | total.s() | add.s(1) | group(add.s(1), add.s(1))
    return Case(canvas, gives([6, 6]))


@chains("chain: chain_of_a_chord_and_two_tasks_and_a_group", "chain: chain_of_a_chord_and_three_tasks_and_a_group")
def a_group_after_a_chords_body_of_several_tasks(box: str) -> Case:
    canvas = group(add.s(1, 1), add.s(1, 1)) | total.s() | add.s(1) | add.s(1) | add.s(1) | group(add.s(1), add.s(1))
    return Case(canvas, gives([8, 8]))


@chains("chain: nested_chain_group_lone")
def a_chain_of_nothing_but_a_group_gives_its_list(box: str) -> Case:
    return Case(chain(group(identity.s(4), identity.s(5))), gives([4, 5]))


@chains("chain: nested_chain_group_mid")
def a_group_in_the_middle_hands_on_a_list(box: str) -> Case:
    return Case(chain(identity.s(4), group(identity.s(), identity.s()), identity.s()), gives([4, 4]))


@chains("chain: nested_chain_group_last")
def a_group_at_the_end_gives_a_list(box: str) -> Case:
    return Case(chain(identity.s(4), group(identity.s(), identity.s())), gives([4, 4]))


@chains("chain: group_in_center_of_chain")
def a_chain_with_a_group_in_it_may_be_the_body_of_a_body(box: str) -> Case:
    innermost = chain(total.s(), group(add.s(8), add.s(16)), total.s() | add.s(32))
    canvas = chord([add.s(0, 1)], chord([total, total], innermost))
    return Case(canvas, gives(60))


@chains("chain: upgrade_to_chord_inside_chains")
def what_follows_a_chord_in_a_chain_runs_once(box: str) -> Case:
    twice = [group(count.si(box=box, what="a"), count.si(box=box, what="a")) for _ in range(2)]
    canvas = chain(twice[0] | twice[1], count.si(box=box, what="a") | count.si(box=box, what="b"))
    return Case(canvas, gives(None, [any_order("a", "a"), any_order("a", "a"), "a", "b"]))


def _echoes(box: str, *what: str) -> group:
    return group(record.si(each, box) for each in what)


@chains("chain: chaining_upgraded_chords_pure_groups")
def groups_in_a_row_run_one_after_the_other_and_once_each(box: str) -> Case:
    canvas = chain(
        _echoes(box, "1", "2", "3"),
        _echoes(box, "4", "5", "6"),
        _echoes(box, "7"),
        _echoes(box, "8"),
        record.si("9", box),
    )
    return Case(canvas, gives("9", [any_order("1", "2", "3"), any_order("4", "5", "6"), "7", "8", "9"]))


@chains("chain: chaining_upgraded_chords_starting_with_chord")
def a_chord_with_a_group_as_its_body_goes_on_with_groups(box: str) -> Case:
    head = chord(_echoes(box, "1", "2", "3"), _echoes(box, "4", "5", "6"))
    canvas = chain(head, _echoes(box, "7"), _echoes(box, "8"), record.si("9", box))
    return Case(canvas, gives("9", [any_order("1", "2", "3"), any_order("4", "5", "6"), "7", "8", "9"]))


@chains("chain: chaining_upgraded_chords_mixed_canvas")
def a_chord_with_a_group_as_its_body_goes_on_with_a_task_and_a_group(box: str) -> Case:
    head = chord(_echoes(box, "1", "2", "3"), _echoes(box, "4", "5", "6"))
    canvas = chain(head, record.si("7", box), _echoes(box, "8"), record.si("9", box))
    return Case(canvas, gives("9", [any_order("1", "2", "3"), any_order("4", "5", "6"), "7", "8", "9"]))


@chains("chain: chaining_upgraded_chords_mixed_canvas_protocol_2")
def wider_and_wider_groups_in_a_row_and_a_group_at_the_end(box: str) -> Case:
    rows = [_echoes(box, "1", "2"), _echoes(box, "3", "4", "5"), _echoes(box, "6", "7", "8", "9"), _echoes(box, "end")]
    effects = [any_order("1", "2"), any_order("3", "4", "5"), any_order("6", "7", "8", "9"), "end"]
    return Case(chain(*rows), gives("end", effects))  # a group of one in a chain is that one


@chains("chain: chain_on_error", "chain: chain_children_with_errbacks")
def what_follows_a_failed_task_does_not_run(box: str) -> Case:
    return Case(chain(record.si("first", box), fail.s(), record.s(box)), fails(Refused, ["first"]))


@chains("chord: error_propagates_from_chord")
def a_task_that_fails_before_a_group_fails_the_chain(box: str) -> Case:
    return Case(add.s(1, 1) | fail.s() | group(add.s(1), add.s(1)), fails(Refused))


@chains()
def a_task_that_fails_before_a_group_and_a_task_is_not_a_header_that_fails(box: str) -> Case:
    return Case(add.s(1, 1) | fail.s() | group(add.s(1), add.s(1)) | total.s(), fails(Refused))


@chains("chord: error_propagates_from_chord2")
def a_member_that_fails_at_the_end_of_a_chain_fails_it(box: str) -> Case:
    return Case(add.s(1, 1) | add.s(1) | group(add.s(1), fail.s()), fails(Refused))


@chains("chain: header_failure_fails_the_chords_after_it")
def a_header_that_fails_fails_the_chords_after_it(box: str) -> Case:
    inner = chain(chord([add.s(1, 1), fail.s()], total.s()), chord([add.s(1), add.s(2)], total.s()))
    return Case(group(inner, record.si("beside", box)), fails_chord(Refused, ["beside"]))


@chains("chain: header_failure_fails_the_chords_after_a_group_body")
def a_header_that_fails_fails_the_chord_after_its_body_of_a_group(box: str) -> Case:
    inner = chain(
        chord([fail.s(), fail.s()], group(add.s(1), add.s(2))),
        chord([add.s(1), add.s(2)], total.s()),
    )
    return Case(group(inner, record.si("beside", box)), fails_chord(Refused, ["beside"]))
