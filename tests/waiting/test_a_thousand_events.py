"""Not one order after the other, but as it comes: each event is sent while the wait for it is being committed."""

import threading
import time
from typing import Any

import pytest

from durableflow.store.successor import Connection
from durableflow.worker import advance as advancing
from durableflow.worker.advance import advance
from tests.support.engine import Engine
from tests.support.races import PATIENCE, Race
from tests.waiting import contests

TIMES = 1000


def test_none_of_a_thousand_is_lost(engine: Engine, race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers look whenever there is something to see. The clock stands still: nothing is looked at again later."""
    run = contests.counts_events(TIMES).start()
    committing = [threading.Event() for _ in range(TIMES + 1)]
    over = threading.Event()
    commit = advancing.commit

    def observed(conn: Connection, view: Any, *args: Any) -> Any:
        committing[view.rev].set()
        return commit(conn, view, *args)

    def sends(_conn: Connection) -> None:
        for each in committing[:TIMES]:
            assert each.wait(PATIENCE), "no further wait is committed"
            assert run.send("number", 1)

    def works(_conn: Connection) -> None:
        while not over.is_set():
            advance(engine.runtime, run.id)

    monkeypatch.setattr(advancing, "commit", observed)
    began = time.monotonic()
    workers = [race.start(works) for _ in range(2)]
    try:
        race.start(sends).result(timeout=100)
        assert run.result(timeout=PATIENCE) == TIMES
    finally:
        over.set()
    for worker in workers:
        worker.result()
    print(f"{TIMES} events, each sent while the wait for it was committed: {time.monotonic() - began:.1f} s")
