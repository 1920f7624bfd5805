import pytest

from durableflow.codec import encode
from durableflow.store.complete import complete_joined
from durableflow.store.launch import EAGER, shard_count
from durableflow.store.messages import StepId


@pytest.mark.parametrize("width", [2, 64, 65, 200])
def test_the_last_of_many_leaves_the_one_wake(kernel, width):
    run_id = kernel.at_step(["shop.ship"] * width)
    for index in range(width):
        attempt = kernel.claimed(StepId(run_id, 1, index))
        recorded = complete_joined(kernel.conn, attempt.step, attempt.token, encode(index))
        assert recorded is not None
        assert recorded.wakes == (index == width - 1)
    assert kernel.count("wake", run_id) == 1


def test_a_wide_join_is_counted_on_several_rows(kernel):
    run_id = kernel.at_step(["shop.ship"] * 200)
    assert shard_count(200) == 4
    assert kernel.count("join_counter", run_id) == 5


def test_only_the_first_of_a_wide_fan_out_go_to_the_broker_at_once(kernel):
    run_id = kernel.start().run_id
    from tests.store.kernel import suspend

    moved = kernel.move(run_id, suspend(*["shop.ship"] * (EAGER + 20)))
    assert len(moved.messages) == EAGER
    assert kernel.one("SELECT count(*) FROM durableflow_core.ready WHERE dispatched_at IS NULL") == 20
