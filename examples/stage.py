"""The stage of the small examples: servers from the package index, one worker, and a run that is watched in SQL."""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from durableflow import Run
from durableflow.devstack import Devstack

_STEPS = """
SELECT rev, index, name, coalesce(input #>> '{args,0}', '') AS about,
       CASE WHEN state <> 'succeeded' THEN coalesce(error ->> 'class', state)
            WHEN jsonb_typeof(output) IN ('string', 'number') THEN output #>> '{}' ELSE '' END AS came_to
FROM durableflow.steps WHERE run_id = %s AND finished_at IS NOT NULL ORDER BY finished_at, rev, index
"""


class Stage:
    """What an example needs to show itself."""

    def __init__(self, stack: Devstack, database: psycopg.Connection[Any]) -> None:
        self._database = database
        self._stack = stack
        self._shown: set[tuple[Any, ...]] = set()

    def watch(self, run: Run[Any], until: Callable[[], bool] = lambda: False) -> None:
        """Print the run's steps as they end, until it has ended, or something else has come true."""
        going = True
        while going:
            going = run.state == "running" and not until()
            for rev, index, name, about, came_to in self._database.execute(_STEPS, (run.id,)):
                if (run.id, rev, index) not in self._shown:
                    self._shown.add((run.id, rev, index))
                    told = about if about.isprintable() and not about.startswith("{") else ""
                    print(f"  {f'{name} {told}':58.58} {came_to:.58}".rstrip(), flush=True)
            self._stack.tend()
            time.sleep(0.05)

    def ended(self, run: Run[Any], step: str) -> int:
        """How many steps of this name have ended."""
        query = "SELECT count(*) FROM durableflow.steps WHERE run_id = %s AND name = %s AND finished_at IS NOT NULL"
        return int(self._one(query, run.id, step))

    def asks(self, run: Run[Any]) -> str | None:
        """The name of the event that the run waits for now."""
        name = self._one("SELECT min(name) FROM durableflow.inbox WHERE run_id = %s", run.id)
        return None if name is None else str(name)

    def _one(self, query: str, *parameters: object) -> Any:
        row = self._database.execute(query.encode(), parameters).fetchone()
        return None if row is None else row[0]


@contextmanager
def stage(app: str, about: str | None) -> Iterator[Stage]:
    """Bring up the servers and a worker of ``module:attribute``. about: what ``--help`` says."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--state-dir", default=".durableflow/examples", help="where the servers keep their data")
    directory = Path(parser.parse_args().state_dir)
    stack = Devstack(app, state_dir=directory, worker_options=["-c", "2"], say=lambda line: None)
    with stack:
        os.environ.update(stack.env)
        with psycopg.connect(stack.postgres.url, autocommit=True) as database:
            yield Stage(stack, database)
