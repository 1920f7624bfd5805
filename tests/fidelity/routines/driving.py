"""Run a program of several functions twice: as coroutines that await each other, and as a workflow with its routines.

The machine's side is the turn of production: every checkpoint is stored and loaded, the whole stack in one document.
"""

import contextlib
import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from durableflow import codec
from durableflow.client import Client
from durableflow.language import Call, Named, Routine, Workflow
from durableflow.language import outcomes as combining
from durableflow.language.frames import found, restore, routines_of
from durableflow.language.lazy import Scope, scope
from durableflow.language.launching import Launcher
from durableflow.language.results import encode_failure
from durableflow.language.turn import Fail, Finish, Stored, Suspend, begin, turn
from durableflow.machine import compile_stored
from tests.fidelity import prelude
from tests.fidelity.canonical import canonical
from tests.fidelity.oracle import NOTHING, PLAIN, Handling, close, fresh
from tests.fidelity.prelude import Outcome, Scripted, recording
from tests.fidelity.script import Script
from tests.fidelity.trace import Trace, compare

AWAITABLES = ("num", "flag", "word", "items", "table", "pair", "crate", "echo", "nothing", "risky")

Arguments = tuple[tuple[object, ...], dict[str, object]]


@dataclass(frozen=True)
class Deploy:
    """What one process has loaded of a program. plain: its functions as they are; workflow: the one that is run;
    routines: all of them, by name and version."""

    plain: ModuleType
    workflow: Workflow[..., Any]
    routines: dict[tuple[str, str], Named | None]

    def find(self, name: str, version: str) -> Named:
        """The routine of a frame."""
        return found(self.routines, name, version)


@contextmanager
def deployed(path: Path, entry: str) -> Iterator[Deploy]:
    """Load a program's file: once as it is, once with every function a routine and its awaitables steps."""
    digest = hashlib.sha256(f"{path}:{entry}".encode()).hexdigest()[:16]
    names = [f"{path.stem}_{kind}_{digest}" for kind in ("plain", "routines")]
    try:
        plain, durable = (_load(path, name) for name in names)
        app = Client("fidelity")
        for kind in AWAITABLES:
            vars(durable)[kind] = _awaitable(app, kind)
        functions = [each for each in vars(durable).values() if _is_program(each, durable)]
        routines: list[Routine[..., Any]] = [
            Routine(function, f"fidelity.{function.__name__}", app.registry) for function in functions
        ]
        for routine in routines:
            app.registry.add(routine)
            vars(durable)[routine.function.__name__] = routine
        chosen = next(function for function in functions if function.__name__ == entry)
        workflow: Workflow[..., Any] = Workflow(chosen, "fidelity.@entry", app.registry)
        yield Deploy(plain, workflow, {(each.name, each.version): each for each in routines})
    finally:
        for name in names:
            sys.modules.pop(name, None)


def _load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__package__ = __package__
    sys.modules[name] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        spec.loader.exec_module(module)
    return module


def _is_program(value: object, module: ModuleType) -> bool:
    return (
        isinstance(value, FunctionType) and bool(value.__code__.co_flags & 0x80) and value.__module__ == module.__name__
    )


def _awaitable(app: Client, kind: str) -> Callable[..., Call[Any]]:
    def body(*payload: object) -> None:
        raise AssertionError("the script says what it gives")

    body.__name__ = kind
    step = app.step(body)
    default = getattr(prelude, kind).__defaults__[0]

    def make(payload: object = default) -> Call[Any]:
        prelude.log("call", kind, payload)
        call = step(payload)
        call._used = True  # coroutines may be dropped
        return call

    make.__name__ = make.__qualname__ = kind
    make.__module__ = prelude.__name__
    return make


def check(
    path: Path,
    entry: str,
    script: Script,
    arguments: Arguments = ((), {}),
    handling: Handling = PLAIN,
    describe: Callable[[], str] = str,
) -> Trace:
    """Execute both ways and compare; return CPython's trace. Raises Divergence."""
    with deployed(path, entry) as here:
        expected = run_plain(getattr(here.plain, entry), script, *fresh(arguments))
        if not handling.recompile:
            actual = run_machine((here, here), script, *fresh(arguments), handling)
        else:
            with deployed(path, entry) as there:
                actual = run_machine((here, from_stored_source(there)), script, *fresh(arguments), handling)
        compare(expected, actual, describe)
        return expected


def from_stored_source(deploy: Deploy) -> Deploy:
    """The same, compiled from what is stored of it."""

    def older(definition: Any) -> Any:
        copied = object.__new__(type(definition))
        copied.__dict__.update(definition.__dict__)
        copied.machine = compile_stored(definition.machine.stored, definition.function.__globals__)
        return copied

    return Deploy(deploy.plain, older(deploy.workflow), {key: older(each) for key, each in deploy.routines.items()})


# ---- CPython


def run_plain(function: Any, script: Script, args: tuple[object, ...], kwargs: dict[str, object]) -> Trace:
    """Drive the coroutine as an event loop would."""
    with recording() as effects:
        trace = Trace(function.__code__.co_filename, effects)
        try:
            coroutine = function(*args, **kwargs)
        except TypeError as error:
            trace.raised(error)
            return trace
        outcome: Outcome | None = None
        while True:
            try:
                awaited = coroutine.send(outcome)
            except StopIteration as stop:
                trace.returned(stop.value)
                return trace
            except BaseException as error:
                trace.raised(error)
                return trace
            assert isinstance(awaited, Scripted)
            frames = list(_frames(coroutine))
            if not _awaits(trace, [(frame.f_lineno, dict(frame.f_locals)) for frame in frames], awaited):
                close(coroutine)
                return trace
            outcome = script.outcome(len(trace.places) - 1, awaited)


def _frames(coroutine: Coroutine[Any, Any, object]) -> Iterator[Any]:
    while coroutine is not None:
        if (
            getattr(coroutine, "cr_frame", None) is not None
            and coroutine.cr_frame.f_code.co_filename != prelude.__file__
        ):  # type: ignore[attr-defined]
            yield coroutine.cr_frame  # type: ignore[attr-defined]
        coroutine = getattr(coroutine, "cr_await", None)  # type: ignore[assignment]


def _awaits(trace: Trace, frames: list[tuple[int, dict[str, object]]], awaited: Scripted) -> bool:
    """Record a suspension of a stack of frames, the outermost first."""
    trace.effects.append(("stack", [line for line, _ in frames]))
    variables = {
        f"{name} of frame {depth}": canonical(value)
        for depth, (_, found) in enumerate(frames)
        for name, value in found.items()
        if not name.startswith("@") and _comparable(value)
    }
    return trace.awaits(frames[-1][0], variables, awaited)


def _comparable(value: object) -> bool:
    """Whether no call or routine is in it, which are coroutines and functions to CPython."""
    text = str(canonical(value))
    return not any(
        f"('{kind}'" in text for kind in ("Scripted", "Call", "RoutineCall", "coroutine", "Routine", "function")
    )


# ---- the machine


def run_machine(
    deploys: tuple[Deploy, Deploy],
    script: Script,
    args: tuple[object, ...],
    kwargs: dict[str, object],
    handling: Handling = PLAIN,
) -> Trace:
    """Run turn after turn, everything in its stored form in between, on two deploys by turns."""
    deploy, other = deploys
    with recording() as effects:
        trace = Trace(deploy.plain.__file__ or "", effects)
        try:
            call = Call(deploy.workflow, args, kwargs)
            at: Suspend = begin(call.definition, call.args, call.kwargs)
        except TypeError as error:
            trace.raised(error)
            return trace
        finally:
            call._used = True
        values, rev, awaited = dict(at.variables.blobs), 0, NOTHING
        while True:
            stored = Stored(rev, at.state, at.line, at.variables.text, at.awaits, at.frames, at.opens)
            outcomes = {(rev, 0): _ended(script, len(trace.places) - 1, awaited)} if rev else {}
            for each in outcomes.values():
                values.update(each.blobs)

            def once(deploy: Deploy = deploy, stored: Stored = stored, outcomes: Any = outcomes) -> Any:
                return turn(deploy.workflow, stored, outcomes, blobs=values, find=deploy.find)

            if handling.repeat:
                with recording(), contextlib.suppress(prelude.Stop):
                    once()
            try:
                moved = once()
            except BaseException as error:  # one that is not an Exception goes through the machine
                if isinstance(error, Exception):
                    raise
                trace.raised(error)
                return trace
            deploy, other = other, deploy
            match moved:
                case Finish(output):
                    trace.returned(codec.decode(output.text, blobs={**values, **output.blobs}))
                    return trace
                case Fail(error):
                    raised = codec.decode(error.text, blobs={**values, **error.blobs})
                    assert isinstance(raised, BaseException)
                    trace.raised(raised)
                    return trace
            at = moved
            rev += 1
            values.update(at.variables.blobs)
            (spec,) = at.steps
            values.update(spec.input.blobs)
            given: Any = codec.decode(spec.input.text, blobs=values)
            awaited = Scripted(spec.name.rpartition(".")[2], given["args"][0])
            if not _awaits(trace, _restored(deploy, at, values), awaited):
                return trace


@dataclass(frozen=True)
class Ended(combining.Outcome):
    """An outcome, with its large values."""

    blobs: Any = None


def _ended(script: Script, position: int, awaited: object) -> Any:
    assert isinstance(awaited, Scripted)
    outcome = script.outcome(position, awaited)
    if outcome.failure is None:
        encoded = codec.encode(outcome.value)
        return Ended("succeeded", output=encoded.text, blobs=encoded.blobs)
    encoded = encode_failure(outcome.error())
    return Ended("failed", error=encoded.text, blobs=encoded.blobs)


def _restored(deploy: Deploy, at: Suspend, values: dict[str, str]) -> list[tuple[int, dict[str, object]]]:
    token = scope.set(Scope(deploy.workflow.registry, Launcher(0)))
    try:
        stack = restore(deploy.workflow, at.state, at.line, at.variables.text, at.frames, deploy.find, values)
    finally:
        scope.reset(token)
    assert len(stack) == 1 + len(routines_of(at.frames))
    return [(frame.checkpoint.line, _with_cells(frame.checkpoint.variables)) for frame in stack]


def _with_cells(variables: dict[str, Any]) -> dict[str, object]:
    found = dict(variables)
    for name, cell in variables.get("@cells", {}).items():
        with contextlib.suppress(ValueError):
            found[name] = cell.cell_contents
    return found
