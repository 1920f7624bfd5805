"""What a simulation holds of a run, in the form in which the database would: texts, places, states."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from durableflow import codec
from durableflow.language import Definition
from durableflow.language.launching import Place
from durableflow.language.outcomes import Outcome
from durableflow.language.specs import StepSpec
from durableflow.language.turn import Stored
from durableflow.testing.agenda import Entry
from durableflow.testing.mocks import Call

OPEN = ("pending", "ready", "running")


@dataclass(slots=True)
class StepRecord:
    """One attempt of a step. name: without the application's; args, kwargs: what it was called with; attempt: 1 for the
    first; outcome: running, succeeded, failed, replaced or lost; result, error: what it came to; started_at, ended_at:
    in virtual time, None where it has not ended."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    attempt: int
    outcome: str
    started_at: datetime
    ended_at: datetime | None = None
    result: Any = None
    error: BaseException | None = None

    @property
    def call(self) -> str:
        """The call as an author writes it."""
        given = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())]
        return f"{self.name}({', '.join(given)})"

    def __repr__(self) -> str:
        came_to = {"succeeded": f" -> {self.result!r}", "failed": f" raised {self.error!r}"}
        number = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        return f"<{self.call}{number}{came_to.get(self.outcome, f' is {self.outcome}')}>"


@dataclass(eq=False, slots=True)
class Work:
    """A step of a run. state: as in the table ``step``; abandoned: nobody awaits it any more; needs: steps that have to
    end first; order: when it ended, as a place among all ends; due: since when the time of a receive is over, likewise;
    call: what its mock gives; child: the run that it is."""

    run: "Execution"
    rev: int
    spec: StepSpec
    state: str
    created_at: datetime
    call: Call | None = None
    child: "Execution | None" = None
    needs: int = 0
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    output: str | None = None
    error: str | None = None
    order: float | None = None
    abandoned: bool = False
    due: float | None = None
    due_at: datetime | None = None
    alarm: Entry | None = None
    record: StepRecord | None = None

    @property
    def place(self) -> Place:
        """Its rev and index."""
        return self.rev, self.spec.index

    @property
    def is_open(self) -> bool:
        """Whether it has not ended, and is awaited."""
        return self.state in OPEN and not self.abandoned

    def outcome(self) -> Outcome:
        """How it stands, for the await that looks at it."""
        state = "cancelled" if self.abandoned else self.state
        return Outcome(state, self.output, self.error, self.order, self.attempt > 0)


@dataclass(slots=True)
class Event:
    """An event that was sent. order: when, as a place among all ends."""

    name: str
    payload: codec.Encoded
    id: str | None
    by: str | None
    at: datetime
    order: float
    received: bool = False


@dataclass(eq=False)
class Execution:
    """One run. checkpoints: by rev; works: its steps; launched: the same by rev;
    joins: how many steps of the join of a rev have not succeeded;
    queues: by rev and gate, those that wait for their turn; values: the large ones by hash; looks: whether it is going
    to be looked at; parent: the step of another run that it is."""

    id: UUID
    definition: Definition
    queue: str
    priority: int
    checkpoints: list[Stored]
    values: dict[str, str]
    input_digest: str = ""
    parent: Work | None = None
    state: str = "running"
    output: str | None = None
    error: str | None = None
    works: dict[Place, Work] = field(default_factory=dict)
    launched: dict[int, list[Work]] = field(default_factory=dict)
    joins: dict[int, int] = field(default_factory=dict)
    queues: dict[Place, list[Work]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    records: list[StepRecord] = field(default_factory=list)
    children: list["Execution"] = field(default_factory=list)
    looks: bool = False
    alarm: Entry | None = None

    @property
    def name(self) -> str:
        """Of its workflow."""
        return self.definition.name

    def short(self, name: str) -> str:
        """The name of a definition without that of its application."""
        return name.removeprefix(f"{self.definition.registry.app}.")

    def needed(self, *texts: str | None) -> dict[str, str]:
        """The large values that these texts refer to, also by way of each other."""
        found: dict[str, str] = {}
        wanted = {hash_ for text in texts if text is not None for hash_ in codec.references(text)}
        while wanted:
            bodies = {hash_: self.values[hash_] for hash_ in wanted}
            found.update(bodies)
            wanted = {more for body in bodies.values() for more in codec.references(body)} - found.keys()
        return found

    def decode(self, text: str) -> Any:
        """A stored value of this run."""
        return codec.decode(text, blobs=self.needed(text))
