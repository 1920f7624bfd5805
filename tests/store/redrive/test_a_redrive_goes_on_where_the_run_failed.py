from durableflow.codec import decode, encode
from durableflow.store.complete import complete_joined
from durableflow.store.fail import fail_for_good
from durableflow.store.load import values
from durableflow.store.messages import StepId
from durableflow.store.redrive import redrive
from tests.store.kernel import error_text, failure, finish


def failed_run(kernel):
    run_id = kernel.at_step(["shop.a", "shop.b"])
    done, fails = kernel.claimed(StepId(run_id, 1, 0)), kernel.claimed(StepId(run_id, 1, 1))
    complete_joined(kernel.conn, done.step, done.token, encode("kept"))
    fail_for_good(kernel.conn, fails.step, fails.token, error_text(), traceback="")
    kernel.move(run_id, failure())
    return run_id, fails


def test_what_succeeded_is_kept_and_the_rest_has_fresh_attempts_under_the_same_idempotency_key(kernel):
    run_id, fails = failed_run(kernel)
    assert redrive(kernel.conn, run_id) is True
    assert kernel.run_state(run_id) == "running"
    assert kernel.revs(run_id) == [0, 1, 2, 3]
    assert [kernel.step_state(StepId(run_id, 3, i)) for i in range(2)] == ["succeeded", "ready"]
    again = kernel.claimed(StepId(run_id, 3, 1))
    assert (again.attempt, again.failures) == (1, 0)
    assert again.idempotency_key == fails.idempotency_key == f"{run_id}:1:1"
    assert complete_joined(kernel.conn, again.step, again.token, encode(2)).wakes


def test_a_run_that_has_not_failed_is_left_alone(kernel):
    run_id = kernel.at_step()
    assert redrive(kernel.conn, run_id) is False
    assert kernel.revs(run_id) == [0, 1]


def test_two_redrives_at_once_reopen_the_run_once(kernel, race):
    run_id, _ = failed_run(kernel)
    holder = race.connection()
    holder.execute("SELECT 1")  # opens the transaction that the redrive's own is then a part of
    assert redrive(holder, run_id) is True
    late = race.start(redrive, run_id)
    race.wait_until_blocked(late, by=holder)
    holder.commit()
    assert late.result() is False
    assert kernel.revs(run_id) == [0, 1, 2, 3]


def test_an_output_that_came_after_the_failure_is_kept_with_its_large_values(kernel):
    run_id = kernel.at_step()
    late = kernel.claimed(StepId(run_id, 1, 0))
    kernel.conn.execute(
        "INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at) "
        "VALUES (%s, 'deadline', durableflow_core.now(), durableflow_core.now())",
        (run_id,),
    )
    assert kernel.move(run_id, failure("too late")).finished
    assert kernel.complete(late, finish(), "x" * 5000).moved is None
    assert redrive(kernel.conn, run_id) is True
    output = kernel.one("SELECT output::text FROM durableflow_core.step WHERE run_id = %s AND rev = 3", run_id)
    assert decode(output, blobs=values(kernel.conn, run_id, [output])) == "x" * 5000
