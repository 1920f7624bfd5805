"""A run that waits for everything at once, brought to the moment at which something is to go wrong."""

from dataclasses import dataclass

from durableflow import Run
from tests.faults import app
from tests.faults.fleet import Fleet
from tests.faults.journal import Journal, until
from tests.faults.proof import prove

WIDTH = 6
AT_WORK = ("early", "left", "pack1", "inner-one")
"""One step of each kind: begun, needed by another, of a gather with a limit, of a child. Four pool children at work."""


@dataclass(frozen=True)
class Everything:
    """A run of ``app.everything``. word: of the event that it waits for."""

    fleet: Fleet
    journal: Journal
    run: Run[dict[str, str]]
    word: str

    def send(self) -> None:
        """Send it what it waits for, and what it will wait for; the first more than once."""
        assert self.run.send("word", self.word, id="word")
        assert not self.run.send("word", "another", id="word")
        self.run.send("last", "", id="last")

    def prove(self, *released: str, timeout: float = 60.0) -> None:
        """Let the steps that are held go on, and see the run end well."""
        self.journal.release(*released)
        names = app.names_of_everything(WIDTH, self.word)
        prove(self.fleet.site.database_url, self.journal, self.run, names, timeout=timeout)


def start(fleet: Fleet, journal: Journal, *held: str) -> Everything:
    """Start a run whose steps of these names stay at work, and wait until they are."""
    journal.hold(*held)
    run = app.everything(str(journal.directory), WIDTH).start()
    fleet.hurry(run.id)
    for name in held:
        journal.wait_for(name)
    until(lambda: fleet.one("SELECT 1 FROM durableflow.inbox WHERE run_id = %s", run.id), "the wait for the event")
    return Everything(fleet, journal, run, "hello")
