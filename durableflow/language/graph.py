"""Graph: steps that are launched together and begin as the results of others come in: what a canvas is made of.

Unlike a gather of calls with ``later``, a graph is over when each of its steps has ended, whatever became of the
others: a step that fails takes those that need it with it, and no more. Some of its steps answer failures: each begins
when one of those that it is there for has failed by itself, and is cancelled with the rest otherwise.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durableflow import codec
from durableflow.language.call import Call
from durableflow.language.flowing import Later
from durableflow.language.inline import stored
from durableflow.language.lazy import Lazy, Placeholder
from durableflow.language.options import Options

if TYPE_CHECKING:
    from durableflow.language.specs import Encode
    from durableflow.language.step import Step

_NOTHING: Mapping[str, str] = {}

Gives = int | list["Gives"]
"""What a graph gives: the result of the step at a place, or a list of such results."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Steps that answer failures. first, last: the places of the first and behind the last of them; those among them
    that need nothing begin when one of the steps at the places ``to`` has failed by itself; body: the place of the
    chord's body in whose name they answer for its header, None: they answer for the failed step."""

    first: int
    last: int
    to: Sequence[int]
    body: int | None = None


class FailureOf(Placeholder):
    """Stands, in the arguments of a step that answers a failure, for what is told of it.

    what: ``request`` (Celery's request of the failed task), ``error`` (the exception), ``traceback`` (its text) or
    ``id`` (the failed task's).
    """

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what
        self._used = True

    def _described(self) -> str:
        return f"the {self.what} of a failed task"


class Results(list[Any]):
    """The results of a group, as an argument of each call that is given them: what stands for them is stored once, and
    not for each of these calls anew."""

    __slots__ = ("_form",)

    _form: tuple[Any, Mapping[str, str]]

    def form(self, encode: "Encode") -> tuple[Any, Mapping[str, str]]:
        """The form of the list, and its large values. encode: while the input of one of those calls is being stored."""
        if not hasattr(self, "_form"):
            encoded = encode(list(self), "results")
            self._form = json.loads(encoded.text), encoded.blobs
        return self._form


class PlainCall(Call[Any]):
    """A call in a graph whose arguments are results of others, and what is in JSON as it is in Python. There may be a
    hundred thousand: the codec's walk, and the account of what was awaited, cost more than all else about them."""

    __slots__ = ()

    @classmethod
    def made(cls, step: "Step[..., Any]", args: tuple[Any, ...], kwargs: dict[str, Any], use: Options) -> "PlainCall":
        """The call. A graph awaits all that it holds, so that none can be forgotten."""
        call = object.__new__(cls)
        call.definition, call.args, call.kwargs, call.use, call._used = step, args, kwargs, use, True
        return call

    def stored(self, sources: Mapping[int, int], encode: "Encode") -> codec.Encoded | None:
        """What the codec makes of its arguments. sources: the index of each call's step, by identity; encode: for all
        that is more than such a result. None: too much to be written like this."""
        args, blobs = [], _NOTHING
        for arg in self.args:
            match arg:
                case Later():
                    args.append({"~": "later", "v": sources[id(arg.call)]})
                case Results():
                    form, blobs = arg.form(encode)
                    args.append(form)
                case list():
                    return None
                case _:
                    args.append(arg)
        plain = codec.encode_plain({"args": args, "kwargs": self.kwargs})
        return plain if plain is None or not blobs else codec.Encoded(plain.text, blobs, plain.size)


class Graph(Lazy[Any]):
    """calls: the work, each after those that it needs, and last those that answer failures; needs: for each, the places
    of those; gives: what the await gives; answers: to failures."""

    __slots__ = ("answers", "calls", "gives", "needs")

    def __init__(
        self,
        calls: Sequence[Call[Any]],
        needs: Sequence[Sequence[int]],
        gives: Gives | None,
        answers: Sequence[Answer] = (),
    ) -> None:
        self.calls = calls
        self.needs = needs
        self.gives = gives
        self.answers = answers
        for call in calls:
            call._used = True
        super().__init__()

    @property
    def size(self) -> int:
        """How many steps there are that answer nothing."""
        return self.answers[0].first if self.answers else len(self.calls)

    async def _evaluate(self) -> Any:
        results: dict[int, Any] = {}
        places = {id(call): place for place, call in enumerate(self.calls)}
        for place, call in enumerate(self.calls[: self.size]):
            args, kwargs = _given([list(call.args), call.kwargs], places, results)
            results[place] = await Call(call.definition, tuple(args), kwargs, call.use)._evaluate()
        return stored(_gathered(self.gives, results), "result")

    def _outside(self) -> str:
        return "a graph of steps is awaited outside of a workflow"

    def _described(self) -> str:
        return "a graph of steps"


def _given(value: Any, places: dict[int, int], results: dict[int, Any]) -> Any:
    """The value with results in the place of what stood for them."""
    kind = type(value)
    if kind is Later:
        return results[places[id(value.call)]]
    if kind is Results:
        kind = list
    if kind in (list, tuple):
        return kind(_given(member, places, results) for member in value)
    if kind is dict:
        return {key: _given(member, places, results) for key, member in value.items()}
    return value


def _gathered(gives: Gives | None, results: dict[int, Any]) -> Any:
    if gives is None:
        return None
    return results[gives] if isinstance(gives, int) else [_gathered(member, results) for member in gives]
