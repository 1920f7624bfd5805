"""``self.retry(...)`` and ``autoretry_for`` in a canvas."""

from celery import chain, chord, group

from tests.conformance.scenario import Case, fails, fails_chord, gives, subject
from tests.conformance.tasks import (
    Refused,
    add,
    count,
    fail_twice,
    identity,
    record,
    retry_in_vain,
    retry_once,
    retry_with_other_arguments,
    tally,
    total,
)

retrying = subject("retry")


@retrying()
def a_task_of_a_chain_that_is_tried_again_hands_on_its_result(box: str) -> Case:
    return Case(chain(identity.s(1), retry_once.s(), add.s(10)), gives(11))


@retrying()
def callbacks_wait_for_the_retry(box: str) -> Case:
    sig = retry_once.s()
    sig.link(record.s(box))
    return Case(sig, gives(1, ["1"]))


@retrying()
def a_retry_may_change_the_arguments(box: str) -> Case:
    return Case(chain(identity.s(1), retry_with_other_arguments.s(2)), gives(103))


@retrying()
def a_retry_that_is_used_up_fails_with_its_exc_and_calls_errbacks_once(box: str) -> Case:
    sig = retry_in_vain.s()
    sig.link_error(tally.si(box=box))
    return Case(chain(sig, identity.s()), fails(Refused, ["one"]))


@retrying()
def autoretry_in_a_header(box: str) -> Case:
    return Case(chord([fail_twice.s(1), identity.s(2), fail_twice.s(3)], total.s()), gives(6))


@retrying()
def a_retry_that_is_used_up_in_a_header_fails_the_chord(box: str) -> Case:
    return Case(group(identity.s(1), retry_in_vain.s()) | count.s(box=box), fails_chord(Refused))
