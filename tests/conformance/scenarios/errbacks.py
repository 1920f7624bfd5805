"""Errbacks: ``link_error`` and ``on_error``."""

from collections.abc import Sequence

from celery import chain, chord, group, signature

from tests.conformance.scenario import Case, Satisfies, any_order, fails, fails_chord, gives, subject, times
from tests.conformance.tasks import (
    Refused,
    add,
    count,
    errback_of_error,
    errback_of_id,
    errback_of_id_and_more,
    errback_of_request,
    errback_of_request_and_more,
    fail,
    fail_and_tell,
    identity,
    record,
    record_and_fail,
    retry_once,
    tally,
    total,
)

errbacks = subject("link_error")

ON_HEADERS = {"task_allow_error_cb_on_chord_header": True}


def _names_the_failed(seen: Sequence[str]) -> bool:
    failed = sorted(each.removeprefix("failed ") for each in seen if each.startswith("failed "))
    called = sorted(each.removeprefix("errback ") for each in seen if each.startswith("errback "))
    return bool(failed) and failed == called and len(seen) == 2 * len(failed)


NAMES_THE_FAILED = Satisfies("the errback is called once for each failed task, with its id", _names_the_failed)


@errbacks("link_error: link_error", "link_error: link_error_eager")
def an_errback_runs_when_its_task_fails(box: str) -> Case:
    sig = fail.s("x")
    sig.link_error(tally.si(box=box))
    return Case(sig, fails(Refused, ["one"]))


@errbacks()
def an_errback_of_a_task_that_succeeds_does_not_run(box: str) -> Case:
    sig = identity.s(1)
    sig.link_error(tally.si(box=box))
    return Case(sig, gives(1))


@errbacks("link_error: link_error_using_signature", "link_error: link_error_using_signature_eager")
def task_and_errback_may_be_signatures_by_name(box: str) -> Case:
    sig = signature(fail.name, args=("x",))
    sig.link_error(signature(tally.name, kwargs={"box": box}, immutable=True))
    return Case(sig, fails(Refused, ["one"]))


@errbacks("link_error: link_error_callback_retries", "link_error: link_error_callback_error_callback_retries_eager")
def an_errback_may_retry(box: str) -> Case:
    errback = retry_once.si()
    errback.link(record.s(box))
    sig = fail.s()
    sig.link_error(errback)
    return Case(sig, fails(Refused, ["1"]))


@errbacks()
def an_errback_that_fails_does_not_change_the_error(box: str) -> Case:
    sig = fail.s()
    sig.link_error(record_and_fail.si(box=box, what="errback"))
    return Case(sig, fails(Refused, ["errback"]))


@errbacks("link_error: mutable_errback_with_stored_arguments")
def an_errback_of_one_argument_gets_the_id_of_the_failed_task(box: str) -> Case:
    sig = fail_and_tell.s(box=box)
    sig.link_error(errback_of_id.s(box=box))
    return Case(sig, fails(Refused, NAMES_THE_FAILED))


@errbacks("link_error: mutable_errback_with_stored_arguments")
def an_errback_of_three_arguments_gets_request_error_and_traceback(box: str) -> Case:
    sig = fail.s("x")
    sig.link_error(errback_of_error.s(box=box))
    return Case(sig, fails(Refused, ["fail Refused ('no', 'x') True"]))


@errbacks("link_error: mutable_errback_with_stored_arguments")
def what_an_errback_is_told_comes_before_its_own_arguments(box: str) -> Case:
    sig = fail_and_tell.s(box=box)
    sig.link_error(errback_of_request_and_more.s("errback", box))
    return Case(sig, fails(Refused, NAMES_THE_FAILED))


@errbacks("link_error: mutable_errback_with_stored_arguments")
def an_errback_of_one_argument_beside_its_own_gets_the_id(box: str) -> Case:
    sig = fail_and_tell.s(box=box)
    sig.link_error(errback_of_id_and_more.s("errback", box))
    return Case(sig, fails(Refused, NAMES_THE_FAILED))


@errbacks()
def an_errback_of_a_chain_runs_for_whichever_task_fails(box: str) -> Case:
    canvas = chain(identity.s(1), fail_and_tell.s(box=box), identity.s())
    canvas.link_error(errback_of_id.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks("chain: chain_children_with_errbacks")
def of_the_errbacks_of_a_chains_tasks_only_the_failed_ones_runs(box: str) -> Case:
    sig = fail.si()
    sig.link_error(tally.si(box=box))
    return Case(chain(sig for _ in range(12)), fails(Refused, ["one"]))


@errbacks("chain: chain_error_handler_with_eta")
def on_error_is_link_error(box: str) -> Case:
    canvas = chain(identity.s(1), fail.s()).on_error(tally.si(box=box))
    return Case(canvas, fails(Refused, ["one"]))


@errbacks("group: errback_called_by_group_fail_first")
def an_errback_of_a_group_runs_when_its_first_member_fails(box: str) -> Case:
    canvas = group(fail_and_tell.s(box=box), identity.si(4))
    canvas.link_error(tally.si(box=box, what="errback"))
    return Case(canvas, fails(Refused, Satisfies("the errback runs once", lambda seen: seen.count("errback") == 1)))


@errbacks("group: errback_called_by_group_fail_last")
def an_errback_of_a_group_runs_when_its_last_member_fails(box: str) -> Case:
    canvas = group(identity.si(4), fail.s())
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails(Refused, ["one"]))


def _ids_of_one(seen: Sequence[str]) -> bool:
    return len(seen) == 1 and seen[0].startswith("errback ")


@errbacks("group: mutable_errback_called_by_group")
def an_errback_of_a_group_gets_the_id_of_its_failed_member(box: str) -> Case:
    canvas = group(fail_and_tell.s(box=box), identity.si(4))
    canvas.link_error(errback_of_id.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks("group: mutable_errback_called_by_group")
def an_errback_of_a_group_gets_the_request_of_its_failed_member(box: str) -> Case:
    canvas = group(fail_and_tell.s(box=box), identity.si(4))
    canvas.link_error(errback_of_request.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks("group: errback_called_by_group_fail_multiple")
def an_errback_of_a_group_runs_for_each_member_that_fails(box: str) -> Case:
    canvas = group(*(identity.si(4) for _ in range(5)), *(fail.s() for _ in range(9)))
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails(Refused, [times(9, "one")]))


@errbacks("group: group_children_with_errbacks")
def errbacks_of_the_members_of_a_group_all_run(box: str) -> Case:
    sig = fail.si()
    sig.link_error(tally.si(box=box))
    return Case(group(sig for _ in range(12)), fails(Refused, [times(12, "one")]))


# --- chords


@errbacks("chord: immutable_errback_called_by_chord_from_simple", "chord: chord_on_error")
def an_errback_of_a_chord_runs_once_when_its_header_fails(box: str) -> Case:
    canvas = chord((fail.s(), fail.s()), count.s(box=box, what="body"))
    canvas.link_error(tally.si(box=box, what="errback"))
    return Case(canvas, fails_chord(Refused, ["errback"]))


@errbacks("chord: immutable_errback_called_by_chord_from_simple")
def an_errback_of_a_chord_runs_once_when_its_body_fails(box: str) -> Case:
    canvas = chord((identity.si(4),), fail.s())
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails(Refused, ["one"]))


@errbacks("chord: mutable_errback_called_by_chord_from_simple")
def an_errback_of_a_chord_gets_the_id_of_its_body_when_the_header_fails(box: str) -> Case:
    canvas = chord((fail.s(),), identity.s().set(task_id=f"{box}-body"))
    canvas.link_error(errback_of_id.s(box=box))
    return Case(canvas, fails_chord(Refused, [f"errback {box}-body"]))


@errbacks("chord: mutable_errback_called_by_chord_from_simple")
def an_errback_of_three_arguments_of_a_chord_runs_once_when_its_header_fails(box: str) -> Case:
    canvas = chord((fail.s(),), identity.s())
    canvas.link_error(errback_of_request.s(box=box))
    return Case(canvas, fails_chord(Refused, Satisfies("one `errback` with an id", _ids_of_one)))


@errbacks("chord: mutable_errback_called_by_chord_from_simple")
def an_errback_of_a_chord_gets_the_id_of_its_body_when_that_fails(box: str) -> Case:
    canvas = chord((identity.si(4),), fail_and_tell.s(box=box))
    canvas.link_error(errback_of_id.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks("chord: mutable_errback_called_by_chord_from_simple")
def an_errback_of_a_chord_gets_the_request_of_its_body_when_that_fails(box: str) -> Case:
    canvas = chord((identity.si(4),), fail_and_tell.s(box=box))
    canvas.link_error(errback_of_request.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks(
    "chord: immutable_errback_called_by_chord_from_chain", "chord: immutable_errback_called_by_chord_from_chain_tail"
)
def an_errback_of_a_chord_runs_once_when_a_chain_of_its_header_fails(box: str) -> Case:
    canvas = chord((chain(identity.si(4), fail.s(), identity.si(4)),), identity.s())
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails_chord(Refused, ["one"]))


@errbacks(
    "chord: mutable_errback_called_by_chord_from_chain",
    "chord: mutable_errback_called_by_chord_from_chain_tail",
    "chord: immutable_errback_called_by_chord_from_chain",
    "chord: immutable_errback_called_by_chord_from_chain_tail",
)
def an_errback_of_a_chord_gets_the_id_of_the_task_that_fails_in_a_body_of_a_chain(box: str) -> Case:
    body = chain(identity.si(4), fail_and_tell.s(box=box), identity.si(4))
    canvas = chord((identity.si(4),), body)
    canvas.link_error(errback_of_id.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks("chord: immutable_errback_called_by_chord_from_group", "chord: mutable_errback_called_by_chord_from_group")
def an_errback_of_a_chord_runs_once_when_a_group_of_its_header_fails(box: str) -> Case:
    canvas = chord((group(identity.si(4), fail.s()),), identity.s())
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails_chord(Refused, ["one"]))


@errbacks("chord: immutable_errback_called_by_chord_from_group", "chord: mutable_errback_called_by_chord_from_group")
def an_errback_of_a_chord_gets_the_id_of_the_member_that_fails_in_a_body_of_a_group(box: str) -> Case:
    canvas = chord((identity.si(4),), group(identity.si(4), fail_and_tell.s(box=box)))
    canvas.link_error(errback_of_id.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks(
    "chord: immutable_errback_called_by_chord_from_group_fail_multiple",
    "chord: mutable_errback_called_by_chord_from_group_fail_multiple_on_header_failure",
)
def an_errback_of_a_chord_runs_once_however_many_members_of_its_header_fail(box: str) -> Case:
    header = group(*(identity.si(4) for _ in range(5)), *(fail.s() for _ in range(9)))
    canvas = chord((header,), identity.s())
    canvas.link_error(tally.si(box=box))
    return Case(canvas, fails_chord(Refused, ["one"]))


@errbacks(
    "chord: immutable_errback_called_by_chord_from_group_fail_multiple",
    "chord: mutable_errback_called_by_chord_from_group_fail_multiple_on_body_failure",
)
def an_errback_of_a_chord_runs_for_each_member_of_a_body_of_a_group_that_fails(box: str) -> Case:
    body = group(*(identity.si(4) for _ in range(5)), *(fail_and_tell.s(box=box) for _ in range(9)))
    canvas = chord((identity.si(4),), body)
    canvas.link_error(errback_of_request.s(box=box))
    return Case(canvas, fails(Refused, NAMES_THE_FAILED))


@errbacks("chord: nested_chord_header_link_error")
def an_errback_of_a_chord_runs_once_when_a_chord_in_its_header_fails(box: str) -> Case:
    inner = chord([identity.si(1), fail.si()], tally.si(box=box, what="inner body"))
    canvas = chord(group([identity.si(3), inner]), tally.si(box=box, what="outer body"))
    canvas.link_error(tally.si(box=box, what="errback"))
    return Case(canvas, fails_chord(Refused, ["errback"]))


@errbacks("chord: disabling_flag_allow_error_cb_on_chord_header")
def an_errback_of_a_chord_is_not_one_of_its_header(box: str) -> Case:
    canvas = chord((fail.si(), identity.si(4), fail.si(), identity.si(4)), tally.si(box=box, what="body"))
    canvas.link_error(tally.si(box=box, what="errback"))
    return Case(canvas, fails_chord(Refused, ["errback"]))


@errbacks("chord: enabling_flag_allow_error_cb_on_chord_header", conf=ON_HEADERS)
def errbacks_of_header_and_body_each_run_for_what_fails(box: str) -> Case:
    canvas = chord((fail.si(), identity.si(4), fail.si(), identity.si(4)), tally.si(box=box, what="body"))
    for task in canvas.tasks:
        task.link_error(tally.si(box=box, what="errback of the header"))
    canvas.body.link_error(tally.si(box=box, what="errback of the body"))
    effects = [any_order("errback of the header", "errback of the header", "errback of the body")]
    return Case(canvas, fails_chord(Refused, effects))


@errbacks("chord: enabling_flag_allow_error_cb_on_chord_header", conf=ON_HEADERS)
def an_errback_of_a_chord_is_one_of_its_header_where_the_app_says_so(box: str) -> Case:
    canvas = chord((fail.si(), identity.si(4), fail.si()), tally.si(box=box, what="body"))
    canvas.link_error(tally.si(box=box, what="errback"))
    return Case(canvas, fails_chord(Refused, [times(3, "errback")]))


@errbacks("chord: flag_allow_error_cb_on_chord_header_on_upgraded_chord", conf=ON_HEADERS)
def an_errback_of_a_group_with_a_task_after_it_is_one_of_the_group_where_the_app_says_so(box: str) -> Case:
    canvas = chain(group([fail.si(), identity.si(4), fail.si()]), tally.si(box=box, what="body"))
    canvas.link_error(tally.si(box=box, what="errback"))
    return Case(canvas, fails_chord(Refused, [times(3, "errback")]))


@errbacks("chord: upgraded_chord_link_error_with_header_errback_enabled", conf=ON_HEADERS)
def on_error_of_a_chain_with_a_group_in_it_where_the_app_says_so(box: str) -> Case:
    canvas = chain(identity.si(4), group(fail.si(), fail.si()), tally.si(box=box, what="body"))
    canvas = canvas.on_error(tally.si(box=box, what="errback"))
    return Case(canvas, fails_chord(Refused, [times(3, "errback")]))


@errbacks("chord: chain_of_implicit_chords_body_failure")
def an_errback_of_an_inner_body_runs_when_the_inner_header_fails(box: str) -> Case:
    inner_body = chain(total.s(), group(add.s(1), add.s(2)), total.s())
    inner_body.link_error(tally.si(box=box))
    inner = chord(group(fail.si(), add.si(1, 2)), inner_body)
    return Case(chord([add.si(1, 1)], chain(total.s(), inner)), fails_chord(Refused, ["one"]))


@errbacks("chord: chain_of_implicit_chords_body_failure")
def an_errback_of_an_inner_body_runs_when_that_body_fails(box: str) -> Case:
    inner_body = chain(fail.si(), group(add.s(1), add.s(2)), total.s())
    inner_body.link_error(tally.si(box=box))
    inner = chord(group(add.si(1, 2)), inner_body)
    return Case(chord([add.si(1, 1)], chain(total.s(), inner)), fails(Refused, ["one"]))


# --- given to the start


@errbacks("chord: link_error_option_runs_on_body_failure")
def an_errback_given_to_the_start_of_a_chord_joins_the_bodys_own(box: str) -> Case:
    body = fail.s()
    body.link_error(tally.si(box=box, what="own"))
    canvas = chord([identity.si(4)], body)
    return Case(
        canvas, fails(Refused, [any_order("own", "start")]), options={"link_error": tally.si(box=box, what="start")}
    )


@errbacks("chord: link_error_option_runs_on_header_failure")
def an_errback_given_to_the_start_runs_for_each_task_of_a_body_of_a_group(box: str) -> Case:
    canvas = chord([add.si(1, 1), fail.si()], group(total.s(), total.s()))
    return Case(canvas, fails_chord(Refused, [times(2, "one")]), options={"link_error": tally.si(box=box)})


@errbacks("chord: link_error_option_runs_on_header_failure")
def an_errback_given_to_the_start_runs_once_for_a_body_that_is_a_chord(box: str) -> Case:
    canvas = chord([add.si(1, 1), fail.si()], chord([total.s(), total.s()], total.s()))
    return Case(canvas, fails_chord(Refused, ["one"]), options={"link_error": tally.si(box=box)})


@errbacks("chord: link_error_option_keeps_errbacks_of_group_body_tasks")
def an_errback_given_to_the_start_joins_those_of_the_tasks_of_a_body_of_a_group(box: str) -> Case:
    failing = fail.s()
    failing.link_error(tally.si(box=box, what="own"))
    canvas = chord([add.si(1, 1)], group(failing, total.s()))
    return Case(
        canvas, fails(Refused, [any_order("own", "start")]), options={"link_error": tally.si(box=box, what="start")}
    )


@errbacks("chord: errbacks_of_group_body_tasks_run_on_header_failure")
def each_task_of_a_body_of_a_group_calls_its_errbacks_when_the_header_fails(box: str) -> Case:
    first = total.s()
    first.link_error(tally.si(box=box, what="own"))
    canvas = chord([add.si(1, 1), fail.si()], group(first, total.s()))
    canvas.link_error(tally.si(box=box, what="chord"))
    return Case(canvas, fails_chord(Refused, [any_order("own", "chord", "chord")]))


@errbacks("chord: errbacks_of_chord_in_group_body_run_on_header_failure")
def a_chord_in_a_body_of_a_group_calls_the_errbacks_of_its_body_when_the_header_fails(box: str) -> Case:
    canvas = chord([add.si(1, 1), fail.si()], group(chord([add.si(2, 2)], total.s()), total.s()))
    canvas.link_error(tally.si(box=box, what="chord"))
    return Case(canvas, fails_chord(Refused, [times(2, "chord")]))


@errbacks("chord: errback_set_as_one_signature_runs_on_header_failure")
def an_errback_that_is_set_as_an_option_need_not_be_in_a_list(box: str) -> Case:
    first = total.s().set(link_error=tally.si(box=box))
    canvas = chord([add.si(1, 1), fail.si()], group(first, total.s()))
    return Case(canvas, fails_chord(Refused, ["one"]))


@errbacks("chord: link_error_option_with_link_error_of_group_body")
def an_errback_given_to_the_start_joins_those_of_a_body_of_a_group(box: str) -> Case:
    body = group(fail.s(), total.s()).set(link_error=tally.si(box=box, what="group"))
    return Case(
        chord([add.si(1, 1)], body),
        fails(Refused, [any_order("group", "start")]),
        options={"link_error": tally.si(box=box, what="start")},
    )


@errbacks("chord: link_error_option_runs_once_for_chord_in_group_body_with_link_error")
def an_errback_given_to_the_start_runs_once_for_a_chord_in_a_body_of_a_group(box: str) -> Case:
    inner = chord([add.si(1, 1)], group(fail.s(), total.s()))
    body = group(inner).set(link_error=tally.si(box=box, what="group"))
    return Case(
        chord([add.si(1, 1)], body),
        fails(Refused, [any_order("group", "start")]),
        options={"link_error": tally.si(box=box, what="start")},
    )
