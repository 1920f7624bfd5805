"""``map``, ``starmap`` and ``chunks``."""

from celery import chain, chord, group

from tests.conformance.scenario import Case, fails, gives, subject
from tests.conformance.tasks import Refused, add, deep_total, fail, identity, record, total

maps = subject("map")


@maps()
def map_gives_a_list_of_results(box: str) -> Case:
    return Case(identity.map([1, 2, 3]), gives([1, 2, 3]))


@maps("xmap_xstarmap: starmap_keeps_frozen_id_and_link")
def starmap_spreads_its_arguments_and_keeps_its_callback(box: str) -> Case:
    sig = add.starmap([(1, 1), (2, 2)])
    sig.link(record.si("done", box))
    sig.freeze()
    return Case(sig, gives([2, 4], ["done"]))


@maps("xmap_xstarmap: starmap_in_a_group_and_a_chain")
def starmap_in_a_group(box: str) -> Case:
    return Case(group(add.starmap([(1, 1), (2, 2)]), add.s(3, 3)), gives([[2, 4], 6]))


@maps("xmap_xstarmap: starmap_in_a_group_and_a_chain")
def starmap_in_a_chain_ignores_the_result_before_it(box: str) -> Case:
    return Case(chain(add.si(1, 1), add.starmap([(1, 1), (2, 2)])), gives([2, 4]))


@maps()
def what_follows_a_map_gets_its_list(box: str) -> Case:
    return Case(identity.map([1, 2, 3]) | total.s(), gives(6))


@maps()
def a_map_in_a_header(box: str) -> Case:
    return Case(chord([identity.map([1, 2]), identity.s(3)], identity.s()), gives([[1, 2], 3]))


@maps()
def an_item_that_fails_fails_the_map(box: str) -> Case:
    return Case(fail.map([1, 2]), fails(Refused))


@maps()
def chunks_give_a_list_for_each_chunk(box: str) -> Case:
    return Case(add.chunks([(i, i) for i in range(5)], 2), gives([[0, 2], [4, 6], [8]]))


@maps()
def chunks_as_a_group_before_a_task(box: str) -> Case:
    return Case(add.chunks([(i, i) for i in range(5)], 2).group() | deep_total.s(), gives(20))


@maps()
def a_map_of_nothing(box: str) -> Case:
    return Case(identity.map([]), gives([]))
