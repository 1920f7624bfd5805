"""Callbacks: ``link``."""

from celery import chain, chord, group

from tests.conformance.scenario import Case, any_order, fails, gives, subject, times
from tests.conformance.tasks import Refused, add, count, fail, identity, record, record_and_fail, total

links = subject("link")


@links()
def a_callback_gets_the_result_and_does_not_change_it(box: str) -> Case:
    sig = add.s(1, 2)
    sig.link(record.s(box))
    return Case(sig, gives(3, ["3"]))


@links()
def a_callback_of_a_failed_task_does_not_run(box: str) -> Case:
    sig = fail.s()
    sig.link(record.si("callback", box))
    return Case(sig, fails(Refused))


@links()
def several_callbacks_each_run_once(box: str) -> Case:
    sig = add.s(1, 2)
    sig.link(record.si("a", box))
    sig.link(record.si("b", box))
    return Case(sig, gives(3, [any_order("a", "b")]))


@links()
def linking_the_same_signature_twice_is_linking_it_once(box: str) -> Case:
    sig = add.s(1, 2)
    sig.link(record.si("a", box))
    sig.link(record.si("a", box))
    return Case(sig, gives(3, ["a"]))


@links()
def a_callback_that_fails_does_not_fail_what_it_is_linked_to(box: str) -> Case:
    sig = add.s(1, 2)
    sig.link(record_and_fail.si(box=box, what="callback"))
    return Case(sig, gives(3, ["callback"]))


@links()
def a_callback_may_have_a_callback(box: str) -> Case:
    callback = record.s(box)
    callback.link(record.si("second", box))
    sig = add.s(1, 2)
    sig.link(callback)
    return Case(sig, gives(3, ["3", "second"]))


@links()
def a_callback_may_be_a_chain(box: str) -> Case:
    sig = add.s(1, 2)
    sig.link(add.s(10) | record.s(box))
    return Case(sig, gives(3, ["13"]))


@links()
def a_callback_may_be_a_group(box: str) -> Case:
    sig = add.s(1, 2)
    sig.link(group(record.s(box), record.si("b", box)))
    return Case(sig, gives(3, [any_order("3", "b")]))


@links("chain: chain_children_with_callbacks")
def callbacks_of_the_tasks_of_a_chain_all_run(box: str) -> Case:
    sig = identity.si(7)
    sig.link(count.si(box=box))
    return Case(chain(sig for _ in range(12)), gives(7, [times(12, "one")]))


@links("chain: chain_flattening_keep_links_of_inner_chain")
def a_chain_in_a_chain_keeps_its_callback(box: str) -> Case:
    inner = chain(identity.s("a"), add.s("b"))
    inner.link(record.s(box))
    return Case(chain(inner, add.s("c")), gives("abc", ["ab"]))


@links()
def a_callback_of_a_chain_is_one_of_its_last_task(box: str) -> Case:
    canvas = chain(identity.s(1), add.s(2))
    canvas.link(record.s(box))
    return Case(canvas, gives(3, ["3"]))


@links("group: callback_called_by_group")
def a_callback_of_a_group_runs_once_and_without_a_result(box: str) -> Case:
    canvas = group(identity.si(1), identity.si(2))
    canvas.link(count.s(box=box))
    return Case(canvas, gives([1, 2], ["one"]))


@links("group: group_children_with_callbacks")
def callbacks_of_the_members_of_a_group_all_run(box: str) -> Case:
    sig = identity.si(7)
    sig.link(count.si(box=box))
    return Case(group(sig for _ in range(12)), gives([7] * 12, [times(12, "one")]))


@links()
def a_callback_of_a_chord_is_one_of_its_body(box: str) -> Case:
    canvas = chord([add.si(1, 1), add.si(2, 2)], total.s())
    canvas.link(record.s(box))
    return Case(canvas, gives(6, ["6"]))


@links("chord: link_option_runs_after_the_body")
def a_callback_given_to_the_start_of_a_chord_joins_the_bodys_own(box: str) -> Case:
    body = total.s()
    body.link(record.si("own", box))
    canvas = chord([add.si(1, 1), add.si(2, 2)], body)
    return Case(canvas, gives(6, [any_order("own", "6")]), options={"link": record.s(box)})


@links("chord: link_option_on_chain_ending_in_chord")
def a_callback_given_to_the_start_of_a_chain_that_ends_in_a_chord(box: str) -> Case:
    canvas = chain(add.si(1, 1), chord([add.s(10), add.s(20)], total.s()))
    return Case(canvas, gives(34, ["34"]), options={"link": record.s(box)})


@links("chord: link_option_on_group_body_runs_once")
def a_callback_given_to_the_start_of_a_chord_with_a_group_as_its_body_runs_once(box: str) -> Case:
    first = total.s()
    first.link(record.si("own", box))
    canvas = chord([add.si(1, 1), add.si(2, 2)], group(first, total.s()))
    return Case(canvas, gives([6, 6], [any_order("own", "chord")]), options={"link": record.si("chord", box)})


@links()
def a_callback_given_to_the_start_of_a_task_takes_the_place_of_its_own(box: str) -> Case:
    sig = add.s(1, 2)
    sig.link(record.si("own", box))
    return Case(sig, gives(3, ["3"]), options={"link": record.s(box)})
