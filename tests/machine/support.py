"""Run a workflow by the machine, every checkpoint through its stored form, with awaitables that need no server."""

import importlib.util
import itertools
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from durableflow.codec import decode, encode
from durableflow.machine import Checkpoint, Error, Failed, Finished, Machine, Suspended, Value, compile_function

_numbers = itertools.count()


@dataclass(frozen=True)
class Echo:
    """An awaitable that gives `value`, or raises `error`."""

    value: Any = None
    error: BaseException | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        raise AssertionError("the machine must not drive what it gives out")
        yield


def echo(value: Any = None) -> Echo:
    """Await it to get `value`."""
    return Echo(value)


def fail(error: BaseException) -> Echo:
    """Await it to have `error` raised."""
    return Echo(error=error)


def through_storage(machine: Machine, checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint as another process would load it."""
    stored = encode(checkpoint.variables, where="", extensions=machine.extensions)
    variables = decode(stored.text, blobs=stored.blobs, extensions=machine.extensions)
    assert isinstance(variables, dict)
    return Checkpoint(checkpoint.state, checkpoint.line, variables)


def checkpoints(
    workflow: Machine | Callable[..., Any], *args: Any, **kwargs: Any
) -> Generator[Checkpoint, None, Finished | Failed]:
    """Run a workflow; yields each checkpoint at which it waits, as it was stored and loaded; returns how it ended."""
    machine = workflow if isinstance(workflow, Machine) else compile_function(workflow)
    result = machine.advance(through_storage(machine, machine.start(args, kwargs)), None)
    while isinstance(result, Suspended):
        yield through_storage(machine, result.checkpoint)
        awaited = result.awaited
        assert isinstance(awaited, Echo)
        outcome = Value(awaited.value) if awaited.error is None else Error(awaited.error)
        result = machine.advance(through_storage(machine, result.checkpoint), outcome)
    return result


def execute(workflow: Machine | Callable[..., Any], *args: Any, **kwargs: Any) -> Finished | Failed:
    """Run a workflow to its end."""
    run = checkpoints(workflow, *args, **kwargs)
    while True:
        try:
            next(run)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def result(workflow: Machine | Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a workflow returns; its exception is raised."""
    end = execute(workflow, *args, **kwargs)
    if isinstance(end, Failed):
        raise end.error
    return end.value


def load(directory: Path, text: str) -> ModuleType:
    """Import a module with this text."""
    name = f"workflow_module_{next(_numbers)}"
    path = directory / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
