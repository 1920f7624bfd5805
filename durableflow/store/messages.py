"""What travels through the broker: the name of a task and the id of a row, nothing else.

A message is a wake-up, not the work: the row is read again, so a message that is lost, doubled, late or forged costs a
moment at the most.
"""

import logging
from dataclasses import dataclass
from uuid import UUID, uuid4

from durableflow.errors import CorruptValue
from durableflow.language.options import NONE, Options, load

_log = logging.getLogger(__name__)

ADVANCE = "durableflow.advance"
"""The Celery task that looks at a run's wakes."""

SUBJECT = "durableflow"
"""The keyword argument that names the row. A worker without our hooks refuses it as an unknown argument, loudly."""


@dataclass(frozen=True, slots=True)
class StepId:
    """A step's primary key: its run, the rev of the checkpoint that launched it, its index among that await's steps."""

    run_id: UUID
    rev: int
    index: int

    def __str__(self) -> str:
        return f"{self.run_id}:{self.rev}:{self.index}"

    @classmethod
    def parse(cls, text: str) -> "StepId":
        """Read the text form; raises ``ValueError`` where it is not one."""
        run_id, rev, index = text.split(":")
        return cls(UUID(run_id), int(rev), int(index))


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish.

    task: the Celery task's name; subject: the row it is about; queue: where it goes; priority: 0 to 9, larger first;
    id: the Celery task id, which tells one dispatch of a step from the next; soft, hard: seconds that the attempt may
    take, where the call says so and not the step's definition; rank: the priority as the broker counts, where a task of
    a canvas names one.
    """

    task: str
    id: str
    subject: str
    queue: str
    priority: int = 0
    soft: float | None = None
    hard: float | None = None
    rank: int | None = None


def step_message(
    step: StepId, name: str, queue: str, priority: int, dispatches: int, options: str | None = None
) -> Message:
    """The message that lets a worker claim a step; dispatches: how often it was published, with this one; options: of
    its call, as stored."""
    id_, subject = f"{step}:{dispatches}", str(step)
    if options is None or not ('"timeout"' in options or '"sending"' in options):
        return Message(name, id_, subject, queue, priority)
    use = _read(options, step)
    soft, hard = use.limits
    return Message(name, id_, subject, queue, priority, soft, hard, use.sending.rank if use.sending else None)


def advance_message(run_id: UUID, queue: str, priority: int = 0) -> Message:
    """The message that lets a worker look at a run's wakes."""
    return Message(ADVANCE, f"{run_id}:advance:{uuid4().hex[:12]}", str(run_id), queue, priority)


def _read(options: str, step: StepId) -> Options:
    try:
        return load(options)
    except CorruptValue as error:  # one row that somebody has tampered with must not stop all others
        _log.error("%s: its own options are ignored: %s", step, error)
        return NONE
