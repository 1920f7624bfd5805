"""Input from outside, made to fit a workflow's parameters.

This is the one place where annotations decide: a dict becomes the model that the parameter names, a text the date. What
is an instance already passes through as it is, a subclass as itself. Inside a run nothing is validated again.
"""

import inspect
import sys
import types
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

from durableflow.errors import InvalidInput
from durableflow.language.fitting import Misfit, adapter_of, validated

Parameters = Mapping[str, TypeAdapter[Any] | None]


def fit(
    name: str, function: Callable[..., Any], bound: inspect.BoundArguments
) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]:
    """Validate bound arguments. Gives args and kwargs for the call, and all arguments by parameter with the defaults.

    Raises InvalidInput with the parameter, and pydantic's reason.
    """
    adapters = _adapters(inspect.unwrap(function))
    problems: list[str] = []
    for parameter, value in bound.arguments.items():
        adapter = adapters.get(parameter)
        if adapter is None:
            continue
        kind = bound.signature.parameters[parameter].kind
        try:
            bound.arguments[parameter] = _fit(kind, parameter, adapter, adapter._type, value)
        except Misfit as misfit:
            problems += str(misfit).splitlines()
    if problems:
        raise InvalidInput(
            f"{name} cannot start with this input:\n" + "\n".join(f"  {problem}" for problem in problems)
        )
    args, kwargs = bound.args, bound.kwargs
    bound.apply_defaults()
    return args, kwargs, dict(bound.arguments)


def _fit(kind: Any, parameter: str, adapter: TypeAdapter[Any], expected: Any, value: Any) -> Any:
    if kind is inspect.Parameter.VAR_POSITIONAL:
        return tuple(validated(adapter, expected, each, parameter) for each in value)
    if kind is inspect.Parameter.VAR_KEYWORD:
        return {key: validated(adapter, expected, each, parameter) for key, each in value.items()}
    return validated(adapter, expected, value, parameter)


@lru_cache(maxsize=1024)
def _adapters(function: Callable[..., Any]) -> Parameters:
    """What to validate each parameter with; None for those whose annotation says nothing that could be checked."""
    hints = _hints(function)
    return {name: _adapter(hints.get(name, Any)) for name in inspect.signature(function).parameters}


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    try:
        return adapter_of(annotation)
    except (PydanticUserError, PydanticSchemaGenerationError):
        return None
    except TypeError:  # an annotation that cannot be hashed is none that pydantic knows
        return None


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except Exception:
        return _hints_one_by_one(function)


def _hints_one_by_one(function: Callable[..., Any]) -> dict[str, Any]:
    """Where one annotation cannot be resolved (imported for type checkers only), the others still can."""
    module = sys.modules.get(function.__module__)
    found = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        holder = types.SimpleNamespace(__annotations__={name: annotation}, __module__=function.__module__)
        try:
            found.update(get_type_hints(holder, globalns=vars(module) if module else None, include_extras=True))
        except Exception:
            found[name] = Any
    return found
