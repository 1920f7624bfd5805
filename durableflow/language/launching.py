"""What the next checkpoint launches: from what a workflow awaits and begins to the steps of one rev.

The *shape* of an await says how the outcomes of its steps make its value (`outcomes`)::

    {"one": 3}                          the step with index 3, launched by this checkpoint
    {"step": [2, 0]}                    one that was begun: rev 2, index 0
    {"all": [...], "errors": true}      a gather
    {"race": [...]}                     the first of them
    {"within": [2, 1], "of": ...}       what is awaited inside of a block whose timer is that step
    {"is": "..."}                       a value that is there already, as codec text
    {"cancelled": true}                 one that was cancelled before it was launched
    {"graph": [0, 9], "gives": ..., "answers": [[9, 11, [0, 1]], ...]}
                                        a graph: the steps from 0 to below 9, what it gives (`graph.Gives`), and those
                                        that answer failures: from 9 to below 11, if 0 or 1 fails
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from uuid import UUID

from durableflow import codec
from durableflow.language.begun import NEVER, ChildHandle, Handle, Spawn
from durableflow.language.call import Call
from durableflow.language.deadline import Within
from durableflow.language.flowing import needed_by
from durableflow.language.gathering import Gather
from durableflow.language.graph import Gives, Graph
from durableflow.language.ids import new_run_id
from durableflow.language.lazy import Lazy
from durableflow.language.racing import Race
from durableflow.language.receiving import Receive
from durableflow.language.routine import DEEPEST, RoutineCall, misplaced
from durableflow.language.step import Step
from durableflow.language.timer import Sleep
from durableflow.language.unfit import unfit

Shape = dict[str, Any]
Place = tuple[int, int]
"""A step's rev and index."""

Work = Call[Any] | Sleep | Receive[Any]
Role = Literal["alone", "joined", "wakes", "inner"]
"""What the end of a step does: ``alone`` moves its run on by itself, ``joined`` counts a join down, ``wakes`` has the
run look, ``inner`` only lets the steps begin that need it."""


@dataclass(eq=False, slots=True)
class Node:
    """A step to be. work: what it is; begun: it goes on whatever the run awaits; needs, feeds: indexes of the steps
    that it needs, and that need it; answers: of those whose failure it answers; errbacks: of those that answer its own;
    body: of the chord's body in whose name it answers; gate: the group whose members take turns,
    limit of them at a time; held: it waits for its turn; child_id:
    of the run that it is; leaves, fails: the policies of a spawn; sources: the index of the step that each call has
    become which ``later`` names in its arguments, by the call's identity."""

    work: Work
    index: int
    begun: bool
    role: Role = "wakes"
    needs: tuple[int, ...] = ()
    feeds: Sequence[int] = ()
    answers: Sequence[int] = ()
    errbacks: Sequence[int] = ()
    body: int | None = None
    gate: int | None = None
    limit: int | None = None
    held: bool = False
    child_id: UUID | None = None
    leaves: bool = False
    fails: bool = False
    sources: dict[int, int] = field(default_factory=dict)


class Mark(NamedTuple):
    """How far a launcher had come. nodes: the indexes that it had given; next, gates: what it counts."""

    nodes: frozenset[int]
    next: int
    gates: int


class Launcher:
    """Collects the steps of one rev while the workflow's code runs. rev: of the checkpoint that will launch them;
    nodes: by index; cancelled: places of steps of earlier revs that are to end; closed: how many of them were timers of
    blocks; encoding: the node whose input is being stored."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        self.nodes: dict[int, Node] = {}
        self.cancelled: list[Place] = []
        self.closed = 0
        self.encoding: Node | None = None
        self._next = 0
        self._gates = 0
        self._shared: dict[int, Node] = {}

    # --- begun

    def begin(self, work: Call[Any] | Sleep) -> Handle[Any]:
        """Launch this with the next checkpoint, whatever that awaits."""
        if isinstance(work, Call) and not isinstance(work.definition, Step):
            return self._spawned(work, leaves=False, fails=False)
        before, self._shared = self.mark(), {}
        try:
            node = self._node(work, begun=True) if isinstance(work, Sleep) else self._flow([work], begun=True)[0]
        except TypeError:
            self.undo(before)
            raise
        name = work._described() if isinstance(work, Sleep) else work.definition.name
        return Handle(name, self.rev, node.index, tuple(i for i in range(before.next, self._next) if i != node.index))

    def _spawned(self, call: Call[Any], *, leaves: bool, fails: bool) -> ChildHandle[Any]:
        node = self._node(call, begun=True)
        node.leaves, node.fails = leaves, fails
        assert node.child_id is not None
        return ChildHandle(call.definition.name, self.rev, node.index, node.child_id)

    def close(self, timer: Handle[Any]) -> None:
        """End the timer of a block, which nothing else can do: then it is known not to be under way any more."""
        self.closed += timer.rev < self.rev
        self.cancel(timer)

    def cancel(self, handle: Handle[Any]) -> None:
        """End what was begun. What was begun since the last checkpoint is not launched at all."""
        for index in (*handle.below, handle.index):
            if handle.rev < self.rev:
                if handle.rev != NEVER:
                    self.cancelled.append((handle.rev, index))
            else:
                self.nodes.pop(index, None)
        if handle.rev == self.rev:
            handle.rev = NEVER

    # --- taken back

    def mark(self) -> "Mark":
        """What there is to launch so far."""
        return Mark(frozenset(self.nodes), self._next, self._gates)

    def undo(self, before: "Mark") -> None:
        """Launch nothing of what came since then: the await that it was for has raised."""
        for index in self.nodes.keys() - before.nodes:
            del self.nodes[index]
        self._next, self._gates = before.next, before.gates

    def drop(self, before: "Mark") -> None:
        """Launch nothing of what was only to be awaited since then: the await is over already."""
        for index in self.nodes.keys() - before.nodes:
            if not self.nodes[index].begun:
                del self.nodes[index]

    # --- awaited

    def awaited(self, what: object) -> Shape:
        """The shape of what is awaited, whose steps are added to ``nodes``.

        Raises:
            TypeError: a workflow cannot await this; for the author, at the await.
        """
        self._shared = {}
        begun = set(self.nodes)
        calls = list(_calls_of(what))
        if any(needed_by(call) for call in calls):
            wanted = {id(need): need for call in calls for need in needed_by(call)}
            self._flow([call for call in calls if needed_by(call) or id(call) in wanted], begun=False)
        shape = self._shape(what)
        _assign_roles(shape, [node for index, node in self.nodes.items() if index not in begun])
        return shape

    def _shape(self, what: object, depth: int = 1) -> Shape:
        if depth > DEEPEST:  # what reads shapes is recursive, and may stand deeper in Python's stack than this
            raise RecursionError(f"more than {DEEPEST} gathers, races and deadlines inside of one another")
        match what:
            case Call() | Sleep() | Receive():
                what._used = True
                node = self._shared.get(id(what)) or self._node(what, begun=False)
                return {"one": node.index}
            case Gather():
                what._used = True
                return self._gathered(what, depth)
            case Race():
                what._used = True
                return {"race": [self._shape(member, depth + 1) for member in what.calls]}
            case Graph():
                what._used = True
                return self._graphed(what)
            case Within():
                return {"within": [what.timer.rev, what.timer.index], "of": self._shape(what.inner, depth + 1)}
            case Handle():
                return {"cancelled": True} if what.rev == NEVER else {"step": [what.rev, what.index]}
            case Spawn():
                what._used = True
                handle = self._spawned(what.call, leaves=what.leaves, fails=what.fails)
                return {"is": codec.encode(handle, where="spawn").text}
            case RoutineCall():
                what._used = True
                raise TypeError(misplaced(what))
        if isinstance(what, Lazy):
            what._used = True
        raise TypeError(unfit(what))

    def _gathered(self, what: Gather[Any], depth: int) -> Shape:
        shapes: list[Shape] = []
        if what.limit is not None:
            self._gates += 1
        for position, member in enumerate(what.calls):
            shapes.append(self._shape(member, depth + 1))
            if what.limit is not None:
                if not isinstance(member, Call) or id(member) in self._shared:
                    raise TypeError(
                        f"gather(limit=) takes calls of steps and workflows without later(), not {member._described()}"
                    )
                node = self.nodes[shapes[-1]["one"]]
                node.gate, node.limit, node.held = self._gates, what.limit, position >= what.limit
        return {"all": shapes, "errors": True} if what.errors else {"all": shapes}

    def _graphed(self, what: Graph) -> Shape:
        first = self._next
        nodes = [self._node(call, begun=False) for call in what.calls]
        feeds: list[list[int]] = [[] for _ in nodes]
        known: dict[int, Node] = {}  # a thousand may need the same thousand
        for node, needs in zip(nodes, what.needs, strict=True):
            if needs:
                alike = known.setdefault(id(needs), node)
                if alike is node:
                    node.needs = tuple(first + place for place in needs)
                    node.sources = {id(what.calls[place]): first + place for place in needs}
                else:
                    node.needs, node.sources = alike.needs, alike.sources
                for place in needs:
                    feeds[place].append(node.index)
        errbacks: list[list[int]] = [[] for _ in nodes]
        answers = []
        for answer in what.answers:
            to = [first + place for place in answer.to]
            answers.append([first + answer.first, first + answer.last, to])
            for node in nodes[answer.first : answer.last]:
                node.answers = to
                node.body = None if answer.body is None else first + answer.body
                if not node.needs:
                    for place in answer.to:
                        errbacks[place].append(node.index)
        for place, node in enumerate(nodes):
            node.feeds, node.errbacks = feeds[place], errbacks[place]
        return {"graph": [first, first + what.size], "gives": _moved(what.gives, first), "answers": answers}

    # --- nodes

    def _node(self, work: Work, begun: bool) -> Node:
        node = Node(work, self._next, begun)
        if isinstance(work, Call) and not isinstance(work.definition, Step):
            if needed_by(work):
                raise TypeError(
                    f"{work._described()} is a workflow, which starts with values: await what it needs first, "
                    "without later()"
                )
            node.child_id = new_run_id()
        self.nodes[self._next] = node
        self._next += 1
        return node

    def _flow(self, roots: Iterable[Call[Any]], begun: bool) -> list[Node]:
        """Nodes for calls and for all that they need, each call once, what is needed before what needs it."""
        shared, open_ = self._shared, set[int]()
        roots = list(roots)
        stack: list[Call[Any]] = list(reversed(roots))
        while stack:
            call = stack[-1]
            if id(call) in shared:
                stack.pop()
                continue
            needs = needed_by(call)
            missing = [need for need in needs if id(need) not in shared]
            if missing:
                if id(call) in open_:
                    raise TypeError(f"{call._described()} needs its own result, by way of later()")
                open_.add(id(call))
                stack += reversed(missing)
                continue
            call._used = True
            node = shared[id(call)] = self._node(call, begun)
            node.needs = tuple(shared[id(need)].index for need in needs)
            node.sources = {id(need): shared[id(need)].index for need in needs}
            for need in needs:
                shared[id(need)].feeds = (*shared[id(need)].feeds, node.index)
                shared[id(need)].role = "inner"
            stack.pop()
        return [shared[id(root)] for root in roots]

    def source(self, call: Call[Any]) -> int | None:
        """The index of the step that a call in the arguments being stored has become. None: it stands where nobody
        looked for one."""
        return None if self.encoding is None else self.encoding.sources.get(id(call))


def _calls_of(what: object) -> Iterable[Call[Any]]:
    """The calls that are awaited together, in order."""
    stack = [what]
    while stack:
        each = stack.pop()
        if isinstance(each, Call):
            yield each
        elif isinstance(each, Gather | Race):
            stack += reversed(each.calls)
        elif isinstance(each, Within):
            stack.append(each.inner)


def _moved(gives: Gives | None, by: int) -> Gives | None:
    """What a graph gives, by indexes instead of places."""
    if gives is None or by == 0:
        return gives
    return _shifted(gives, by)


def _shifted(gives: Gives, by: int) -> Gives:
    return gives + by if isinstance(gives, int) else [_shifted(member, by) for member in gives]


def waits_for_each(shape: Shape | None) -> bool:
    """Whether the await is not over before each of the steps that it counts has ended, even where some have failed."""
    return shape is not None and "graph" in shape


def _assign_roles(shape: Shape, nodes: Iterable[Node]) -> None:
    leaves = set(own_steps(shape))
    core = shape
    while "within" in core:
        core = core["of"]
    role: Role = "alone" if "one" in core else "joined" if _only_joins(core) else "wakes"
    for node in nodes:
        if node.answers:
            node.role = "wakes"
        elif not node.begun:
            node.role = role if node.index in leaves else "inner"


def _only_joins(shape: Shape) -> bool:
    """Whether the await is over when, and only when, each of its own steps is."""
    if "all" in shape:
        return all(map(_only_joins, shape["all"]))
    return "one" in shape or "is" in shape or "graph" in shape


def spawns(shape: Shape) -> bool:
    """Whether a child is spawned there."""
    return "is" in shape or any(map(spawns, members_of(shape)))


def own_steps(shape: Shape) -> Iterator[int]:
    """The indexes of the steps that the checkpoint itself launches."""
    if "one" in shape:
        yield shape["one"]
    elif "graph" in shape:
        yield from range(*shape["graph"])
        for begin, end, _ in shape["answers"]:
            yield from range(begin, end)
    for member in members_of(shape):
        yield from own_steps(member)


def members_of(shape: Shape) -> Sequence[Shape]:
    """The shapes that a shape is made of."""
    if "within" in shape:
        return [shape["of"]]
    members: list[Shape] = shape.get("all") or shape.get("race") or []
    return members
