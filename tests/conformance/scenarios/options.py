"""Options of signatures and of the start."""

from celery import chain, chord, group

from tests.conformance.scenario import Case, Satisfies, gives, subject
from tests.conformance.tasks import add, identity, now, own_header, own_id, own_priority, since, total

options = subject("options")

LATE = Satisfies("a second later, or more", lambda value: value >= 1)


@options("chord: priority")
def a_task_has_the_priority_that_its_signature_gives_it(box: str) -> Case:
    return Case(chain(own_priority.signature(priority=3)), gives(3))


@options("chord: priority_chain")
def each_task_of_a_chain_has_a_priority_of_its_own(box: str) -> Case:
    return Case(own_priority.signature(priority=3) | own_priority.signature(priority=5), gives(5))


@options()
def a_task_id_is_the_tasks(box: str) -> Case:
    return Case(identity.s(1) | own_id.s().set(task_id=f"{box}-mine"), gives(f"{box}-mine"))


@options()
def headers_arrive_with_the_task(box: str) -> Case:
    return Case(identity.s(1) | own_header.s(name="tenant").set(headers={"tenant": "acme"}), gives("acme"))


@options()
def a_countdown_of_a_task_in_a_chain_is_counted_from_the_end_of_the_one_before(box: str) -> Case:
    return Case(chain(now.s(), since.s().set(countdown=1)), gives(LATE))


@options()
def a_countdown_of_a_member_of_a_group_is_its_own(box: str) -> Case:
    timely = Satisfies("the second a second later, or more", lambda seen: seen[1] >= 1)
    return Case(now.s() | group(since.s(), since.s().set(countdown=1)), gives(timely))


@options("chain: chain_error_handler_with_eta")
def a_countdown_given_to_the_start_of_a_chain_delays_its_first_task(box: str) -> Case:
    return Case(chain(add.s(1, 2), add.s(3)), gives(6), options={"countdown": 0.5})


@options("chord: group_or_task_countdown_delays_header")
def a_countdown_given_to_the_start_of_a_chord_delays_its_header(box: str) -> Case:
    canvas = now.s() | chord([since.s(), since.s()], identity.s()).set(countdown=1)
    return Case(canvas, gives(Satisfies("both a second later, or more", lambda seen: min(seen) >= 1)))


@options()
def options_of_a_group_go_to_its_members(box: str) -> Case:
    canvas = group(own_priority.s(), own_priority.signature(priority=5)).set(priority=3)
    return Case(canvas, gives([3, 3]))


@options()
def options_of_a_chain_go_to_its_first_task(box: str) -> Case:
    canvas = chain(own_priority.s(), add.s(10)).set(priority=3)
    return Case(canvas, gives(13))


@options()
def a_body_has_options_of_its_own(box: str) -> Case:
    return Case(chord([own_priority.signature(priority=2)], total.s() | own_priority.signature(priority=4)), gives(4))
