"""A step as it will be stored: from a node of the plan to the columns of a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from durableflow import codec
from durableflow.codec import Encoded
from durableflow.language.call import Call
from durableflow.language.graph import PlainCall, Results
from durableflow.language.launching import Node, Role
from durableflow.language.options import dump
from durableflow.language.receiving import Receive, dump_wait
from durableflow.language.step import Step
from durableflow.language.timer import Sleep

Encode = Callable[[object, str], Encoded]


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """The run that a step is. variables, state, line: its rev 0; input: the arguments by parameter; input_digest: of
    their canonical form; queue: where its code runs."""

    id: UUID
    workflow: str
    version: str
    input: Encoded
    input_digest: str
    variables: Encoded
    state: int
    line: int
    queue: str


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step to launch. index: its place; input: ``{"args": [...], "kwargs": {...}}``; options: those of this call
    alone, as ``options.dump`` writes them, or what an event has to be; queue, priority: where it goes; delay: seconds
    of a timer or until a receive gives up; until: a moment instead; role, begun, needs, feeds, answers,
    errbacks, gate, held: see ``launching.Node``; child: the run that it is."""

    name: str
    kind: Literal["task", "timer", "receive", "child"]
    input: Encoded
    options: str
    queue: str
    priority: int
    delay: float | None
    index: int = 0
    role: Role = "alone"
    begun: bool = False
    until: datetime | None = None
    needs: tuple[int, ...] = ()
    feeds: Sequence[int] = ()
    answers: Sequence[int] = ()
    errbacks: Sequence[int] = ()
    gate: int | None = None
    held: bool = False
    child: ChildSpec | None = None


def spec_of(node: Node, encode: Encode, queue: str, priority: int) -> StepSpec:
    """The row of a node. encode: stores a value under a name for messages; queue, priority: where a call names none.

    Raises NotStorable, ValueTooLarge, NotAwaited, TypeError.
    """
    work = node.work
    if isinstance(work, Sleep):
        delay = work.seconds if work.until is None else None
        return StepSpec(
            "sleep", "timer", NO_INPUT, "{}", queue, 0, delay, node.index, node.role, node.begun, until=work.until
        )
    if isinstance(work, Receive):
        return StepSpec(
            work.name, "receive", NO_INPUT, dump_wait(work), queue, 0, work.timeout, node.index, node.role, node.begun
        )
    if isinstance(work.definition, Step):
        return _task(node, work, work.definition, encode, queue, priority)
    return _child(node, work, encode, queue)


def _task(node: Node, call: Call[Any], step: Step[..., Any], encode: Encode, queue: str, priority: int) -> StepSpec:
    use, own = call.use, step.defaults
    said = use.sending
    wanted = own.priority if use.priority is None else use.priority
    return StepSpec(
        step.name,
        "task",
        _input(node, call, encode),
        dump(use, node.limit),
        use.queue or own.queue or queue,
        priority if wanted is None else wanted,
        None if said is None else said.countdown,
        node.index,
        node.role,
        node.begun,
        until=None if said is None or said.eta is None else datetime.fromisoformat(said.eta),
        needs=node.needs,
        feeds=node.feeds,
        answers=node.answers,
        errbacks=node.errbacks,
        gate=node.gate,
        held=node.held,
    )


def _input(node: Node, call: Call[Any], encode: Encode) -> Encoded:
    plain = call.stored(node.sources, encode) if type(call) is PlainCall else None
    if plain is not None:
        return plain
    args = [list(arg) if type(arg) is Results else arg for arg in call.args]
    return encode({"args": args, "kwargs": call.kwargs}, call.definition.name)


def _child(node: Node, call: Call[Any], encode: Encode, queue: str) -> StepSpec:
    assert node.child_id is not None
    child = child_of(call, node.child_id, queue)
    policies = {"leaves": node.leaves, "fails": node.fails}
    given: dict[str, object] = {name: True for name, wanted in policies.items() if wanted}
    if node.limit is not None:
        given["limit"] = node.limit
    options = codec.encode(given, where="options").text
    return StepSpec(
        call.definition.name,
        "child",
        NO_INPUT,
        options,
        queue,
        0,
        None,
        node.index,
        node.role,
        node.begun,
        gate=node.gate,
        held=node.held,
        child=child,
    )


def child_of(call: Call[Any], child_id: UUID, queue: str) -> ChildSpec:
    """The run that a call of a workflow is to be. queue: where its code runs if the workflow does not say so."""
    definition = call.definition
    bound = definition.signature.bind(call.args, call.kwargs)
    args, kwargs = bound.args, bound.kwargs
    bound.apply_defaults()
    arguments = dict(bound.arguments)
    machine = definition.machine
    first = machine.start(args, kwargs)
    return ChildSpec(
        child_id,
        definition.name,
        machine.version,
        # a run keeps its own copies of large values: it may outlive the one that started it
        codec.encode(arguments, where=definition.name),
        codec.digest(arguments),
        codec.encode(first.variables, where=definition.name, extensions=machine.extensions),
        first.state,
        first.line,
        definition.queue or queue,
    )


NO_INPUT = codec.encode({"args": [], "kwargs": {}})
