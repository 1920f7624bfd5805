"""Stamps: headers that a visitor puts on every signature of a canvas."""

from celery import Signature, chain, chord, group

from tests.conformance.scenario import Case, any_order, fails, gives, subject
from tests.conformance.tasks import (
    Refused,
    Stamp,
    deep_total,
    fail,
    identity,
    replaced_by_stamped,
    stamped,
    stamped_and_failing,
    stamped_and_retried,
)

stamping = subject("stamping")

FORTY_TWO = '{"stamp": 42}'


def with_stamp(canvas: Signature, **headers: object) -> Signature:
    canvas.stamp(visitor=Stamp(**headers or {"stamp": 42}))
    return canvas


@stamping(
    "stamping_mechanism: task_received_has_access_to_stamps",
    "stamping_mechanism: properties_not_affected_from_stamping",
)
def a_task_sees_its_stamps(box: str) -> Case:
    return Case(with_stamp(stamped.s(1, box=box)), gives(1, [f"task {FORTY_TWO}"]))


@stamping("stamping_mechanism: stamp_value_type_defined_by_visitor")
def a_stamp_may_be_a_list(box: str) -> Case:
    return Case(with_stamp(stamped.s(1, box=box), stamp=[4, 2]), gives(1, ['task {"stamp": [4, 2]}']))


@stamping("stamping_mechanism: all_tasks_of_canvas_are_stamped")
def every_task_of_a_chain_is_stamped(box: str) -> Case:
    canvas = chain(stamped.s(1, box=box, name="a"), stamped.s(box=box, name="b"))
    return Case(with_stamp(canvas), gives(1, [f"a {FORTY_TWO}", f"b {FORTY_TWO}"]))


@stamping("stamping_mechanism: all_tasks_of_canvas_are_stamped")
def every_member_of_a_group_is_stamped(box: str) -> Case:
    canvas = group(stamped.s(1, box=box, name="a"), stamped.s(2, box=box, name="b"))
    return Case(with_stamp(canvas), gives([1, 2], [any_order(f"a {FORTY_TWO}", f"b {FORTY_TWO}")]))


@stamping("stamping_mechanism: all_tasks_of_canvas_are_stamped")
def every_task_of_nested_chords_is_stamped(box: str) -> Case:
    def named(name: str, *args: object) -> Signature:
        return stamped.s(*args, box=box, name=name)

    inner = chord([named("a", 1), named("b", 2)], deep_total.s() | named("c"))
    canvas = chord(group(chain(named("d", 3), named("e")), inner), named("f"))
    first = any_order(*(f"{name} {FORTY_TWO}" for name in "abcde"))
    return Case(with_stamp(canvas), gives([3, 3], [first, f"f {FORTY_TWO}"]))


@stamping("stamping_mechanism: stamping_workflow")
def a_stamped_canvas_with_callback_and_errback(box: str) -> Case:
    canvas = group(chain(identity.s(3), identity.s()), chain(identity.s(9), identity.s()), identity.si(30)) | group(
        deep_total.s(), stamped.s(box=box)
    )
    canvas.link(identity.si("callback"))
    canvas.link_error(identity.si("errback"))
    return Case(with_stamp(canvas), gives([42, [3, 9, 30]], [f"task {FORTY_TWO}"]))


@stamping("stamping_mechanism: linking_stamped_sig")
def a_callback_is_stamped_with_its_task(box: str) -> Case:
    sig = with_stamp(identity.si(1), first=1)
    sig.link(stamped.si(box=box, name="callback"))
    return Case(with_stamp(sig, second=2), gives(1, ['callback {"second": 2}']))


@stamping("stamping_mechanism: err_linking_stamped_sig")
def an_errback_is_stamped_with_its_task(box: str) -> Case:
    sig = with_stamp(fail.si(), first=1)
    sig.link_error(stamped.si(box=box, name="errback"))
    return Case(with_stamp(sig, second=2), fails(Refused, ['errback {"second": 2}']))


@stamping("stamping_mechanism: stamps_remain_on_task_retry")
def stamps_stay_when_a_task_is_tried_again(box: str) -> Case:
    effects = [f"attempt 1 {FORTY_TWO}", f"attempt 2 {FORTY_TWO}"]
    return Case(with_stamp(stamped_and_retried.s(box)), gives(None, effects))


@stamping("stamping_mechanism: replace_merge_stamps")
def a_replacement_has_the_stamps_that_on_replace_puts_on_it(box: str) -> Case:
    effects = [f"original {FORTY_TWO}", 'replacement {"replaced": "yes"}']
    return Case(with_stamp(replaced_by_stamped.s(box)), gives(None, effects))


@stamping("stamping_mechanism: stamp_canvas_with_dictionary_link")
def a_callback_that_is_a_dictionary_is_stamped(box: str) -> Case:
    sig = identity.si(4)
    sig.options["link"] = dict(stamped.si(box=box, name="callback"))
    return Case(with_stamp(sig), gives(4, [f"callback {FORTY_TWO}"]))


@stamping("stamping_mechanism: stamp_canvas_with_dictionary_link_error")
def an_errback_that_is_a_dictionary_is_stamped(box: str) -> Case:
    sig = fail.si()
    sig.options["link_error"] = dict(stamped.si(box=box, name="errback"))
    return Case(with_stamp(sig), fails(Refused, [f"errback {FORTY_TWO}"]))


@stamping()
def stamps_stay_on_a_task_that_fails(box: str) -> Case:
    return Case(with_stamp(stamped_and_failing.s(box=box)), fails(Refused, [f"task {FORTY_TWO}"]))
