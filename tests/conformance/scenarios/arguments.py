"""Where arguments come from: the signature, the result before it, the call."""

from celery import chain, chord, group

from tests.conformance.scenario import Case, fails, gives, subject
from tests.conformance.tasks import add, add_sides, add_to_each, gather_all, identity, kind, pair, total

arguments = subject("arguments")


@arguments()
def a_result_is_prepended_to_the_arguments(box: str) -> Case:
    return Case(identity.s(1) | gather_all.s(2, 3, k=4), gives([[1, 2, 3], {"k": 4}]))


@arguments()
def an_immutable_signature_gets_no_result(box: str) -> Case:
    return Case(identity.s(1) | gather_all.si(2, 3, k=4), gives([[2, 3], {"k": 4}]))


@arguments()
def members_of_a_group_get_the_result_unless_they_are_immutable(box: str) -> Case:
    canvas = identity.s(1) | group(gather_all.s(2), gather_all.si(3), gather_all.s())
    return Case(canvas, gives([[[1, 2], {}], [[3], {}], [[1], {}]]))


@arguments()
def an_immutable_body_gets_no_results(box: str) -> Case:
    return Case(chord([identity.s(1), identity.s(2)], gather_all.si("own")), gives([["own"], {}]))


@arguments()
def arguments_of_the_call_come_before_those_of_the_signature(box: str) -> Case:
    canvas = gather_all.s(3, k=1, only="signature")
    return Case(canvas, gives([[1, 2, 3], {"k": 2, "only": "signature"}]), args=(1, 2), kwargs={"k": 2})


@arguments()
def arguments_of_the_call_go_to_the_first_task_of_a_chain(box: str) -> Case:
    return Case(chain(gather_all.s(2), gather_all.s()), gives([[[[1, 2], {"k": 3}]], {}]), args=(1,), kwargs={"k": 3})


@arguments()
def arguments_of_the_call_go_to_every_member_of_a_group(box: str) -> Case:
    canvas = group(gather_all.s(2), gather_all.s(3), gather_all.si(4))
    expected = [[[1, 2], {"k": 5}], [[1, 3], {"k": 5}], [[4], {}]]
    return Case(canvas, gives(expected), args=(1,), kwargs={"k": 5})


@arguments("chord: chord_in_chain_with_args")
def arguments_of_the_call_go_to_the_header_of_a_chord(box: str) -> Case:
    canvas = chain(chord([identity.s(), identity.s()], identity.s()), identity.s())
    return Case(canvas, gives([1, 1]), args=(1,))


@arguments("chord: chain_in_chain_with_args")
def arguments_of_the_call_go_through_chains_in_chains(box: str) -> Case:
    return Case(chain(chain(identity.s(), identity.s())), gives(1), args=(1,))


@arguments("chord: group_chain")
def a_group_between_tasks_gets_the_result_and_hands_on_the_list(box: str) -> Case:
    canvas = add.s(2, 2) | group(add.s(i) for i in range(4)) | add_to_each.s(8)
    return Case(canvas, gives([12, 13, 14, 15]))


@arguments("chord: group_kwargs")
def keyword_arguments_of_the_call_go_to_the_first_task_only(box: str) -> Case:
    canvas = add.s(2, 2) | group(add.s(i) for i in range(4)) | identity.s()
    return Case(canvas, gives([5, 6, 7, 8]), kwargs={"z": 1})


@arguments("chord: group_args_and_kwargs")
def arguments_and_keyword_arguments_of_the_call_go_to_a_header(box: str) -> Case:
    canvas = group(add.s(i) for i in range(4)) | identity.s()
    return Case(canvas, gives([5, 6, 7, 8]), args=(4,), kwargs={"z": 1})


@arguments()
def keyword_arguments_of_a_partial_signature_are_kept(box: str) -> Case:
    return Case(identity.s(1) | add.s(y=2, z=3), gives(6))


@arguments()
def a_task_that_gets_the_wrong_number_of_arguments_fails(box: str) -> Case:
    return Case(identity.s(1) | identity.s(2), fails(TypeError))


@arguments()
def models_are_made_of_what_a_pydantic_task_gets(box: str) -> Case:
    return Case(add_sides.s({"x": 1, "y": 2}) | identity.s(), gives({"sum": 3}))


@arguments()
def types_of_results_are_kept(box: str) -> Case:
    return Case(pair.s(1, 2) | kind.s(), gives("tuple"))


@arguments()
def results_of_a_header_arrive_as_a_list(box: str) -> Case:
    return Case(chord([identity.s(1), identity.s(2)], kind.s()), gives("list"))


@arguments()
def a_signature_may_be_used_again_after_it_was_started(box: str) -> Case:
    part = add.s(1)
    return Case(identity.s(1) | part | group(part, part) | total.s() | part, gives(7))
