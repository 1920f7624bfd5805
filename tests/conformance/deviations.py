"""Where Celery comes to something else than its rules, or than its own tests, say: a scenario's name, what, and why.

All of it was seen, and is looked at again whenever the scenarios are played on Celery.
"""

from dataclasses import dataclass

from celery.exceptions import TaskRevokedError

from tests.conformance.scenario import Outcome, Satisfies, any_order, fails, gives, never_ends, times
from tests.conformance.tasks import Refused


@dataclass(frozen=True)
class Deviation:
    """outcome: what Celery comes to; because: why; before: a version that has mended it; then: what that does instead,
    where it is something else again."""

    outcome: Outcome
    because: str
    before: tuple[int, int] | None = None
    then: "Deviation | None" = None


def deviation(name: str, version: tuple[int, int]) -> Deviation | None:
    """What this version of Celery does in a scenario instead of what it should; None: nothing else."""
    found = DEVIATIONS.get(name)
    while found is not None and found.before is not None and version >= found.before:
        found = found.then
    return found


def _until_5_7(outcome: Outcome, because: str, then: Deviation | None = None) -> Deviation:
    return Deviation(outcome, because, (5, 7), then)


_PENDING = "nobody tells the last result that a header before it has failed"
_PENDING_BODY = "the failure of a header is not passed on to the body of a body; `get()` finds it in the parents"
_GROUP_BODY = "the tasks of a body of a group are stored with the error of the member itself, or as revoked"
_NOT_CALLED = "the errbacks of the tasks of a body of a group are not called"
_EMPTY = "empty groups and chains are not skipped"
_START = "the header is given the callbacks, too, and a group refuses them"

DEVIATIONS: dict[str, Deviation] = {
    # by design
    "types_of_results_are_kept": Deviation(gives("list"), "results go through JSON"),
    "a_task_that_ignores_itself_counts_as_none": Deviation(
        never_ends(["one"]), "a task that ignores itself stores no result, and the group waits for it"
    ),
    "a_group_among_others_in_a_header_keeps_its_order": Deviation(
        gives([1, 4, 3, 2, 5]), "a group in a header comes out reversed"
    ),
    # failures that are not passed on
    "a_task_that_fails_before_a_group_fails_the_chain": Deviation(
        never_ends(), "nobody tells the members that the task before them has failed"
    ),
    "a_task_that_fails_before_a_group_and_a_task_is_not_a_header_that_fails": _until_5_7(
        never_ends(), "nobody tells the body that the task before the header has failed"
    ),
    "a_header_that_fails_fails_the_chords_after_it": _until_5_7(never_ends(["beside"]), _PENDING),
    "a_header_that_fails_fails_the_chord_after_its_body_of_a_group": _until_5_7(never_ends(["beside"]), _PENDING),
    "a_header_that_fails_in_a_chain_in_a_chain": _until_5_7(never_ends(), _PENDING),
    "a_chain_with_a_group_in_it_that_fails_in_a_header": _until_5_7(never_ends(), _PENDING),
    "an_errback_of_an_inner_body_runs_when_the_inner_header_fails": _until_5_7(never_ends(["one"]), _PENDING),
    "an_errback_of_an_inner_body_runs_when_that_body_fails": _until_5_7(never_ends(["one"]), _PENDING),
    "a_replacement_whose_header_fails_fails_the_chain": _until_5_7(never_ends(), _PENDING),
    "a_header_that_fails_before_a_chord": Deviation(never_ends(), _PENDING_BODY),
    "a_chord_that_fails_in_a_header_fails_the_chord_around_it": Deviation(never_ends(["beside"]), _PENDING_BODY),
    "an_errback_of_a_chord_runs_once_when_a_chord_in_its_header_fails": Deviation(
        never_ends(["errback"]), _PENDING_BODY
    ),
    "a_header_that_fails_before_a_group": Deviation(fails(Refused, or_with=TaskRevokedError), _GROUP_BODY),
    "each_task_of_a_body_of_a_group_calls_its_errbacks_when_the_header_fails": _until_5_7(
        fails(Refused, or_with=TaskRevokedError),
        _NOT_CALLED,
        Deviation(fails(Refused, [any_order("own", "chord", "chord")], or_with=TaskRevokedError), _GROUP_BODY),
    ),
    "a_chord_in_a_body_of_a_group_calls_the_errbacks_of_its_body_when_the_header_fails": _until_5_7(
        fails(Refused, or_with=TaskRevokedError),
        _NOT_CALLED,
        Deviation(fails(Refused, [times(2, "chord")], or_with=TaskRevokedError), _GROUP_BODY),
    ),
    "an_errback_that_is_set_as_an_option_need_not_be_in_a_list": _until_5_7(
        fails(Refused, or_with=TaskRevokedError),
        _NOT_CALLED,
        Deviation(fails(Refused, ["one"], or_with=TaskRevokedError), _GROUP_BODY),
    ),
    # nothing in them
    "empty_groups_at_the_end_of_a_chain_are_dropped": _until_5_7(fails(AttributeError), _EMPTY),
    "empty_groups_between_a_group_and_a_task_are_dropped": _until_5_7(gives(0), _EMPTY),
    "arguments_pass_an_empty_group_at_the_head_of_a_chain": _until_5_7(fails(TypeError), _EMPTY),
    "arguments_pass_an_empty_chain_at_the_head_of_a_chain": _until_5_7(fails(TypeError), _EMPTY),
    "arguments_pass_empty_groups_in_chains_in_chains": _until_5_7(fails(TypeError), _EMPTY),
    "empty_chains_in_a_group_are_dropped": _until_5_7(fails(IndexError), _EMPTY),
    "a_header_of_nothing_but_an_empty_chain": _until_5_7(fails(IndexError), _EMPTY),
    "empty_chains_among_others_in_a_header_are_dropped": _until_5_7(fails(IndexError), _EMPTY),
    # callbacks and errbacks
    "an_errback_of_one_argument_beside_its_own_gets_the_id": _until_5_7(
        fails(TypeError, Satisfies("the errback does not run", lambda seen: len(seen) == 1)),
        "its own arguments are counted among those that it is told",
    ),
    "an_errback_given_to_the_start_of_a_chord_joins_the_bodys_own": _until_5_7(fails(TypeError), _START),
    "an_errback_given_to_the_start_runs_once_for_a_body_that_is_a_chord": _until_5_7(
        fails(TypeError), _START, Deviation(never_ends(["one"]), _PENDING_BODY)
    ),
    "an_errback_given_to_the_start_joins_those_of_the_tasks_of_a_body_of_a_group": _until_5_7(fails(TypeError), _START),
    "an_errback_given_to_the_start_joins_those_of_a_body_of_a_group": _until_5_7(fails(TypeError), _START),
    "an_errback_given_to_the_start_runs_once_for_a_chord_in_a_body_of_a_group": _until_5_7(fails(TypeError), _START),
    "an_errback_given_to_the_start_runs_for_each_task_of_a_body_of_a_group": _until_5_7(
        fails(TypeError),
        _START,
        Deviation(fails(Refused, [times(2, "one")], or_with=TaskRevokedError), _GROUP_BODY),
    ),
    "a_callback_given_to_the_start_of_a_chord_joins_the_bodys_own": _until_5_7(fails(TypeError), _START),
    "a_callback_given_to_the_start_of_a_chord_with_a_group_as_its_body_runs_once": _until_5_7(fails(TypeError), _START),
    "a_callback_given_to_the_start_of_a_chain_that_ends_in_a_chord": _until_5_7(
        never_ends(), "the header is given the callback, and a group refuses it, in the worker"
    ),
    "starmap_spreads_its_arguments_and_keeps_its_callback": _until_5_7(gives([2, 4]), "the callback is lost"),
    # replacing
    "a_task_is_replaced_by_a_chain_that_ends_in_a_group": _until_5_7(never_ends(), "the group's results stay pending"),
    "a_callback_of_a_task_that_a_chain_replaces_runs_once": _until_5_7(gives(3, [times(2, "3")]), "it runs twice"),
    "a_callback_of_a_member_that_a_chain_replaces_runs_once": _until_5_7(
        gives([3, 7], [times(2, "3")]), "it runs twice"
    ),
}

NOTES: dict[str, str] = {
    "a_task_that_gets_the_wrong_number_of_arguments_fails": "same, at once: `durable(...)` raises it",
    "map_gives_a_list_of_results": "same; each item is a task of its own",
    "a_header_may_be_a_generator": "same; all of it is stored before the first task runs",
}
"""What is to be said of durableflow, which comes to the same."""
