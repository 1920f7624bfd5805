"""describe: from a tree of Celery's signatures to a document (`plan`), by Celery's own rules.

What Celery decides while it runs a canvas is decided here, once: which parts are unrolled or flattened, to whom options
and callbacks of a group or chain go, on which queue a task is, and what an errback is told.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from celery import Celery, Task, group
from celery.canvas import Signature, _chain, _chord, maybe_signature
from celery.utils.functional import maybe_list

from durableflow import codec
from durableflow.canvas.errback import told_of
from durableflow.canvas.options import sent_options
from durableflow.canvas.plan import FORMAT
from durableflow.canvas.summary import summary
from durableflow.errors import CallError, UnknownTask

Document = dict[str, Any]


class Description(NamedTuple):
    """A canvas as it is stored. text: for people; document: JSON, see `plan`."""

    text: str
    document: str


def describe(
    canvas: Signature | Mapping[str, Any],
    app: Celery,
    args: Iterable[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Description:
    """Read a canvas. args, kwargs: given to its first tasks, as ``canvas.apply_async(args, kwargs)`` does.

    Raises:
        UnknownTask: it names a task that the app does not have; TypeError: arguments that a task does not take;
        NotStorable: an argument without a stored form; CallError: what cannot be done durably.
    """
    reader = _Reader(app)
    root = reader.read(canvas, tuple(args), dict(kwargs or {}), {}, given=False)
    members = root.get("group", ())
    if len(members) == 1 and _ends_in_group(members[0]):  # Celery gives the inner group's results
        root = members[0]
    whole: Document = {"format": FORMAT, "canvas": root}
    if reader.blobs:
        whole["blobs"] = reader.blobs
    return Description(summary(root), json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


@dataclass(slots=True)
class _Reader:
    app: Celery
    blobs: dict[str, str] = field(default_factory=dict)
    _usual: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(
        self, part: Any, args: tuple[Any, ...], kwargs: dict[str, Any], over: Mapping[str, Any], *, given: bool
    ) -> Document:
        """One part of the canvas. args, kwargs: what it is called with; over: options of what it is a part of; given:
        whether the result of something comes before its arguments."""
        sig = self._signature(part)
        match sig:
            case _chain():
                return self._chain(sig, args, kwargs, over, given)
            case group():
                return self._group(sig, args, kwargs, over, given)
            case _chord():
                return self._chord(sig, args, kwargs, over, given)
        if sig.task in ("celery.map", "celery.starmap"):  # a clone of one has lost its class
            return self._map(sig)
        if sig.task == "celery.chunks":
            return self._chunks(sig, over)
        return self._task(sig, args, kwargs, over, given)

    # --- one after the other

    def _chain(
        self, sig: Any, args: tuple[Any, ...], kwargs: dict[str, Any], over: Mapping[str, Any], given: bool
    ) -> Document:
        own = _options(sig, over)
        steps = self._steps(sig)
        if not sig.immutable:
            args = (*args, *sig.args)
        members: list[Document] = []
        for number, step in enumerate(steps):
            first, last = number == 0, number == len(steps) - 1
            member = self.read(
                step,
                args if first else (),
                kwargs if first else {},
                _passed_to(own, first=first, last=last),
                given=given if first else True,
            )
            members += member.get("chain", [member])
        document: Document = {"chain": members}
        if members:
            for callback in maybe_list(own.get("link")) or ():
                _link(members[-1], self._callback(callback))
        for errback in maybe_list(own.get("link_error")) or ():
            self._link_error(document, self._errback(errback))
        return document if len(members) != 1 else members[0]

    def _steps(self, sig: Any) -> list[Any]:
        """The members of a chain, with the chains among them opened, and groups of one taken for that one."""
        found: list[Any] = []
        for task in sig.tasks:
            step = self._signature(task)
            if isinstance(step, group):
                members = list(step.tasks)
                step = self._signature(members[0]) if len(members) == 1 and not _own_options(step) else step
            if isinstance(step, _chain) and not _own_options(step) and not step.args:
                found += self._steps(step)
            else:
                found.append(step)
        return [step for step in found if not _is_empty(step)] or found[:1]

    # --- beside each other

    def _group(
        self, sig: Any, args: tuple[Any, ...], kwargs: dict[str, Any], over: Mapping[str, Any], given: bool
    ) -> Document:
        own = _options(sig, over)
        passed = {name: value for name, value in own.items() if name not in _NOT_PASSED}
        args = (*args, *sig.args)
        members: list[Document] = []
        for task in sig.tasks:
            member = self.read(task, args, kwargs, passed, given=given)
            if member != _EMPTY_CHAIN:
                members += member.get("group", [member])
        document: Document = {"group": members}
        for callback in maybe_list(own.get("link")) or ():
            for member in members:
                _link(member, self._callback(callback))
        for errback in maybe_list(own.get("link_error")) or ():
            self._link_error(document, self._errback(errback))
        return document

    def _chord(
        self, sig: Any, args: tuple[Any, ...], kwargs: dict[str, Any], over: Mapping[str, Any], given: bool
    ) -> Document:
        if sig.body is None:
            raise CallError(f"{sig!r} has no body: a chord without one is a group")
        own = _options(sig, over)
        if not sig.immutable:
            args = (*args, *sig.args)
        passed = {name: value for name, value in own.items() if name not in _NOT_PASSED}
        header = self._signature(sig.tasks if isinstance(sig.tasks, group) else group(sig.tasks, app=self.app))
        before = self.read(header, args, {**sig.kwargs.get("kwargs", {}), **kwargs}, passed, given=given)
        if _is_empty(self._signature(sig.body)):  # what `|` makes of a group and an empty one
            return before
        put_off = {name: value for name, value in passed.items() if name not in ("countdown", "eta")}
        if "task_id" in own:
            put_off["task_id"] = own["task_id"]
        body = self.read(sig.body, (), {}, put_off, given=True)
        for callback in maybe_list(own.get("link")) or ():
            if "group" in body:  # as link() has it: once, after the first, and given nothing
                callback = self._signature(callback).clone().set(immutable=True)
            for linked in body["group"][:1] if "group" in body else [body]:
                _link(linked, self._callback(callback))
        for errback in maybe_list(own.get("link_error")) or ():
            self._link_error(body, self._errback(errback))
            if self.app.conf.task_allow_error_cb_on_chord_header:
                self._link_error(before, self._errback(errback))
        return {"chain": [before, *body.get("chain", [body])]}

    # --- the same for many

    def _map(self, sig: Any) -> Document:
        """Celery calls the task's function for each item, in one task. Here each item is a task of its own."""
        task = self._signature(sig.kwargs["task"])
        spread = sig.task == "celery.starmap"
        items = [tuple(item) if spread else (item,) for item in sig.kwargs["it"]]
        plain = {name: value for name, value in sig.options.items() if name not in ("link", "link_error", "task_id")}
        members = [self._task(Signature(task.task, item, app=self.app), (), {}, plain, False) for item in items]
        for member in members:
            member["immutable"] = True
        document: Document = {"map": members}
        for callback in maybe_list(sig.options.get("link")) or ():
            _link(document, self._callback(callback))
        for errback in maybe_list(sig.options.get("link_error")) or ():
            document.setdefault("link_error", []).append(self._errback(errback))
        return document

    def _chunks(self, sig: Any, over: Mapping[str, Any]) -> Document:
        """Each chunk is one task, as it was asked for."""
        task, items, size = self._signature(sig.kwargs["task"]), list(sig.kwargs["it"]), int(sig.kwargs["n"])
        passed = {name: value for name, value in _options(sig, over).items() if name not in _NOT_PASSED}
        named = {"task": task.task, "args": [], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": False}
        members = []
        for begin in range(0, len(items), size):
            given = {"task": named, "it": items[begin : begin + size]}
            one = Signature("celery.starmap", (), given, immutable=True, app=self.app)
            members.append(self._task(one, (), {}, {**passed, "route_name": task.task}, False))
        return {"group": members}

    # --- one task

    def _task(
        self, sig: Any, args: tuple[Any, ...], kwargs: dict[str, Any], over: Mapping[str, Any], given: bool
    ) -> Document:
        task = self._known(sig.task)
        if sig.immutable:
            args, kwargs = tuple(sig.args), dict(sig.kwargs)
        else:
            args, kwargs = (*args, *sig.args), {**sig.kwargs, **kwargs}
        _check(task, (None, *args) if given and not sig.immutable else args, kwargs)
        document: Document = {"task": sig.task}
        self._put_arguments(document, args, kwargs)
        options = self._sent(task, _options(sig, over), args, kwargs)
        if options:
            document["options"] = options
        if sig.immutable:
            document["immutable"] = True
        for callback in maybe_list(sig.options.get("link")) or ():
            _link(document, self._callback(callback))
        for errback in maybe_list(sig.options.get("link_error")) or ():
            self._link_error(document, self._errback(errback))
        return document

    def _sent(self, task: Task, said: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        routes = self.app.conf.task_routes
        if said or not (routes is None or isinstance(routes, dict)):  # a router may look at the arguments
            return sent_options(task, said, self.app, args, kwargs)
        usual = self._usual.get(task.name)
        if usual is None:
            usual = self._usual[task.name] = sent_options(task, said, self.app, args, kwargs)
        return usual

    def _put_arguments(self, document: Document, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = {name: value for name, value in (("args", list(args)), ("kwargs", kwargs)) if value}
        if not (
            all(map(_is_plain, args)) and all(map(_is_plain, kwargs.values())) and all(map(str.isidentifier, kwargs))
        ):
            encoded = codec.encode([list(args), kwargs], where=document["task"])
            self.blobs.update(encoded.blobs)
            given = dict(zip(("args", "kwargs"), json.loads(encoded.text), strict=True)) | {"coded": True}
        document.update(given)

    def _known(self, name: str) -> Task:
        task = self.app.tasks.get(name)
        if task is None:
            close = difflib.get_close_matches(name, list(self.app.tasks), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else "is the module that defines it imported here?"
            raise UnknownTask(f"the Celery app {self.app.main!r} has no task {name}; {hint}")
        return task

    def _signature(self, part: Any) -> Any:
        """A signature, of what may have been JSON meanwhile."""
        if isinstance(part, Signature):
            return part
        sig = maybe_signature(part, app=self.app)
        if not isinstance(sig, Signature):
            raise TypeError(f"a canvas consists of signatures, such as task.s(...), not of {type(part).__name__}")
        return sig

    # --- callbacks and errbacks

    def _callback(self, callback: Any) -> Document:
        return self.read(callback, (), {}, {}, given=True)

    def _errback(self, errback: Any) -> Document:
        sig = self._signature(errback)
        if isinstance(sig, _chain | group | _chord) or sig.task.startswith("celery."):
            return {"told": "id", **self.read(sig, (), {}, {}, given=True)}
        told, given = told_of(self._known(sig.task), sig)
        if not given:
            return {"told": told, **self.read(sig, (), {}, {}, given=False)}
        free = sig.clone()
        free.immutable = False
        document = self.read(free, given, {}, {}, given=False)
        document["args"] = document.get("args", [])[len(given) :]
        return {"told": told, **document}

    def _link_error(self, document: Document, errback: Document) -> None:
        """Let the errback answer every task of this part that may fail, as Celery links it."""
        if "chain" in document:
            for number, member in enumerate(document["chain"]):
                header = number + 1 < len(document["chain"]) and "group" in member
                if not header or self.app.conf.task_allow_error_cb_on_chord_header:
                    self._link_error(member, errback)
        elif "group" in document:
            for member in document["group"]:
                self._link_error(member, errback)
        elif errback not in document.setdefault("link_error", []):
            document["link_error"].append(errback)


_SAFE = 2**53 - 1

_EMPTY_CHAIN: Document = {"chain": []}

_NOT_PASSED = frozenset(("link", "link_error", "task_id", "chain", "chord", "group_id", "group_index", "root_id"))
"""Options of a group or chord that are not for its members."""


def _passed_to(own: Mapping[str, Any], *, first: bool, last: bool) -> dict[str, Any]:
    """The options of a chain that are for one of its members: the id for its last, the others for its first."""
    passed = {name: value for name, value in own.items() if first and name not in _NOT_PASSED}
    if last and "task_id" in own:
        passed["task_id"] = own["task_id"]
    return passed


def _options(sig: Any, over: Mapping[str, Any]) -> dict[str, Any]:
    """The signature's options, with those of what it is a part of in front, except where Celery keeps its own."""
    kept = {"group_id", "stamped_headers", *(sig.options.get("stamped_headers") or ())}
    return {
        **sig.options,
        **{name: value for name, value in over.items() if name not in kept or name not in sig.options},
    }


def _own_options(sig: Any) -> bool:
    """Whether a group or chain says anything that its members do not."""
    return any(name not in ("reply_to", "root_id", "parent_id") for name in sig.options)


def _link(document: Document, callback: Document) -> None:
    """Let the callback begin when this part has ended: after the last task of a chain, or each of a group."""
    if "chain" in document:
        for last in document["chain"][-1:]:
            _link(last, callback)
    elif "group" in document:
        for member in document["group"]:
            _link(member, callback)
    else:
        document.setdefault("link", []).append(callback)


def _ends_in_group(document: Document) -> bool:
    return "group" in document or (
        "chain" in document and bool(document["chain"]) and _ends_in_group(document["chain"][-1])
    )


def _is_empty(step: Any) -> bool:
    """Whether it is a group without members, which a chain leaves out."""
    return isinstance(step, group) and not list(step.tasks)


def _is_plain(value: Any) -> bool:
    """Whether the value is in JSON what it is in Python, and small."""
    kind = type(value)
    if kind is str:
        return len(value) < 1000 and value.isascii() and "\0" not in value
    return (kind is int and -_SAFE <= value <= _SAFE) or kind is bool or value is None


def _check(task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise TypeError where the task would not take these arguments, as ``apply_async`` does."""
    header = getattr(task, "__header__", None)
    if task.typing and header is not None:
        try:
            header(*args, **kwargs)
        except TypeError as refused:
            raise TypeError(f"{task.name} does not take these arguments: {refused}") from None
