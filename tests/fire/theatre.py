"""The servers of a series of plays, and one play: a side, a canvas, a fault."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.faults.fleet import Fleet, Site
from tests.fire.app import Witness
from tests.fire.canvases import CHILDREN, Canvas
from tests.fire.faults import Fault
from tests.fire.redis import Redis
from tests.fire.sides import Outcome, Side
from tests.fire.stage import Stage
from tests.support import databases

_numbers = count(1)


@dataclass(frozen=True)
class Theatre:
    """postgres_url, template: where databases are made, and of what; directory: for journals and logs."""

    postgres_url: str
    template: str
    redis: Redis
    directory: Path

    def play(self, side: Side, canvas: Canvas, fault: Fault) -> Outcome:
        """Two workers take up the canvas, the fault strikes, and the side says what came of it."""
        directory = self.directory / str(next(_numbers))
        directory.mkdir(parents=True)
        self.redis.empty()
        with ExitStack() as stack:
            database_url = ""
            if side.durable:
                database_url = stack.enter_context(databases.database(self.postgres_url, template=self.template))
            site = Site(database_url, self.redis.url, "celery")
            settings = {**side.settings, **fault.settings}
            env = {**site.env, "FIRE_REDIS": self.redis.url, "FIRE_SETTINGS": json.dumps(settings)}
            fleet = Fleet(site, directory, env, application=side.application)
            stack.callback(fleet.close)
            journal = Witness(directory / "journal")
            journal.hold(*canvas.late, *(canvas.early if fault.early else ()))
            fleet.start(*[CHILDREN // 2] * 2)
            return side.play(Stage(canvas, self.redis, fleet, journal, settings, env), fault.strike)
