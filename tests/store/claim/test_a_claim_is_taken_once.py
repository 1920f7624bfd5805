from uuid import uuid4

from durableflow.store.messages import StepId


def test_the_second_message_finds_nothing(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    assert kernel.claim(step) is not None
    assert kernel.claim(step) is None
    assert kernel.count("claim", step.run_id) == 1


def test_a_claim_whose_reply_was_lost_is_found_again_under_its_token(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    token = uuid4()
    first = kernel.claim(step, token)
    from durableflow.store.claim import claim

    again = claim(kernel.conn, step, token, boot=kernel.boot, pid=1, repeated=True)
    assert again == first
    assert again is not None
    assert again.attempt == 1


def test_a_repeated_claim_that_had_not_landed_lands_now(kernel):
    from durableflow.store.claim import claim

    step = StepId(kernel.at_step(), 1, 0)
    assert claim(kernel.conn, step, uuid4(), boot=kernel.boot, pid=1, repeated=True) is not None


def test_a_step_that_is_not_due_is_not_claimed(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    kernel.conn.execute("UPDATE durableflow_core.ready SET due_at = now() + interval '1 hour'")
    assert kernel.claim(step) is None
    assert kernel.step_state(step) == "ready"


def test_a_worker_that_was_declared_dead_claims_nothing(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    kernel.conn.execute("UPDATE durableflow_core.worker SET tombstone_at = now()")
    assert kernel.claim(step) is None
    assert kernel.step_state(step) == "ready"


def test_a_step_that_was_lost_before_gets_no_standing(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    kernel.conn.execute("UPDATE durableflow_core.step SET losses = 1")
    assert kernel.claimed(step).standing is None
