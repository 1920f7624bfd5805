from uuid import uuid4

from durableflow.codec import encode
from durableflow.store.cancel import cancel
from durableflow.store.complete import complete_alone
from durableflow.store.messages import StepId
from tests.store.kernel import finish, suspend


def test_what_has_not_begun_is_cancelled_with_the_run(kernel):
    run_id = kernel.at_step(["shop.a", "shop.b"])
    running = kernel.claimed(StepId(run_id, 1, 0))
    assert cancel(kernel.conn, run_id).landed
    assert kernel.run_state(run_id) == "cancelled"
    assert kernel.step_state(StepId(run_id, 1, 1)) == "cancelled"
    assert kernel.step_state(running.step) == "running"
    assert kernel.count("ready", run_id) == 0
    assert kernel.count("wake", run_id) == 0


def test_a_cancelled_run_is_not_overwritten_by_success(kernel):
    run_id = kernel.at_step()
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    cancel(kernel.conn, run_id)
    recorded = kernel.complete(attempt, finish())
    assert recorded.moved is None
    assert not recorded.wakes
    assert kernel.run_state(run_id) == "cancelled"
    assert kernel.step_state(attempt.step) == "succeeded"


def test_a_completed_run_is_not_cancelled(kernel):
    run_id = kernel.at_step()
    kernel.complete(kernel.claimed(StepId(run_id, 1, 0)), finish())
    assert not cancel(kernel.conn, run_id).landed
    assert kernel.run_state(run_id) == "succeeded"


def test_an_unknown_run_is_said_to_be_unknown(kernel):
    assert cancel(kernel.conn, uuid4()) is None


def test_a_cancel_that_waits_for_a_completion_cancels_what_that_launched(kernel, race):
    run_id = kernel.at_step()
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    completing = race.connection()
    assert complete_alone(completing, attempt.step, attempt.token, encode(1), suspend("shop.ship")) is not None
    cancelling = race.start(cancel, run_id)
    race.wait_until_blocked(cancelling, by=completing)
    completing.commit()
    assert cancelling.result().landed
    assert kernel.revs(run_id) == [0, 1, 2, 3]
    assert kernel.step_state(StepId(run_id, 2, 0)) == "cancelled"
    assert kernel.count("ready", run_id) == 0


def test_a_completion_that_waits_for_a_cancel_launches_nothing(kernel, race):
    from durableflow.store.abandon import abandon_run

    run_id = kernel.at_step()
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    cancelling = race.connection()
    abandon_run(cancelling, run_id)
    completing = race.start(complete_alone, attempt.step, attempt.token, encode(1), suspend("shop.ship"))
    race.wait_until_blocked(completing, by=cancelling)
    assert cancel(cancelling, run_id).landed
    cancelling.commit()
    recorded = completing.result()
    assert recorded is not None
    assert recorded.moved is None
    assert kernel.run_state(run_id) == "cancelled"
    assert kernel.revs(run_id) == [0, 1, 2]
    assert kernel.count("ready", run_id) == 0


def test_a_cancel_and_a_claim_do_not_wait_for_each_other(kernel, race):
    from durableflow.store.claim import claim

    run_id = kernel.at_step()
    step = StepId(run_id, 1, 0)
    claiming = race.connection()  # in the middle of its statement: it has the row in ready, and not yet the step
    claiming.execute("SELECT FROM durableflow_core.ready WHERE run_id = %s FOR UPDATE", (run_id,))
    cancelling = race.start(cancel, run_id)
    race.wait_until_blocked(cancelling, by=claiming)
    assert claim(claiming, step, uuid4(), boot=kernel.boot, pid=1) is not None
    claiming.commit()
    assert cancelling.result().landed
    assert kernel.step_state(step) == "running"
    assert kernel.count("ready", run_id) == 0
