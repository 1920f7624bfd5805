"""What the bodies of steps did, written outside of the database: the witness against which its records are checked.

Each attempt writes a line when it begins and one when it ends, with a *nonce* of its own. A step's value is its nonce,
and each line names the nonces that the body was given; so two outcomes of one step, had both ever been used, would show
in the lines of whoever came after. The *effect* of a step is a file that can be created only once, named by its
idempotency key: a body that runs again after a crash finds it there, as it would with a payment provider.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from durableflow import current

PATIENCE = 60.0


@dataclass(frozen=True)
class Line:
    """event: ``begins`` or ``ends``; at: by the machine's clock, which is also that of a database on this machine;
    given: name to nonce of what the step was given."""

    event: str
    name: str
    nonce: str
    key: str
    attempt: int
    pid: int
    parent: int
    at: float
    given: Mapping[str, str] = field(default_factory=dict)


class Journal:
    """A directory that outlives every process."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self._lines = self.directory / "lines"
        self._effects = self.directory / "effects"
        self._drafts = self.directory / "drafts"
        for directory in (self._effects, self._drafts):
            directory.mkdir(parents=True, exist_ok=True)
        self._lines.touch()

    # --- the steps' side

    def work(self, name: str, given: Mapping[str, str], *, effect: bool = True) -> str:
        """A body: begins, has its effect once, stays while the test holds it, ends. Gives the attempt's nonce."""
        nonce = uuid4().hex
        self._note("begins", name, nonce, given)
        if effect:
            self._have_effect(name)
        while self._hold(name).exists():
            time.sleep(0.01)
        self._note("ends", name, nonce, given)
        return nonce

    def _note(self, event: str, name: str, nonce: str, given: Mapping[str, str]) -> None:
        key, attempt = self._who()
        line = Line(event, name, nonce, key, attempt, os.getpid(), os.getppid(), time.time(), given)
        # One write in append mode: lines of several processes do not mix.
        with self._lines.open("ab", buffering=0) as file:
            file.write(json.dumps(asdict(line)).encode() + b"\n")

    def _who(self) -> tuple[str, int]:
        """Which piece of work this process does, and for which time."""
        return current.idempotency_key, current.attempt

    def _have_effect(self, name: str) -> None:
        draft = self._drafts / uuid4().hex
        draft.write_text(name)
        with suppress(FileExistsError):  # an attempt that was lost had it
            # All of it or nothing: this process may be killed at any time.
            os.link(draft, self._effects / current.idempotency_key.replace(":", "_"))

    def _hold(self, name: str) -> Path:
        return self.directory / f"hold-{name}"

    # --- the test's side

    def hold(self, *names: str) -> None:
        """Let the bodies of these steps stay at work."""
        for name in names:
            self._hold(name).touch()

    def release(self, *names: str) -> None:
        """Let them go on."""
        for name in names:
            self._hold(name).unlink()

    def is_held(self, name: str) -> bool:
        return self._hold(name).exists()

    def lines(self, name: str | None = None, event: str | None = None) -> list[Line]:
        """What was written, in that order."""
        written = self._lines.read_bytes().rpartition(b"\n")[0]  # a line that is being written may be seen in part
        found = [Line(**json.loads(line)) for line in written.splitlines()]
        return [line for line in found if name in (None, line.name) and event in (None, line.event)]

    def effects(self) -> Counter[str]:
        """How many effects, told apart by their keys, each step had."""
        return Counter(path.read_text() for path in self._effects.iterdir())

    def wait_for(self, name: str, count: int = 1, event: str = "begins") -> Line:
        """Wait until so many attempts of the step have begun, or ended; gives the last of those."""
        return until(lambda: self.lines(name, event)[count - 1 :], f"{event} of {name} number {count}")[0]


def until(look: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Look again and again until there is something to see, and give it."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited {patience:g} s in vain for {what}"
        time.sleep(0.01)
    return seen


def nonces(lines: Iterable[Line]) -> set[str]:
    """The attempts that these lines are of."""
    return {line.nonce for line in lines}
