from uuid import uuid4

from durableflow.codec import encode
from durableflow.store.complete import complete_alone, complete_joined, complete_outcome, was_completed
from durableflow.store.messages import StepId
from tests.store.kernel import finish, suspend


def test_another_token_records_and_launches_nothing(kernel):
    run_id = kernel.at_step()
    step = StepId(run_id, 1, 0)
    kernel.claimed(step)
    stranger = uuid4()
    assert complete_alone(kernel.conn, step, stranger, encode(1), suspend("shop.ship")) is None
    assert complete_outcome(kernel.conn, step, stranger, encode(1)) is None
    assert complete_joined(kernel.conn, step, stranger, encode(1)) is None
    assert kernel.step_state(step) == "running"
    assert kernel.revs(run_id) == [0, 1]
    assert kernel.count("claim", run_id) == 1


def test_an_outcome_is_recorded_once(kernel):
    run_id = kernel.at_step()
    attempt = kernel.claimed(StepId(run_id, 1, 0))
    assert kernel.complete(attempt, finish()) is not None
    assert kernel.complete(attempt, finish("again")) is None
    assert kernel.run_state(run_id) == "succeeded"
    assert kernel.one("SELECT output::text FROM durableflow_core.run") == '"done"'


def test_a_commit_whose_reply_was_lost_is_recognised(kernel):
    attempt = kernel.claimed(StepId(kernel.at_step(), 1, 0))
    assert not was_completed(kernel.conn, attempt.step, attempt.token)
    kernel.complete(attempt, finish())
    assert was_completed(kernel.conn, attempt.step, attempt.token)
    assert not was_completed(kernel.conn, attempt.step, uuid4())
