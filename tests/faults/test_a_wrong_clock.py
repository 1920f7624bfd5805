"""A worker whose clock is two days ahead, which leads at that: the database's clock is the only one that decides."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults import app, everything
from tests.faults.fleet import Fleet
from tests.faults.journal import Journal, until
from tests.faults.proof import prove

_TWO_DAYS = 2 * 86400.0
_NAP = timedelta(seconds=3)


@pytest.fixture
def ahead() -> dict[str, str]:
    """The environment of a worker whose clock is ahead."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is missing: on Debian, apt-get install faketime")  # as .ci/run does
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": "+2d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def test_a_leader_two_days_ahead_changes_nothing(fleet: Fleet, journal: Journal, ahead: dict[str, str]) -> None:
    early = fleet.start(1, more=ahead, program="tests.faults.faketime_celery")
    until(lambda: fleet.leader() in early, "a leader")
    moment = fleet.one("SELECT durableflow_core.now()") + _NAP
    naps = [app.naps(count, moment).start() for count in (1, 5)]
    app.starts(moment).start().result(timeout=30)
    fleet.start(1)
    this = everything.start(fleet, journal, "left")
    this.send()
    assert [nap.result(timeout=30) for nap in naps] == [1, 5]
    journal.release("left")
    names = app.names_of_everything(everything.WIDTH, this.word)
    assert {line.at - time.time() > _TWO_DAYS / 2 for line in journal.lines()} == {True, False}, "both had work"
    prove(fleet.site.database_url, journal, this.run, names, clocks_agree=False)
    assert (
        fleet.one("SELECT count(*) FROM durableflow_core.step WHERE finished_at < due_at AND state = 'succeeded'") == 0
    )
    assert fleet.one("SELECT min(finished_at) FROM durableflow_core.run WHERE workflow = 'faults.naps'") >= moment
    deadline = "SELECT deadline_at - created_at FROM durableflow_core.run WHERE deadline_at IS NOT NULL"
    assert fleet.one(deadline) == timedelta(hours=1)
    assert fleet.one("SELECT count(*) FROM durableflow_core.worker WHERE tombstone_at IS NOT NULL") == 0
    assert fleet.one("SELECT count(*) FROM durableflow_core.attempt WHERE outcome = 'lost'") == 0
