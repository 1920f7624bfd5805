"""The effect journal: files outside of the database, against which the demo checks what the engine claims.

Every time that the body of a step runs, it appends a line to ``bodies.log``. Its *effect* is a file that can be created
only once, named by the step's idempotency key: a body that runs a second time after a crash finds it there. That is how
a payment provider treats an idempotency key, in miniature.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True)
class Tally:
    """What the journal holds. effects: how often each subject was recorded; bodies: how often a body ran for it."""

    effects: Counter[str]
    bodies: Counter[str]

    @property
    def repeated(self) -> list[str]:
        """Subjects whose body ran more than once."""
        return sorted(subject for subject, times in self.bodies.items() if times > 1)


class Journal:
    """A directory that outlives every process."""

    def __init__(self, directory: Path) -> None:
        self._effects = directory / "effects"
        self._bodies = directory / "bodies.log"
        self._drafts = directory / "drafts"
        for needed in (self._effects, self._drafts):
            needed.mkdir(parents=True, exist_ok=True)

    def record(self, idempotency_key: str, subject: str) -> bool:
        """Record an effect. False: it had been recorded under this key before, by an attempt that then was killed."""
        self._append(subject)
        draft = self._drafts / uuid4().hex
        draft.write_text(subject)
        try:
            # All of it or nothing: this process may be killed at any time.
            os.link(draft, self._effects / idempotency_key.replace(":", "_"))
        except FileExistsError:
            return False
        return True

    def tally(self) -> Tally:
        """Count what was recorded."""
        effects = Counter(path.read_text() for path in self._effects.iterdir())
        lines = self._bodies.read_text().splitlines() if self._bodies.exists() else []
        return Tally(effects, Counter(json.loads(line)["subject"] for line in lines))

    def _append(self, subject: str) -> None:
        line = json.dumps({"subject": subject, "pid": os.getpid()}) + "\n"
        # One write in append mode: lines of several processes do not mix.
        descriptor = os.open(self._bodies, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
