"""The thin path: runs end on workers that are real processes, with what asyncio would have given."""

from collections.abc import Callable
from typing import Any

import pytest

from durableflow import DurableFlow
from durableflow.errors import RunFailed, StepRaised
from tests.worker import shop
from tests.worker.conftest import Journal
from tests.worker.workers import Worker

Start = Callable[..., Worker]


@pytest.mark.smoke
def test_steps_joins_and_results(df: DurableFlow, start_worker: Start, journal: Journal, intact: Any) -> None:
    start_worker("-c", "2")
    assert shop.arithmetic(1).start().result(timeout=30) == 5 + 14
    assert len(journal.entries()) == 4
    assert shop.chain(10).start().result(timeout=30) == 10
    assert shop.fan(30).start().result(timeout=30) == sum(range(1, 31))
    assert intact()


def test_every_way_to_end_a_step(df: DurableFlow, start_worker: Start, journal: Journal, intact: Any) -> None:
    start_worker("-c", "2")
    runs = {
        "retried": shop.retrying(3).start(),
        "gives up": shop.retrying(4).start(),
        "caught": shop.forgiving(9).start(),
        "celery retry": shop.celery_retry(2).start(),
        "celery retries too often": shop.celery_retry(9).start(),
        "ignore": shop.celery_ending("ignore").start(),
        "reject": shop.celery_ending("reject").start(),
        "requeue": shop.celery_ending("requeue").start(),
        "bare retry": shop.celery_ending("retry").start(),
        "sys.exit": shop.exiting().start(),
        "no stored form": shop.refusing().start(),
        "timer": shop.napping(0.5).start(),
    }
    assert runs["retried"].result(timeout=30) == 3
    assert runs["caught"].result(timeout=30) == "broke 3"
    assert runs["celery retry"].result(timeout=30) == 3
    assert runs["ignore"].result(timeout=30) is None
    assert runs["requeue"].result(timeout=30) == "ended"
    assert runs["bare retry"].result(timeout=30) == "ended"
    assert runs["timer"].result(timeout=30) == "rested"
    causes = {
        "gives up": shop.Broke,
        "celery retries too often": shop.Broke,
        "reject": StepRaised,
        "sys.exit": StepRaised,
        "no stored form": Exception,
    }
    for name, cause in causes.items():
        with pytest.raises(RunFailed) as failed:
            runs[name].result(timeout=30)
        assert isinstance(failed.value.__cause__, cause), name
    assert intact()
