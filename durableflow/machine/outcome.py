"""What goes into the machine and what comes out of it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Checkpoint:
    """Where a run is.

    Attributes:
        state: the number of the state that awaits; 0 before the first advance.
        line: the line of that await, counted in the workflow's file.
        variables: the live variables by name. Names that start with ``@`` are the machine's own: iterators, values
            between two awaits of an expression, handled exceptions, the blocks of ``async with``, and under ``@cells``
            the cells of variables that local functions share with the workflow.
    """

    state: int
    line: int
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Value:
    """The await gives this."""

    value: Any


@dataclass(frozen=True, slots=True)
class Error:
    """The await raises this."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Suspended:
    """The workflow waits: `awaited` is whatever object stood behind ``await``."""

    checkpoint: Checkpoint
    awaited: Any


@dataclass(frozen=True, slots=True)
class Finished:
    """The workflow returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The workflow raised."""

    error: Exception


@dataclass(frozen=True, slots=True)
class State:
    """A row of the state table.

    Attributes:
        number: its place in the table, which checkpoints refer to.
        kind: start, run, branch, loop, await, handler, finally, leave, raise or return.
        line: in the workflow's file.
        offset: the same, counted from the workflow's first line, which is 0.
        label: what is awaited, iterated, or caught, as source text.
        successors: where control may go to from here, apart from exceptions.
        on_error: the state that receives an exception raised here; None: the workflow fails.
    """

    number: int
    kind: str
    line: int
    offset: int
    label: str
    successors: tuple[int, ...]
    on_error: int | None
