from durableflow.store.park import park


def test_its_wake_is_kept_out_of_sight_and_its_tries_are_not_used_up(kernel):
    run_id = kernel.start().run_id
    wakes, _ = kernel.leased(run_id)
    assert park(kernel.conn, run_id, wakes, "no worker has shop.checkout@v1")
    assert kernel.one("SELECT parked_reason FROM durableflow.runs") == "no worker has shop.checkout@v1"
    assert kernel.one("SELECT visible_at = 'infinity', tries FROM durableflow_core.wake") == (True, 0)
