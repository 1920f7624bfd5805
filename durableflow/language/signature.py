"""A function's signature, asked in the way that costs least on the path of every call."""

import inspect
from collections.abc import Callable
from typing import Any


class Signature:
    """What a function takes. full: as ``inspect`` has it."""

    __slots__ = ("_fewest", "_most", "_name", "full")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.full = inspect.signature(function)
        self._name = function.__qualname__
        kinds = [(p.kind, p.default is p.empty) for p in self.full.parameters.values()]
        positional = [needed for kind, needed in kinds if kind in (_ONLY_POSITIONAL, _EITHER)]
        self._fewest = sum(positional)
        self._most = 10**9 if any(kind is _REST for kind, _ in kinds) else len(positional)
        if any(kind is inspect.Parameter.KEYWORD_ONLY and needed for kind, needed in kinds):
            self._fewest = self._most + 1  # arguments by position alone never suffice

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise TypeError where the function would not take these arguments."""
        if kwargs or not self._fewest <= len(args) <= self._most:
            self.bind(args, kwargs)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        """Match arguments to parameters. Raises TypeError in the function's name."""
        try:
            return self.full.bind(*args, **kwargs)
        except TypeError as refused:
            message = f"{self._name}() {refused}"
        raise TypeError(message)


_ONLY_POSITIONAL = inspect.Parameter.POSITIONAL_ONLY
_EITHER = inspect.Parameter.POSITIONAL_OR_KEYWORD
_REST = inspect.Parameter.VAR_POSITIONAL
