"""Run: what a person holds of a run. It knows the id and asks whoever can reach the database, through :class:`Runs`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from durableflow.language.call import Call

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Runs(Protocol):
    """What a handle needs of a client."""

    def state(self, run_id: UUID) -> str: ...

    def result(self, run_id: UUID, timeout: float | timedelta | None) -> Any: ...

    def cancel(self, run_id: UUID) -> bool: ...

    def redrive(self, run_id: UUID) -> bool: ...

    def info(self, run_id: UUID) -> Mapping[str, Any]: ...

    def send(
        self,
        run_id: UUID,
        name: str,
        payload: Any,
        *,
        id: str | None,  # noqa: A002 - what senders call it
        by: str | None,
        connection: Any,
    ) -> bool: ...


class Owner(Protocol):
    """What a definition needs of the application that it belongs to."""

    def start(
        self,
        call: "Call[T]",
        *,
        key: str | None,
        labels: Mapping[str, str] | None,
        priority: int | None,
        deadline: Any,
        connection: Any,
    ) -> "Run[T]": ...


class Run(Generic[T_co]):
    """One execution of a workflow. id: its UUID. Everything else is read from the database when it is asked for."""

    __slots__ = ("_runs", "id")

    def __init__(self, run_id: UUID, runs: Runs) -> None:
        self.id = run_id
        self._runs = runs

    @property
    def state(self) -> str:
        """running, succeeded, failed or cancelled, as of now (one SELECT). Raises RunNotFound."""
        return self._runs.state(self.id)

    def result(self, timeout: float | timedelta | None = None) -> T_co:
        """Wait until the run has ended, and give what the workflow returned.

        timeout: seconds (or a timedelta) to wait; None waits for as long as it takes.

        Raises:
            RunFailed: with the workflow's own exception as ``__cause__``; RunCancelled; ResultTimeout: the run goes on,
            and the message says what it waits for; RunNotFound; DatabaseUnreachable.
        """
        result: T_co = self._runs.result(self.id, timeout)
        return result

    def cancel(self) -> bool:
        """Cancel the run: steps that have not begun never will, running ones end without a retry and launch nothing.

        Gives False where the run had ended already. Raises RunNotFound.
        """
        return self._runs.cancel(self.id)

    def redrive(self) -> bool:
        """Let a failed run go on from the await at which it failed: what had succeeded there is kept, the rest gets
        fresh attempts under the same idempotency keys.

        Gives False where the run has not failed. Raises RunNotFound.
        """
        return self._runs.redrive(self.id)

    def send(
        self,
        name: str,
        payload: Any = None,
        *,
        id: str | None = None,  # noqa: A002 - what senders call it
        by: str | None = None,
        connection: Any = None,
    ) -> bool:
        """Send the run an event, which it receives with ``await receive(name, ...)``, also if it does so much later.

        payload: any value that can be stored; what the workflow expects of it is checked here, where the workflow is
        known. id: the sender's own name of the event: a second one of the same id is not kept. by: who sends it.
        connection: as at ``start``: the event is sent when, and only if, that commits.

        Gives False where an event of this id was sent before. Raises RunNotFound, RunEnded, InvalidEvent, NotStorable,
        ValueTooLarge.
        """
        return self._runs.send(self.id, name, payload, id=id, by=by, connection=connection)

    def info(self) -> Mapping[str, Any]:
        """The run's row of the view ``durableflow.runs``: where it is, what it waits for, since when."""
        return self._runs.info(self.id)

    def __repr__(self) -> str:
        return f"<Run {self.id}>"

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Run) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)
