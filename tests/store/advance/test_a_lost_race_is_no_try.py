from durableflow.store import advance
from tests.store.kernel import suspend


def test_wakes_that_are_handed_back_have_not_used_up_a_try(kernel):
    run_id = kernel.start().run_id
    for _ in range(20):
        wakes, _ = kernel.leased(run_id)
        assert [wake.tries for wake in wakes] == [1]
        advance.hand_back(kernel.conn, run_id, wakes)
    assert kernel.move(run_id, suspend("shop.charge")) is not None


def test_a_wake_whose_worker_vanished_has(kernel, clock):
    run_id = kernel.start().run_id
    for tries in (1, 2, 3):
        assert [wake.tries for wake in kernel.leased(run_id)[0]] == [tries]
        clock.advance(31)
