"""How many programs a test draws, and how a failure is replayed."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("DURABLEFLOW_FIDELITY_EXAMPLES", "1500"))


def drawn(share: float) -> settings:
    """Settings for a test that draws this share of all examples."""
    return settings(
        max_examples=max(10, round(EXAMPLES * share)),
        deadline=None,  # a program with many awaits takes what it takes
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )


def seconds(share: float) -> float:
    """A time limit of 0.2 s for each example, after the five minutes that Hypothesis may take to shrink a failure."""
    return 400 + EXAMPLES * share * 0.2
