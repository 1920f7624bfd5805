from uuid import uuid4

from durableflow.store.claim import claim
from durableflow.store.messages import StepId


def test_the_one_that_waited_gets_nothing(kernel, race):
    step = StepId(kernel.at_step(), 1, 0)
    holder = race.connection()
    assert claim(holder, step, uuid4(), boot=kernel.boot, pid=1) is not None
    late = race.start(claim, step, uuid4(), boot=kernel.boot, pid=2)
    race.wait_until_blocked(late, by=holder)
    holder.commit()
    assert late.result() is None
    assert kernel.one("SELECT attempt FROM durableflow_core.step") == 1
