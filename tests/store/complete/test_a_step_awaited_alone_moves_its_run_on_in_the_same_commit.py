from durableflow.codec import encode
from durableflow.store.complete import complete_outcome
from durableflow.store.messages import StepId
from tests.store.kernel import finish, suspend


def test_the_next_step_is_ready_and_its_message_given_back(kernel):
    run_id = kernel.at_step()
    recorded = kernel.complete(kernel.claimed(StepId(run_id, 1, 0)), suspend("shop.ship"))
    assert kernel.revs(run_id) == [0, 1, 2]
    assert [message.subject for message in recorded.moved.messages] == [f"{run_id}:2:0"]
    assert kernel.claimed(StepId(run_id, 2, 0)).name == "shop.ship"


def test_a_run_that_ends_leaves_nothing_to_do(kernel):
    run_id = kernel.at_step()
    kernel.complete(kernel.claimed(StepId(run_id, 1, 0)), finish())
    assert [kernel.count(t, run_id) for t in ("ready", "claim", "wake")] == [0, 0, 0]


def test_where_the_next_rev_is_taken_the_outcome_is_recorded_and_nothing_launched(kernel):
    run_id = kernel.at_step()
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    kernel.conn.execute(
        "INSERT INTO durableflow_core.checkpoint (run_id, rev, kind) VALUES (%s, 2, 'cancel')", (run_id,)
    )
    recorded = kernel.complete(attempt, suspend("shop.ship"))
    assert recorded.moved is None
    assert recorded.wakes
    assert kernel.step_state(attempt.step) == "succeeded"
    assert kernel.count("ready", run_id) == 0


def test_a_worker_frozen_while_its_checkpoint_was_pruned_moves_nothing(kernel):
    run_id = kernel.at_step()
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    kernel.conn.execute("DELETE FROM durableflow_core.checkpoint WHERE run_id = %s AND rev = 1", (run_id,))
    recorded = kernel.complete(attempt, suspend("shop.ship"))
    assert recorded.moved is None
    assert kernel.revs(run_id) == [0]


def test_without_the_workflows_code_the_outcome_leaves_a_wake(kernel):
    run_id = kernel.at_step()
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    assert complete_outcome(kernel.conn, attempt.step, attempt.token, encode(7)).wakes
    assert kernel.one("SELECT reason FROM durableflow_core.wake WHERE run_id = %s", run_id) == "step"


def test_large_values_are_stored_once_with_the_run(kernel):
    run_id = kernel.at_step()
    large = "x" * 5000
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    kernel.complete(attempt, suspend("shop.ship"), output=[large])
    attempt = kernel.claimed(StepId(run_id, 2, 0))
    kernel.complete(attempt, suspend("shop.ship"), output=[large])
    assert kernel.count("value", run_id) == 1


def test_steps_of_a_congested_queue_stay_out_of_the_broker(kernel):
    kernel.conn.execute("INSERT INTO durableflow_core.congestion (queue) VALUES ('q')")
    run_id = kernel.at_step()
    recorded = kernel.complete(kernel.claimed(StepId(run_id, 1, 0)), suspend("shop.ship"))
    assert recorded.moved.messages == []
    assert kernel.one("SELECT dispatched_at FROM durableflow_core.ready WHERE run_id = %s", run_id) is None
