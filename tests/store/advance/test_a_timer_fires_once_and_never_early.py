from durableflow.store import advance, settle
from tests.store.kernel import suspend


def test_a_timer_is_not_due_before_its_time(kernel, clock):
    run_id = kernel.start().run_id
    kernel.move(run_id, suspend("sleep", delay=3600.0))
    assert advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30) is None
    assert not settle.fire(kernel.conn, run_id, [(1, 0)]).count
    clock.advance(3601)
    assert [wake.reason for wake in kernel.leased(run_id)[0]] == ["timer"]
    assert settle.fire(kernel.conn, run_id, [(1, 0)]).count
    assert not settle.fire(kernel.conn, run_id, [(1, 0)]).count


def test_a_timer_that_nobody_awaits_any_more_is_gone(kernel):
    from durableflow.store.cancel import cancel

    run_id = kernel.start().run_id
    kernel.move(run_id, suspend("sleep", delay=3600.0))
    assert cancel(kernel.conn, run_id).landed
    assert kernel.count("wake", run_id) == 0
    assert not settle.fire(kernel.conn, run_id, [(1, 0)]).count


def test_a_clock_that_is_set_back_costs_no_timer_its_wake(kernel, clock):
    run_id = kernel.start().run_id
    kernel.move(run_id, suspend("sleep", delay=10.0))
    clock.advance(11)
    wakes, view = kernel.leased(run_id)
    clock.advance(-5)
    assert not settle.fire(kernel.conn, run_id, [(1, 0)]).count
    assert advance.let_go(kernel.conn, view, run_id, wakes)
    assert kernel.count("wake", run_id) == 1
