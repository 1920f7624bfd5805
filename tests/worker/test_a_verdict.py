"""What follows from an error that came out of a step's body."""

import math

import pytest
from celery.exceptions import Retry as CeleryRetry

from durableflow.language.options import NONE
from durableflow.worker.verdict import judge


@pytest.mark.parametrize(("when", "delay"), [(5, 5.0), (0, 0.0), (-3, 0.0), (math.inf, 365 * 86_400.0)])
def test_a_retry_that_the_body_asks_for_is_due_at_a_time_that_can_be_stored(when: float, delay: float) -> None:
    asked = CeleryRetry("later", exc=ConnectionError("down"), when=when)
    assert judge(asked, NONE, 1, None).delay == delay
