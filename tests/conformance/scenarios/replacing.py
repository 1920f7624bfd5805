"""``self.replace(...)``."""

from celery import chain, chord, group
from celery.exceptions import ImproperlyConfigured

from tests.conformance.scenario import Case, any_order, fails, fails_chord, gives, subject
from tests.conformance.tasks import (
    Refused,
    add,
    add_to_each,
    count,
    countdown,
    fail,
    identity,
    outer_twice,
    record,
    replaced,
    replaced_as_is,
    tally,
    total,
)

replacing = subject("replace")


def by_a_chain(*args: object) -> object:
    """A task that a chain of two takes the place of; both hand on what it was given."""
    return replaced.s(*args, by=chain(identity.s(), identity.s()))


@replacing("chain: task_replaced_with_chain")
def a_task_may_be_replaced_by_a_chain(box: str) -> Case:
    return Case(replaced.si(4, by=chain(identity.s(), identity.s())), gives(4))


@replacing()
def a_task_may_be_replaced_by_another(box: str) -> Case:
    return Case(replaced.si(1, 2, by=add.s()) | add.s(3), gives(6))


@replacing("chain: complex_chain")
def a_replaced_task_in_the_middle_of_a_chain_hands_on_the_replacements_result(box: str) -> Case:
    middle = add.s(4) | replaced.s(8, by=add.s()) | add.s(16) | add.s(32)
    return Case(add.s(2, 2) | middle | group(add.s(i) for i in range(4)), gives([64, 65, 66, 67]))


@replacing("chain: chain_child_replaced_with_chain_first")
def the_first_task_of_a_chain_is_replaced_by_a_chain(box: str) -> Case:
    return Case(chain(by_a_chain(4), identity.s()), gives(4))


@replacing("chain: chain_child_replaced_with_chain_middle")
def a_middle_task_of_a_chain_is_replaced_by_a_chain(box: str) -> Case:
    return Case(chain(identity.s(4), by_a_chain(), identity.s()), gives(4))


@replacing("chain: chain_child_replaced_with_chain_last")
def the_last_task_of_a_chain_is_replaced_by_a_chain(box: str) -> Case:
    return Case(chain(identity.s(4), by_a_chain()), gives(4))


@replacing("chain: second_order_replace")
def replacements_may_be_replaced(box: str) -> Case:
    effects = ["outer", "inner", "innermost", "inner again", "outer again"]
    return Case(outer_twice.s(box), gives(None, effects))


@replacing()
def a_task_may_be_replaced_by_itself_many_times(box: str) -> Case:
    return Case(countdown.s(5), gives("lift-off"))


@replacing("chain: replace_with_chain_that_contains_a_group")
def a_task_is_replaced_by_a_chain_that_ends_in_a_group(box: str) -> Case:
    return Case(replaced_as_is.s(by=chain(add.s(1, 2), group(add.s(1), add.s(1)))), gives([4, 4]))


@replacing("group: task_replace_with_group_preserves_group_order")
def tasks_of_a_group_are_replaced_by_groups(box: str) -> Case:
    canvas = group([add_to_each.s([2, 1], 1), add_to_each.s([4, 3], 1)] * 5)
    return Case(canvas, gives([[3, 2], [5, 4]] * 5))


@replacing("chord: replaced_nested_chord")
def replaced_tasks_in_headers_and_bodies_of_chords_in_a_chord(box: str) -> Case:
    canvas = chord(
        [
            chord([add.s(1, 2), replaced.s(3, 4, by=add.s())], add_to_each.s(5)) | total.s(),
            chord([replaced.s(6, 7, by=add.s()), add.s(0, 0)], add_to_each.s(8)) | total.s(),
        ],
        add_to_each.s(9),
    )
    return Case(canvas, gives([29, 38]))


@replacing("chain: replace_chain_with_empty_chain")
def a_task_that_is_replaced_by_an_empty_chain_fails(box: str) -> Case:
    return Case(chain(identity.s(1), replaced_as_is.s(by=chain())), fails(ImproperlyConfigured))


@replacing()
def a_replacement_that_fails_fails_the_chain(box: str) -> Case:
    canvas = chain(identity.s(1), replaced.s(by=chain(identity.s(), fail.s())), record.s(box))
    return Case(canvas, fails(Refused))


@replacing()
def a_task_is_replaced_by_a_chord(box: str) -> Case:
    by = chord([add.s(1, 2), add.s(3, 4)], total.s())
    return Case(chain(identity.s(0), replaced_as_is.s(by=by), add.s(1)), gives(11))


@replacing()
def a_replacement_whose_header_fails_fails_the_chain(box: str) -> Case:
    by = chord([add.s(1, 2), fail.s()], total.s())
    return Case(chain(identity.s(0), replaced_as_is.s(by=by), record.s(box)), fails_chord(Refused))


# --- with callbacks


def linked(box: str) -> chain:
    """A chain of two that has a callback."""
    canvas = chain(identity.s(), identity.s())
    canvas.link(record.si("callback of the replacement", box))
    return canvas


@replacing("chain: chain_replaced_with_a_chain_and_a_callback")
def a_replacement_keeps_its_callback(box: str) -> Case:
    canvas = chain(identity.s("Hello "), replaced.s(by=linked(box)), add.s("world"))
    return Case(canvas, gives("Hello world", ["callback of the replacement"]))


@replacing("chain: chain_with_cb_replaced_with_chain_with_cb")
def a_replacement_keeps_its_callback_and_the_chain_its_own(box: str) -> Case:
    canvas = chain(identity.s("Hello "), replaced.s(by=linked(box)), add.s("world"))
    canvas.link(record.s(box))
    return Case(canvas, gives("Hello world", [any_order("callback of the replacement", "Hello world")]))


@replacing("chain: chain_with_callback_child_replaced")
def a_callback_of_a_chain_with_a_replaced_task_runs_once(box: str) -> Case:
    canvas = chain(replaced.si(1, 2, by=add.s()), identity.s())
    canvas.link(record.s(box))
    return Case(canvas, gives(3, ["3"]))


@replacing("chain: chain_child_with_callback_replaced")
def a_callback_of_a_replaced_task_runs_once_with_the_replacements_result(box: str) -> Case:
    sig = replaced.si(1, 2, by=add.s())
    sig.link(record.s(box))
    return Case(chain(sig, identity.s()), gives(3, ["3"]))


@replacing("chain: task_with_callback_replaced_with_chain")
def a_callback_of_a_task_that_a_chain_replaces_runs_once(box: str) -> Case:
    sig = replaced.si(1, 2, by=chain(add.s(), identity.s()))
    sig.link(record.s(box))
    return Case(sig, gives(3, ["3"]))


@replacing("group: group_with_callback_child_replaced")
def a_callback_of_a_group_with_a_replaced_member_runs_once(box: str) -> Case:
    canvas = group(replaced.si(1, 2, by=add.s()), identity.si(7))
    canvas.link(count.si(box=box))
    return Case(canvas, gives([3, 7], ["one"]))


@replacing("group: group_child_with_callback_replaced")
def a_callback_of_a_replaced_member_of_a_group_runs_once(box: str) -> Case:
    sig = replaced.si(1, 2, by=add.s())
    sig.link(record.s(box))
    return Case(group(sig, identity.si(7)), gives([3, 7], ["3"]))


@replacing("group: group_child_with_callback_replaced_with_chain")
def a_callback_of_a_member_that_a_chain_replaces_runs_once(box: str) -> Case:
    sig = replaced.si(1, 2, by=chain(add.s(), identity.s()))
    sig.link(record.s(box))
    return Case(group(sig, identity.si(7)), gives([3, 7], ["3"]))


# --- with errbacks


def failing(box: str) -> chain:
    """A chain that fails, and has an errback."""
    canvas = chain(identity.s(), fail.s())
    canvas.link_error(record.si("errback of the replacement", box))
    return canvas


@replacing("chain: chain_replaced_with_a_chain_and_an_error_callback")
def a_replacement_keeps_its_errback(box: str) -> Case:
    canvas = chain(identity.s("Hello "), replaced.s(by=failing(box)), add.s("world"))
    return Case(canvas, fails(Refused, ["errback of the replacement"]))


@replacing("chain: chain_with_eb_replaced_with_chain_with_eb")
def a_replacement_keeps_its_errback_and_the_chain_its_own(box: str) -> Case:
    canvas = chain(identity.s("Hello "), replaced.s(by=failing(box)), add.s("world"))
    canvas.link_error(record.si("errback of the chain", box))
    return Case(canvas, fails(Refused, [any_order("errback of the replacement", "errback of the chain")]))


@replacing("chain: chain_with_errback_child_replaced")
def an_errback_of_a_chain_with_a_replaced_task_runs_once(box: str) -> Case:
    canvas = chain(replaced.si(1, 2, by=add.s()), fail.s())
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails(Refused, ["one"]))


@replacing("chain: chain_child_with_errback_replaced")
def an_errback_of_a_replaced_task_runs_once_when_the_replacement_fails(box: str) -> Case:
    sig = replaced.si(by=fail.si())
    sig.link_error(tally.si(box=box))
    return Case(chain(sig, identity.si(4)), fails(Refused, ["one"]))


@replacing("group: group_with_errback_child_replaced")
def an_errback_of_a_group_with_a_replaced_member_runs_once(box: str) -> Case:
    canvas = group(replaced.si(1, 2, by=add.s()), fail.s())
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails(Refused, ["one"]))


@replacing("group: group_child_with_errback_replaced")
def an_errback_of_a_replaced_member_of_a_group_runs_once(box: str) -> Case:
    sig = replaced.si(by=fail.si())
    sig.link_error(tally.si(box=box))
    return Case(group(sig, identity.si(4)), fails(Refused, ["one"]))


# --- in groups and chords


@replacing(
    "group: group_child_replaced_with_chain_first",
    "group: group_child_replaced_with_chain_middle",
    "group: group_child_replaced_with_chain_last",
)
def members_of_a_group_are_replaced_by_chains(box: str) -> Case:
    return Case(
        group(by_a_chain(1), identity.s(2), by_a_chain(3), identity.s(4), by_a_chain(5)), gives([1, 2, 3, 4, 5])
    )


@replacing("chord: chord_header_task_replaced_with_chain")
def the_only_task_of_a_header_is_replaced_by_a_chain(box: str) -> Case:
    return Case(chord(by_a_chain(4), identity.s()), gives([4]))


@replacing(
    "chord: chord_header_child_replaced_with_chain_first",
    "chord: chord_header_child_replaced_with_chain_middle",
    "chord: chord_header_child_replaced_with_chain_last",
)
def members_of_a_header_are_replaced_by_chains(box: str) -> Case:
    header = (by_a_chain(1), identity.s(2), by_a_chain(3), identity.s(4), by_a_chain(5))
    return Case(chord(header, identity.s()), gives([1, 2, 3, 4, 5]))


@replacing("chord: chord_body_task_replaced_with_chain")
def a_body_is_replaced_by_a_chain(box: str) -> Case:
    return Case(chord(identity.s(4), by_a_chain()), gives([4]))


@replacing(
    "chord: chord_body_chain_child_replaced_with_chain_first",
    "chord: chord_body_chain_child_replaced_with_chain_middle",
    "chord: chord_body_chain_child_replaced_with_chain_last",
)
def tasks_of_a_body_of_a_chain_are_replaced_by_chains(box: str) -> Case:
    body = chain(by_a_chain(), identity.s(), by_a_chain(), identity.s(), by_a_chain())
    return Case(chord(identity.s(4), body), gives([4]))
