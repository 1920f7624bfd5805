"""Call: the one currency. A step or a workflow with its arguments, typed and lazy."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from durableflow.errors import CallError
from durableflow.language.handle import Run
from durableflow.language.inline import inline
from durableflow.language.lazy import Lazy, scope
from durableflow.language.options import NONE, Options

if TYPE_CHECKING:
    from durableflow.language.step import Step
    from durableflow.language.workflow import Workflow

T_co = TypeVar("T_co", covariant=True)


class Call(Lazy[T_co]):
    """A step or workflow with its arguments: ``await`` it in a workflow, ``.start()`` it from anywhere else.

    definition: the Step or Workflow; args, kwargs: as they were given; use: options of this call alone. A call is a
    description, so awaiting it twice does the work twice.
    """

    __slots__ = ("args", "definition", "kwargs", "use")

    def __init__(
        self,
        definition: "Step[..., T_co] | Workflow[..., T_co]",
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        use: Options = NONE,
    ) -> None:
        self.definition = definition
        self.args = args
        self.kwargs = kwargs
        self.use = use
        super().__init__()

    async def _evaluate(self) -> T_co:
        return await self.definition._run_inline(self)

    def start(
        self,
        *,
        key: str | None = None,
        labels: Mapping[str, str] | None = None,
        priority: int | None = None,
        deadline: datetime | timedelta | None = None,
        connection: Any = None,
    ) -> Run[T_co]:
        """Start a run of it, and give its handle. A step becomes a run of that one step.

        key: the caller's name of the run; the same key gives the same run. labels: text to find the run by. priority:
        0 to 9, larger first. deadline: when a run that is still going fails; a time, or from now on. connection: a
        SQLAlchemy or psycopg connection, a session or a DB-API cursor in whose transaction the run is inserted: it
        exists when, and only if, that commits.

        Raises:
            InvalidInput, NotStorable, ValueTooLarge: the arguments; RunConflict: the key names a run with other input;
            CallError: inside a workflow, where it is to be awaited; ConfigurationError: database or settings.
        """
        self._used = True
        if scope.get() is not None or inline.get():
            raise CallError(f"{self._described()}.start() inside a workflow: await it, `await {self._described()}`")
        return self.definition.registry.require_owner().start(
            self, key=key, labels=labels, priority=priority, deadline=deadline, connection=connection
        )

    def _described(self) -> str:
        return f"{self.definition.name}({'...' if self.args or self.kwargs else ''})"

    def _outside(self) -> str:
        return (
            f"{self._described()} is awaited outside of a workflow: start it with {self._described()}.start(), "
            f"or run it here and now with {self.definition.name}.run(...)"
        )
