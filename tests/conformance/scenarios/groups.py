"""Groups, alone and in each other."""

from celery import chain, chord, group

from tests.conformance.scenario import Case, any_order, fails, gives, subject
from tests.conformance.tasks import Refused, add, count, fail, fail_differently, identity, ignored, nothing, record

groups = subject("group")


@groups("group: group_lone")
def a_group_gives_the_results_of_its_members_in_their_order(box: str) -> Case:
    return Case(group(identity.s(1), identity.s(2), identity.s(3)), gives([1, 2, 3]))


@groups("group: nested_group_group")
def a_group_in_a_group_is_unrolled(box: str) -> Case:
    return Case(group(group(identity.s(4), identity.s(5))), gives([4, 5]))


@groups("group: nested_group")
def groups_are_unrolled_to_any_depth(box: str) -> Case:
    innermost = group(add.si(1, 1000), add.si(1, 2000))
    canvas = group(add.si(1, 10), group(add.si(1, 100), innermost))
    return Case(canvas, gives([11, 101, 1001, 2001]))


@groups("group: large_group")
def a_group_of_a_hundred(box: str) -> Case:
    return Case(group(identity.s(i) for i in range(100)), gives(list(range(100))))


@groups("group: generator_group_iterated_while_calling_len")
def a_group_takes_a_generator(box: str) -> Case:
    return Case(group(add.s(i, i) for i in range(4)), gives([0, 2, 4, 6]))


@groups("group: ready_with_exception")
def a_member_that_fails_fails_the_group_and_the_others_run(box: str) -> Case:
    return Case(group(record.s("a", box), fail.s(), record.s("b", box)), fails(Refused, [any_order("a", "b")]))


@groups()
def the_first_error_in_the_order_of_the_members_is_the_groups(box: str) -> Case:
    return Case(group(identity.s(1), fail_differently.si(), fail.si()), fails(LookupError))


@groups()
def a_member_without_a_result_gives_none(box: str) -> Case:
    return Case(group(nothing.s(), identity.s(1)), gives([None, 1]))


@groups("group: nested_group_chord_counting_simple")
def a_chord_of_one_in_a_group_of_one(box: str) -> Case:
    return Case(group((chord((identity.si(4),), identity.s()),)), gives([[4]]))


@groups("group: nested_group_chord_counting_chain")
def a_chord_over_a_long_chain_in_a_group(box: str) -> Case:
    return Case(group((chord((chain((identity.si(7),) * 12),), identity.s()),)), gives([[7]]))


@groups("group: nested_group_chord_counting_group")
def a_chord_over_a_group_in_a_group(box: str) -> Case:
    return Case(group((chord((group((identity.si(7),) * 12),), identity.s()),)), gives([[7] * 12]))


@groups("group: nested_group_chord_counting_chord")
def a_chord_over_a_chord_in_a_group(box: str) -> Case:
    inner = chord((identity.si(7),) * 12, identity.si(8))
    return Case(group((chord((inner,), identity.s()),)), gives([[8]]))


@groups("group: nested_group_chord_counting_mixed")
def a_chord_over_everything_at_once_in_a_group(box: str) -> Case:
    header = (
        identity.si(4),
        chain((identity.si(4),) * 6),
        group((identity.si(4),) * 6),
        chord((identity.si(4),) * 6, identity.si(7)),
    )
    return Case(group((chord(header, identity.s()),)), gives([[4] + [4] + [4] * 6 + [7]]))


@groups("group: nested_group_chord_body_chain")
def a_chord_with_a_chain_as_its_body_in_a_group(box: str) -> Case:
    return Case(group((chord(identity.si(4), chain((identity.s(),))),)), gives([[4]]))


@groups("chord: parallel_chords")
def two_chords_beside_each_other(box: str) -> Case:
    canvas = group(
        chord(group(add.s(1, 2), add.s(3, 4)), identity.s()), chord(group(add.s(5, 6), add.s(7, 8)), identity.s())
    )
    return Case(canvas, gives([[3, 7], [11, 15]]))


@groups()
def a_task_that_ignores_itself_counts_as_none(box: str) -> Case:
    return Case(group(ignored.s(), count.si(box=box)), gives([None, None], ["one"]))
