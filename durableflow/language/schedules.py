"""The schedules of a workflow, as its decorator has them."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durableflow.errors import WorkflowDefinitionError
from durableflow.language.cron import Cron

Crons = Cron | Sequence[Cron]


@dataclass(frozen=True, slots=True)
class Entry:
    """A schedule as the code has it. name: of the schedule; workflow: the registered name of what it starts."""

    name: str
    workflow: str
    cron: Cron


def entries(workflow: str, function: Callable[..., Any], given: Crons | None) -> tuple[Entry, ...]:
    """The schedules that ``@df.workflow(schedule=...)`` names: the first as the workflow, the others with a number.

    Raises TypeError; WorkflowDefinitionError where the function needs more than the tick, or two have one name.
    """
    crons = () if given is None else (given,) if isinstance(given, Cron) else tuple(given)
    if not all(isinstance(cron, Cron) for cron in crons):
        raise TypeError(f"schedule= is a Cron(...) or a list of them, not {given!r}")
    if crons:
        _check(workflow, inspect.signature(function))
    names = [cron.name or (workflow if n == 1 else f"{workflow}#{n}") for n, cron in enumerate(crons, 1)]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise WorkflowDefinitionError(f"{workflow} has two schedules that are named {twice.pop()}")
    return tuple(Entry(name, workflow, cron) for name, cron in zip(names, crons, strict=True))


def arguments(signature: inspect.Signature, tick: datetime) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a scheduled workflow is called with: the tick, where it needs something, and otherwise nothing."""
    for parameter in _required(signature):
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            return (), {parameter.name: tick}
        return (tick,), {}
    return (), {}


def _check(workflow: str, signature: inspect.Signature) -> None:
    required = _required(signature)
    if len(required) > 1:
        names = ", ".join(parameter.name for parameter in required)
        raise WorkflowDefinitionError(
            f"{workflow} has a schedule, which gives it nothing but the tick, and needs {names}: let it take one "
            "parameter (the tick, a datetime) or none, and give the others a default"
        )
    for parameter in required:
        kind = parameter.annotation
        if isinstance(kind, type) and kind is not parameter.empty and not issubclass(datetime, kind):
            raise WorkflowDefinitionError(
                f"{workflow} has a schedule, which gives its parameter {parameter.name} the tick, a datetime, and not "
                f"a {kind.__name__}"
            )


def _required(signature: inspect.Signature) -> list[inspect.Parameter]:
    rest = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p for p in signature.parameters.values() if p.default is p.empty and p.kind not in rest]
