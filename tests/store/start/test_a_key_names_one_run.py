import pytest

from durableflow.errors import RunConflict


def test_the_same_key_with_the_same_input_is_the_same_run(kernel):
    first = kernel.start(key="order-42", amount=1)
    second = kernel.start(key="order-42", amount=1)
    assert first.created
    assert not second.created
    assert second.run_id == first.run_id
    assert second.message is None


def test_the_same_key_with_other_input_is_refused_and_changes_nothing(kernel):
    first = kernel.start(key="order-42", amount=1)
    with pytest.raises(RunConflict, match=r"'order-42'.*shop\.checkout.*" + str(first.run_id)):
        kernel.start(key="order-42", amount=2)
    assert kernel.one("SELECT count(*) FROM durableflow_core.run") == 1
    assert kernel.one("SELECT count(*) FROM durableflow_core.wake") == 1


def test_runs_without_a_key_are_never_the_same(kernel):
    assert kernel.start().run_id != kernel.start().run_id
