"""A recorded run as a pytest test: what its steps gave is mocked, what was sent is sent, and the workflow's own code is
what is tested.

Times are left out where they decide nothing. They decide where several things were under way and the order of their
ends mattered: in races, where a gather failed, and where something was begun to be awaited later.
"""

import re
import sys
from collections.abc import Iterator
from datetime import UTC
from typing import Any
from uuid import UUID

from durableflow import codec
from durableflow.client import Client
from durableflow.client.database import Database
from durableflow.language import Step, Workflow
from durableflow.language.launching import Shape
from durableflow.language.registry import find
from durableflow.testing.recorded import Await, Recorded, RecordedStep, lasted, record
from durableflow.testing.rendering import WIDTH, Expression, Group, Renderer, text_of

_TEMPLATE = '''"""Run {id} of {workflow}, as it was recorded at {at}.

Steps and child runs give here what they gave then; what is tested is the workflow's own code, version {version}.
"""

{imports}


def test_{name}() -> None:
{body}
'''


def export(database: Database, run_id: UUID) -> str:
    """The source of a test that does again what a run did. The run's application has to be imported.

    Raises RunNotFound; SimulationError for a run that was redriven; UnknownDefinition, CorruptValue where the
    application is not imported.
    """
    return written(database.transact(lambda conn: record(conn, run_id)))


def written(recorded: Recorded) -> str:
    """The source of the test of a run."""
    test = _Test(recorded)
    body = "\n".join(f"    {line}" if line else "" for line in test.lines())
    return _TEMPLATE.format(
        id=recorded.run_id,
        workflow=recorded.workflow,
        at=recorded.created_at.isoformat(sep=" ", timespec="seconds"),
        version=recorded.version[:12],
        imports="\n".join(test.imports()),
        name=re.sub(r"\W", "_", f"{recorded.workflow.rpartition('.')[2]}_{recorded.run_id.hex[:13]}"),
        body=body,
    )


class _Test:
    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._render = Renderer()
        self._used = {"Simulation"}
        definition = find(recorded.workflow, None)
        assert isinstance(definition, Step | Workflow)
        self._definition = definition
        works = [step for each in recorded.awaits for step in each.steps if step.kind in ("task", "child")]
        self._all_timed = any(step.begun for step in works)

    def imports(self) -> Iterator[str]:
        """The import statements; to be asked for after the lines."""
        found = self._render.imports()
        if self._render.uses_stored:
            self._used.add("stored")
        plain = sorted(
            line for line in found if line.startswith("import ") and line.split()[1] in sys.stdlib_module_names
        )
        yield from plain
        if plain:
            yield ""
        if self._recorded.state == "failed":
            yield from ("import pytest", "")
            yield "from durableflow.errors import RunFailed"
        yield f"from durableflow.testing import {', '.join(sorted(self._used))}"
        yield from sorted(line for line in found if line not in plain)

    def lines(self) -> Iterator[str]:
        recorded = self._recorded
        began = _named("now", self._part(recorded.created_at.astimezone(UTC)))
        yield from _assigned("sim = ", Group("Simulation(", [self._application(), "strict=True", began], ")"))
        yield from self._mocks()
        yield ""
        yield from _assigned("run = ", Group("sim.start(", [self._call(), *self._deadline()], ")"))
        yield from self._events()
        yield from self._end()
        yield ""
        path = recorded.path(self._definition.registry.app)
        yield from _assigned("assert run.path == ", Group("[", [repr(line) for line in path], "]"))
        yield from self._result()

    # --- the call

    def _application(self) -> str:
        registry = self._definition.registry
        definitions = [self._definition, *registry.workflows, *registry.steps]
        for module in dict.fromkeys(definition.function.__module__ for definition in definitions):
            for name, value in vars(sys.modules[module]).items() if module in sys.modules else ():
                if isinstance(value, Client) and value.registry is registry:
                    return self._render.name(module, name)
        return f"{self._name_of(self._definition)}.registry.owner"

    def _name_of(self, definition: Any) -> str:
        """The definition as a global of its module, or else its registered name."""
        module = sys.modules.get(definition.function.__module__)
        for name, value in vars(module).items() if module is not None else ():
            if value is definition:
                return self._render.name(definition.function.__module__, name)
        return repr(definition.name)

    def _call(self) -> Expression:
        definition, recorded = self._definition, self._recorded
        bound = definition.signature.full.bind_partial()
        bound.arguments.update(recorded.decode(recorded.input))
        parts = [self._part(value) for value in bound.args]
        parts += [_named(name, self._part(value)) for name, value in bound.kwargs.items()]
        return Group(f"{self._name_of(definition)}(", parts, ")")

    def _deadline(self) -> list[Expression]:
        recorded = self._recorded
        if recorded.deadline_at is None:
            return []
        return [_named("deadline", self._part(recorded.deadline_at.astimezone(UTC)))]

    def _part(self, value: Any) -> Expression:
        encoded = codec.encode(value)
        return self._render.value(value, encoded.text, encoded.blobs)

    # --- mocks

    def _mocks(self) -> Iterator[str]:
        found: dict[str, list[Expression]] = {}
        for each in self._recorded.awaits:
            timed = self._all_timed or _order_counts(each, self._recorded)
            siblings = {step.index: step for step in each.steps}
            for step in each.steps:
                if step.kind in ("task", "child"):
                    found.setdefault(step.name, []).append(self._outcome(step, siblings, timed))
        for name, outcomes in found.items():
            target = self._name_of(find(name, self._definition.registry))
            yield from _assigned("", Group("sim.mock(", [target, Group("outcomes=[", outcomes, "]")], ")"))

    def _outcome(self, step: RecordedStep, siblings: dict[int, RecordedStep], timed: bool) -> Expression:
        """What the mock gives for one call, with its failed attempts in front."""
        duration = lasted(step, siblings) if step.abandoned_at is None else None
        attempts = [self._trouble(outcome, text) for outcome, text in step.trouble]
        last: Expression | None = None
        if duration is None or (step.state == "failed" and step.kind == "task" and not attempts):
            last = self._known("HANGS")  # nobody saw it end; or it never began, because what it needs had failed
        elif step.state == "succeeded":
            last = self._stored(step.output)
        elif step.kind == "child":
            last = self._stored(step.error)
        if last is not None:
            attempts.append(last)
        if timed and duration and len(attempts) == 1 and last != "HANGS":
            attempts = [Group(f"{self._known('After')}(", [f"{duration.total_seconds():g}", attempts[0]], ")")]
        return attempts[0] if len(attempts) == 1 else Group(f"{self._known('Attempts')}(", attempts, ")")

    def _trouble(self, outcome: str, text: str | None) -> Expression:
        return self._known("LOST") if outcome == "lost" or text is None else self._stored(text)

    def _known(self, name: str) -> str:
        self._used.add(name)
        return name

    def _stored(self, text: str | None) -> Expression:
        text = text or "null"
        return self._render.value(self._recorded.decode(text), text, self._recorded.values)

    # --- what happens

    def _events(self) -> Iterator[str]:
        recorded = self._recorded
        received = [event for event in recorded.events if event.rev is not None]
        for each in recorded.awaits:
            timed = self._all_timed or _order_counts(each, recorded)
            at = each.at
            mine = [event for event in received if event.rev == each.rev]
            for number, event in enumerate(mine):
                if not number:
                    yield f"sim.run_until(lambda: run.rev == {each.rev})  # it waits for event {event.name}"
                if timed and event.sent_at > at:
                    yield f"sim.advance({(event.sent_at - at).total_seconds():g})"
                    at = event.sent_at
                given: list[Expression] = [repr(event.name), self._stored(event.payload)]
                given += [f"id={event.event_id!r}"] if event.event_id is not None else []
                given += [f"by={event.by!r}"] if event.by is not None else []
                yield from _assigned("", Group("run.send(", given, ")"))

    def _end(self) -> Iterator[str]:
        state = self._recorded.state
        if state in ("succeeded", "failed"):
            yield "sim.run()"
            return
        rev = self._recorded.awaits[-1].rev if self._recorded.awaits else 0
        yield f"sim.run_until(lambda: run.rev == {rev})"
        if state == "cancelled":
            yield "run.cancel()"

    def _result(self) -> Iterator[str]:
        recorded = self._recorded
        if recorded.state == "succeeded":
            value = recorded.decode(recorded.output or "null")
            expression = self._render.value(value, recorded.output or "null", recorded.values)
            if expression == "None":
                yield "assert run.result() is None"
            elif _compares(value):
                yield from _assigned("assert run.result() == ", expression)
            else:  # its class compares by identity
                yield 'assert run.state == "succeeded"'
        elif recorded.state == "failed":
            error = recorded.decode(recorded.error or "null")
            yield "with pytest.raises(RunFailed) as failed:"
            yield "    run.result()"
            yield f"assert type(failed.value.__cause__).__name__ == {type(error).__name__!r}"
            if str(recorded.run_id) not in str(error):
                yield f"assert str(failed.value.__cause__) == {str(error)!r}"
        else:
            yield f"assert run.state == {recorded.state!r}"


def _order_counts(each: Await, recorded: Recorded) -> bool:
    """Whether the order in which things ended decided what the await gave."""
    works = [step for step in each.steps if step.kind != "timer" and not step.is_inner]
    ended = [step for step in works if step.finished_at is not None and step.abandoned_at is None]
    ended = [step for step in ended if step.state != "cancelled"]
    return len(ended) > 1 and (_has(each.shape, "race") or any(step.state == "failed" for step in ended))


def _has(shape: Shape, kind: str) -> bool:
    members = [shape["of"]] if "within" in shape else shape.get("all") or shape.get("race") or []
    return kind in shape or any(_has(member, kind) for member in members)


def _compares(value: Any) -> bool:
    """Whether an equal value is equal: a copy of it, made by way of its stored form."""
    encoded = codec.encode(value)
    return bool(codec.decode(encoded.text, blobs=encoded.blobs) == value)


def _named(name: str, value: Expression) -> Expression:
    return f"{name}={value}" if isinstance(value, str) else Group(f"{name}={value.opening}", value.parts, value.closing)


def _assigned(before: str, value: Expression) -> list[str]:
    """A statement, in as many lines as it needs. before: what stands in front of the value."""
    if isinstance(value, str):
        return [before + value]
    return text_of(Group(before + value.opening, value.parts, value.closing), room=WIDTH - 4).splitlines()
