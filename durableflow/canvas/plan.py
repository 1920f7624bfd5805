"""plan: from a canvas' document to the graph of steps that its run awaits.

A document is a tree::

    {"task": "proj.add", "args": [2], "kwargs": {}, "options": {...}, "immutable": true, "coded": true,
     "link": [...], "link_error": [...]}       one task; what is empty or false is left out
    {"chain": [...]}                           one after the other; each is given the result of the one before
    {"group": [...]}                           beside each other; what follows is the body of a chord
    {"map": [...]}                             as a group, but to what follows it is one task

What is given to a task comes before its own arguments, and an immutable one is given nothing. Tasks that are linked to
a task begin when it has succeeded, and give nothing to anybody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from durableflow import codec
from durableflow.errors import CorruptValue
from durableflow.language import Call, Registry, Step
from durableflow.language.flowing import Later
from durableflow.language.graph import Answer, FailureOf, Gives, Graph, PlainCall, Results
from durableflow.language.lazy import scope
from durableflow.language.options import NONE, Options
from durableflow.language.sending import Sending

FORMAT = 1

Document = Mapping[str, Any]


def plan(document: str) -> Graph:
    """The graph of a document, for the workflow that awaits it. Raises CorruptValue."""
    here = scope.get()
    assert here is not None, "a canvas is planned while its run's code runs"
    return planned(document, here.registry)


def planned(document: str, registry: Registry) -> Graph:
    """The graph of a document. registry: of the application. Raises CorruptValue."""
    planner, whole = _planned(document, registry)
    return Graph(planner.calls, planner.needs, whole.gives, planner.answers)


def single(registry: Registry, document: str) -> Call[Any] | None:
    """The call of a canvas that is one task which nothing is linked to. None: it is more than that."""
    if document.count('"task":') > 1:  # most are: no need to read them
        return None
    read = json.loads(document)
    root = read["canvas"]
    if "task" not in root or "link" in root or "link_error" in root:
        return None
    return _planned(document, registry)[0].calls[0]


def _planned(document: str, registry: Registry) -> "tuple[_Planner, _Value]":
    try:
        read = json.loads(document)
        if read["format"] != FORMAT:
            raise CorruptValue(f"a canvas of format {read['format']} is none that this version of durableflow knows")
        planner = _Planner(registry, read.get("blobs", {}))
        whole = planner.place(read["canvas"], _NOTHING)
        planner.place_answers()
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptValue(f"not the document of a canvas ({error}): {document[:200]}") from None
    return planner, whole


@dataclass(frozen=True, slots=True)
class _Value:
    """What one part of a canvas comes to. gives: it; after: the places of the steps that have ended then; header: those
    of the steps that it takes, where it is a group's, so that what follows is a chord's body; heard: those of the steps
    whose failures the errbacks of what follows answer, in its name; told: what is given instead to those who answer a
    failure."""

    gives: Gives | None = None
    after: tuple[int, ...] = ()
    header: tuple[int, ...] | None = None
    heard: tuple[int, ...] = ()
    told: tuple[FailureOf, ...] = ()
    given: bool = True


_NOTHING = _Value(given=False)


@dataclass(slots=True)
class _Due:
    """An errback that is still to be placed. to: the places of the steps that it answers."""

    document: Document
    to: list[int]
    body: int | None = None


@dataclass(slots=True)
class _Planner:
    registry: Registry
    blobs: Mapping[str, str]
    calls: list[Call[Any]] = field(default_factory=list)
    needs: list[tuple[int, ...]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    _due: list[_Due] = field(default_factory=list)
    _steps: dict[str, Step[..., Any]] = field(default_factory=dict)
    _aside: set[int] = field(default_factory=set)
    _linked: int = 0
    _uses: dict[str, Options] = field(default_factory=dict)
    _given: dict[int, tuple[_Value, Any]] = field(default_factory=dict)

    # --- the tree

    def place(self, document: Document, before: _Value) -> _Value:
        """Plan a part of the canvas, and say what it comes to. before: what it is given."""
        if "task" in document:
            return self._task(document, before)
        if "chain" in document:
            return self._chain(document["chain"], before)
        if "group" in document:
            return self._group(document["group"], before)
        if "map" in document:
            return self._map(document, before)
        raise CorruptValue(f"a canvas has no part like this: {str(document)[:200]}")

    def _chain(self, members: list[Document], before: _Value) -> _Value:
        if not members:
            return _Value(None, before.after)
        value = before
        for member in members[:-1]:
            if "group" in member:
                # A header. If one before it fails, it is its body that answers, and not each of its members.
                placed = self.place(member, replace(value, heard=()))
                value = replace(placed, heard=(*value.heard, *(placed.header or ())))
            else:
                value = self.place(member, value)
        return self.place(members[-1], value)

    def _group(self, members: list[Document], before: _Value) -> _Value:
        first = len(self.calls)
        values = [self.place(member, before) for member in members]
        own = tuple(place for place in range(first, len(self.calls)) if place not in self._aside)
        ended = {place: None for value in values for place in value.after}
        after = tuple(ended) if members else before.after
        return _Value([_given(value) for value in values], after, own)

    def _map(self, document: Document, before: _Value) -> _Value:
        value = self._group(document["map"], _Value(after=before.after, told=before.told, given=False))
        self._attach(document, _Value(value.gives, value.after), list(value.header or ()))
        return _Value(value.gives, value.after)

    def _task(self, document: Document, before: _Value) -> _Value:
        place = len(self.calls)
        args, kwargs = self._arguments(document)
        if not document.get("immutable"):
            args = [*self._incoming(before), *args]
        chorded = before.header[0] if before.header else None
        made = Call if before.told or document.get("coded") else PlainCall.made
        self.calls.append(made(self._step(document["task"]), tuple(args), kwargs, self._options(document, chorded)))
        self.needs.append(before.after)
        if self._linked:
            self._aside.add(place)
        value = _Value(place, (place,))
        self._attach(document, value, [place])
        if before.heard:
            for errback in document.get("link_error", ()):
                self._answer_for_header(errback, before.heard, place)
        return value

    def _answer_for_header(self, errback: Document, heard: tuple[int, ...], body: int) -> None:
        """Have a body's errback answer for its header. What is linked to a chord, Celery links to the chords in its
        header too: those do not answer for theirs, so that a failure is answered once, in the outermost's name."""
        for number in range(len(self._due) - 1, -1, -1):
            due = self._due[number]
            if due.to[0] < heard[0]:
                break
            if due.body is not None and due.body <= heard[-1] and due.document == errback:
                del self._due[number]
        self._due.append(_Due(errback, list(heard), body))

    def _attach(self, document: Document, value: _Value, places: list[int]) -> None:
        """Plan what is linked to a part of the canvas."""
        self._linked += 1
        for callback in document.get("link", ()):
            self.place(callback, value)
        self._linked -= 1
        for errback in document.get("link_error", ()):
            self._due.append(_Due(errback, places))

    # --- answers

    def place_answers(self) -> None:
        """Plan the errbacks, after all else; those of errbacks come last."""
        while self._due:
            due = self._due.pop(0)
            first = len(self.calls)
            told = tuple(FailureOf(what) for what in _TOLD[due.document.get("told", "id")])
            self.place(due.document, _Value(told=told))
            if len(self.calls) > first:
                self.answers.append(Answer(first, len(self.calls), due.to, due.body))

    # --- arguments

    def _incoming(self, before: _Value) -> list[Any]:
        if before.told:
            return list(before.told)
        if not before.given:
            return []
        known = self._given.get(id(before))
        if known is None:  # many may be given one group's results
            results = self._results(before.gives)
            # With the value itself: while it is kept, nothing else has its id.
            known = self._given[id(before)] = before, Results(results) if type(results) is list else results
        return [known[1]]

    def _results(self, gives: Gives | None) -> Any:
        if gives is None:
            return None
        return Later(self.calls[gives]) if isinstance(gives, int) else [self._results(member) for member in gives]

    def _arguments(self, document: Document) -> tuple[list[Any], dict[str, Any]]:
        args, kwargs = document.get("args", []), document.get("kwargs", {})
        if not document.get("coded"):
            return args, kwargs
        decoded: Any = codec.decode(json.dumps([args, kwargs]), blobs=self.blobs)
        return decoded[0], decoded[1]

    def _options(self, document: Document, chorded: int | None) -> Options:
        said = document.get("options")
        queue = said.get("queue") if said is not None and len(said) == 1 and chorded is None else None
        if queue is None:  # most say nothing else
            return _options(said, chorded)
        use = self._uses.get(queue)
        if use is None:
            use = self._uses[queue] = Options(queue=queue)
        return use

    def _step(self, name: str) -> Step[..., Any]:
        """A step to name in a call; whether this process knows the task does not matter on a worker."""
        step = self._steps.get(name)
        if step is None:
            known = self.registry.adopted(name)
            step = self._steps[name] = Step(_elsewhere, name, self.registry, NONE) if known is None else known
        return step


_TOLD: Mapping[str, tuple[str, ...]] = {"all": ("request", "error", "traceback"), "id": ("id",), "nothing": ()}


def _elsewhere(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("a task of a canvas runs as its own app has it")


def _given(value: _Value) -> Gives:
    return [] if value.gives is None else value.gives


def _options(said: Mapping[str, Any] | None, chorded: int | None) -> Options:
    if not said:
        return NONE if chorded is None else Options(sending=Sending(chorded=chorded))
    rest = {name: value for name, value in said.items() if name not in ("queue", "priority")}
    if chorded is not None:
        rest["chorded"] = chorded
    sending = Sending.load(rest) if rest else None
    return Options(queue=said.get("queue"), priority=said.get("priority"), sending=sending)
