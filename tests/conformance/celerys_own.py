"""Celery's integration tests for canvases (5.7.0, ``t/integration/test_canvas.py``), by name: 212 functions.

Most say what a canvas comes to, and a scenario here says the same (its ``like``). The others are about the machinery
that Celery does it with; a durable run has another one.
"""

MACHINERY: dict[str, tuple[str, ...]] = {
    "eager mode runs a canvas in the caller's process; a durable one is run by workers": (
        "chain: eager_chain_inside_task",
        "chord: eager_chord_inside_task",
    ),
    "ids of parents and roots in the tree of results; a run has one id, and its steps are rows of it": (
        "chain: parent_ids",
        "group: parent_ids",
        "chord: parent_ids",
        "chord: parent_ids__plain_task_body",
        "chord: parent_ids__OR",
    ),
    "a tree of AsyncResults as the value of a task; a run's value is a value": ("chain: groupresult_serialization",),
    "sets of AsyncResults, their timeouts and their cache; runs are waited for one by one, with `run.result()`": (
        "result_set: result_set",
        "result_set: result_set_error",
        "result_set: result_set_built_via_add",
        "result_set: result_set_add_after_ready",
        "result_set: join_exhausted_timeout",
        "result_set: join_native_timeout_zero_gives_up_on_pending_results",
        "result_set: join_native_timeout_zero_returns_results_that_are_ready",
    ),
    "channels of the Redis result backend; there is no result backend": ("chord: redis_subscribed_channels_leak",),
    "`add_to_chord` changes a chord while its header runs; return the tasks, or `replace` the task by a chord": (
        "chord: add_to_chord",
        "chord: add_chord_to_chord",
    ),
    "`freeze` decides ids before anything is sent; a run has its id from `start()`": (
        "chain: freezing_chain_sets_id_of_last_task",
    ),
    "a message that the broker delivers twice runs a part of the canvas twice; here the second finds no row to claim, "
    "which `tests/faults` shows": ("chain: chord_header_id_duplicated_on_rabbitmq_msg_duplication",),
}
"""Why a test of Celery's says nothing of a durable engine, and which those are."""
