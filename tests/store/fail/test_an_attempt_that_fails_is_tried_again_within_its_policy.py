from durableflow.store.fail import fail_for_good, retry_later
from durableflow.store.messages import StepId
from tests.store.kernel import error_text


def test_a_retry_is_ready_when_it_is_due_and_the_attempt_is_kept(kernel, clock):
    step = StepId(kernel.at_step(), 1, 0)
    attempt = kernel.claimed(step)
    assert retry_later(kernel.conn, step, attempt.token, error_text("busy"), traceback="Traceback", delay=60)
    assert kernel.step_state(step) == "ready"
    assert kernel.claim(step) is None
    clock.advance(61)
    again = kernel.claimed(step)
    assert (again.attempt, again.failures) == (2, 1)
    assert kernel.one("SELECT attempt, outcome, traceback FROM durableflow_core.attempt") == (1, "failed", "Traceback")


def test_an_attempt_that_puts_itself_off_uses_up_no_failure(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    attempt = kernel.claimed(step)
    retry_later(kernel.conn, step, attempt.token, error_text(), traceback="", delay=0, counts=False)
    assert kernel.claimed(step).failures == 0
    assert kernel.one("SELECT outcome FROM durableflow_core.attempt") == "snoozed"


def test_the_last_failure_keeps_the_step_as_a_dead_letter_and_wakes_the_run(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    attempt = kernel.claimed(step)
    ended = fail_for_good(kernel.conn, step, attempt.token, error_text("declined"), traceback="Traceback")
    assert ended is not None
    assert ended.final
    assert ended.wakes
    assert kernel.step_state(step) == "failed"
    assert kernel.one("SELECT count(*) FROM durableflow.dead_letters") == 1


def test_an_attempt_that_was_given_away_fails_nothing(kernel):
    step = StepId(kernel.at_step(), 1, 0)
    first = kernel.claimed(step)
    retry_later(kernel.conn, step, first.token, error_text(), traceback="", delay=0)
    kernel.claimed(step)
    assert retry_later(kernel.conn, step, first.token, error_text(), traceback="", delay=0) is None
    assert fail_for_good(kernel.conn, step, first.token, error_text(), traceback="") is None
    assert kernel.step_state(step) == "running"


def test_an_abandoned_step_ends_without_a_retry(kernel):
    from durableflow.store.abandon import abandon_await

    step = StepId(kernel.at_step(), 1, 0)
    attempt = kernel.claimed(step)
    abandon_await(kernel.conn, step.run_id, 1)
    assert retry_later(kernel.conn, step, attempt.token, error_text(), traceback="", delay=0) is None
    ended = fail_for_good(kernel.conn, step, attempt.token, error_text(), traceback="")
    assert ended is not None
    assert not ended.wakes
