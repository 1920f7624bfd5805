"""Many timers are due in one second, on real workers: none is lost, none is early. `./dev bench` measures 10,000."""

from datetime import timedelta

import psycopg

from tests.faults import app
from tests.faults.fleet import Fleet

RUNS, GATHERS, EACH = 300, 10, 120
AHEAD = timedelta(seconds=6)

_EARLY = """
SELECT (SELECT count(*) FROM durableflow_core.step WHERE finished_at < due_at),
       (SELECT count(*) FROM durableflow_core.run WHERE finished_at < %(moment)s)
"""
_LATEST = "SELECT max(finished_at) - %s FROM durableflow_core.run"


def test_timers_that_are_due_in_one_second_all_fire_and_none_is_early(fleet: Fleet) -> None:
    fleet.start(2, 2)
    moment = fleet.one("SELECT durableflow_core.now()") + AHEAD
    with psycopg.connect(fleet.site.database_url) as conn:
        each = [1] * RUNS + [EACH] * GATHERS
        runs = [app.naps(count, moment).start(connection=conn) for count in each]
    assert [run.result(timeout=60) for run in runs] == each
    with psycopg.connect(fleet.site.database_url) as conn:
        assert conn.execute(_EARLY, {"moment": moment}).fetchone() == (0, 0)
        timers = conn.execute("SELECT count(*) FROM durableflow_core.step WHERE state = 'succeeded'").fetchone()
        assert timers == (RUNS + GATHERS * EACH,)
        assert conn.execute("SELECT count(*) FROM durableflow_core.wake").fetchone() == (0,)
        print(f"{timers[0]} timers of one moment: the last run ended {fleet.one(_LATEST, moment)} after it")
