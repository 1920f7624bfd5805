from durableflow.store import advance
from durableflow.store.messages import StepId
from tests.store.kernel import boot_worker, failure, finish, suspend


def test_a_leased_wake_is_not_given_to_a_second_worker(kernel):
    run_id = kernel.start().run_id
    assert [wake.reason for wake in kernel.leased(run_id)[0]] == ["start"]
    assert advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30) is None


def test_a_lease_that_ran_out_is_given_on_and_its_tries_are_counted(kernel, clock):
    run_id = kernel.start().run_id
    advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30)
    clock.advance(31)
    assert [wake.tries for wake in kernel.leased(run_id)[0]] == [2]


def test_the_loser_lets_go_and_deletes_no_wake(kernel):
    run_id = kernel.start().run_id
    wakes, seen = kernel.leased(run_id)
    assert advance.commit(kernel.conn, seen, [], suspend("shop.charge")) is not None
    assert advance.commit(kernel.conn, seen, wakes, suspend("shop.charge")) is None
    assert kernel.count("wake", run_id) == 1
    assert kernel.revs(run_id) == [0, 1]


def test_two_commits_at_once_launch_one_set_of_steps(kernel, race):
    run_id = kernel.start().run_id
    wakes, view = kernel.leased(run_id)
    holder = race.connection()
    assert advance.commit(holder, view, wakes, suspend("shop.charge")) is not None
    late = race.start(advance.commit, view, wakes, suspend("shop.charge", "shop.ship"))
    race.wait_until_blocked(late, by=holder)
    holder.commit()
    assert late.result() is None
    assert kernel.count("step", run_id) == 1


def test_the_first_failure_is_raised_while_siblings_are_at_work_and_they_are_left_behind(kernel):
    from durableflow.codec import encode
    from durableflow.store.complete import complete_joined
    from durableflow.store.fail import fail_for_good
    from tests.store.kernel import error_text

    run_id = kernel.at_step(["shop.a", "shop.b", "shop.c"])
    at_work, fails = kernel.claimed(StepId(run_id, 1, 0)), kernel.claimed(StepId(run_id, 1, 1))
    assert fail_for_good(kernel.conn, fails.step, fails.token, error_text(), traceback="").wakes
    assert kernel.move(run_id, failure()).finished
    assert [kernel.step_state(StepId(run_id, 1, i)) for i in range(3)] == ["running", "failed", "cancelled"]
    assert complete_joined(kernel.conn, at_work.step, at_work.token, encode(1)) is not None
    assert kernel.step_state(at_work.step) == "succeeded"
    assert kernel.run_state(run_id) == "failed"
    assert kernel.count("ready", run_id) == 0


def test_a_run_that_ended_stays_as_it_is(kernel):
    run_id = kernel.start().run_id
    wakes, view = kernel.leased(run_id)
    assert advance.commit(kernel.conn, view, wakes, finish("first")) is not None
    assert advance.commit(kernel.conn, view, [], finish("second")) is None
    assert kernel.one("SELECT output::text FROM durableflow_core.run") == '"first"'


def test_a_lease_whose_reply_was_lost_is_had_again_by_the_same_worker_and_no_other(kernel):
    run_id = kernel.start().run_id
    leased = advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30)
    again = advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30, repeated=True)
    assert [wake.id for wake in again.wakes] == [wake.id for wake in leased.wakes]
    other = boot_worker(kernel.conn)
    assert advance.lease(kernel.conn, run_id, boot=other, seconds=30, repeated=True) is None


def test_the_lease_of_a_process_that_died_ends_soon_and_later_each_time(kernel, clock):
    run_id = kernel.start().run_id
    worker_id = kernel.one("SELECT id FROM durableflow_core.worker WHERE boot = %s", kernel.boot)
    for wait in (0.5, 1.0, 2.0):
        assert advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30) is not None
        assert advance.shorten_lease(kernel.conn, run_id, worker_id) == 1
        clock.advance(wait - 0.1)
        assert advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30) is None
        clock.advance(0.1)
