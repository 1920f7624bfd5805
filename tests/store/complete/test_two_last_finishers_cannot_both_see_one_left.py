import pytest

from durableflow.codec import encode
from durableflow.store.complete import complete_joined
from durableflow.store.messages import StepId


@pytest.mark.parametrize(("width", "pair"), [(2, (0, 1)), (200, (0, 1)), (200, (0, 4))])
def test_on_one_counter_or_on_two_the_wake_is_left_by_exactly_one(kernel, race, width, pair):
    run_id = kernel.at_step(["shop.ship"] * width)
    attempts = {index: kernel.claimed(StepId(run_id, 1, index)) for index in range(width)}
    for index in set(range(width)) - set(pair):
        complete_joined(kernel.conn, attempts[index].step, attempts[index].token, encode(index))
    first, last = (attempts[index] for index in pair)
    holder = race.connection()
    assert not complete_joined(holder, first.step, first.token, encode(1)).wakes
    late = race.start(complete_joined, last.step, last.token, encode(2))
    race.wait_until_blocked(late, by=holder)
    holder.commit()
    assert late.result().wakes
    assert kernel.count("wake", run_id) == 1
