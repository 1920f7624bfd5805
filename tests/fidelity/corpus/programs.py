"""Every program of the corpus, by its module and name."""

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator

from tests.fidelity.program import Function

Arguments = tuple[tuple[object, ...], dict[str, object]]


def _modules() -> list[str]:
    package = importlib.import_module(__package__)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "programs")


def _functions() -> Iterator[tuple[str, Function]]:
    for name in _modules():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)   # they are odd on purpose
            module = importlib.import_module(f"{__package__}.{name}")
        for function in vars(module).values():
            if inspect.iscoroutinefunction(function) and function.__module__ == module.__name__:
                yield f"{name}.{function.__name__}", function


PROGRAMS: dict[str, Function] = dict(_functions())


def arguments(function: Function) -> Arguments:
    """What a program is called with: ``CALLS`` of its module says, else nothing."""
    arguments: Arguments = function.__globals__.get("CALLS", {}).get(function.__name__, ((), {}))
    return arguments
