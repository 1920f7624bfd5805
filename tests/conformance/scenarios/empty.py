"""Groups, chains and headers with nothing in them."""

from celery import chain, chord, group
from celery.canvas import _chain

from tests.conformance.scenario import Case, gives, subject
from tests.conformance.tasks import add, add_to_each, deep_total, identity, total

empty = subject("empty")


@empty("group: empty_group_result")
def an_empty_group_gives_an_empty_list(box: str) -> Case:
    return Case(group([]), gives([]))


@empty("chord: empty_header_chord")
def an_empty_header_hands_an_empty_list_to_the_body(box: str) -> Case:
    return Case(chord([], identity.s()), gives([]))


@empty("chord: empty_header_chord")
def an_empty_group_before_a_task_hands_it_an_empty_list(box: str) -> Case:
    return Case(group([]) | add_to_each.s(9), gives([]))


@empty("chain: chain_of_group_followed_by_empty_groups")
def empty_groups_at_the_end_of_a_chain_are_dropped(box: str) -> Case:
    return Case(chain(group(add.s(2, 2), add.s(4, 4)), group(), group()), gives([4, 8]))


@empty("chain: chain_skips_empty_groups_before_chord_body")
def empty_groups_between_a_group_and_a_task_are_dropped(box: str) -> Case:
    return Case(_chain(group(add.s(2, 2), add.s(4, 4)), group(), group(), deep_total.s()), gives(12))


@empty("chain: chain_forwards_args_past_leading_empty_steps")
def arguments_pass_an_empty_group_at_the_head_of_a_chain(box: str) -> Case:
    return Case(_chain(group(), add.s(10)), gives(15), args=(5,))


@empty("chain: chain_forwards_args_past_leading_empty_steps")
def arguments_pass_an_empty_chain_at_the_head_of_a_chain(box: str) -> Case:
    return Case(_chain(chain(), add.s(10)), gives(15), args=(5,))


@empty("chain: chain_forwards_args_past_leading_empty_steps")
def arguments_pass_empty_groups_in_chains_in_chains(box: str) -> Case:
    return Case(_chain(_chain(group(), add.s(10)), add.s(20)), gives(35), args=(5,))


@empty("group: group_with_empty_chain_members")
def empty_chains_in_a_group_are_dropped(box: str) -> Case:
    return Case(group(chain(), add.s(1, 2), chain(), add.s(3, 4)), gives([3, 7]))


@empty("chord: chord_header_with_empty_chains")
def a_header_of_nothing_but_an_empty_chain(box: str) -> Case:
    return Case(chord([chain()], body=total.s()), gives(0))


@empty("chord: chord_header_with_empty_chains")
def empty_chains_among_others_in_a_header_are_dropped(box: str) -> Case:
    return Case(chord([chain(), add.s(1, 1), chain(), add.s(2, 2)], body=total.s()), gives(6))
