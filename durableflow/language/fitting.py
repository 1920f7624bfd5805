"""Values from outside, made to fit a type: start input and events. Inside of a run nothing is validated."""

import inspect
import types
from functools import lru_cache
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError


class Misfit(ValueError):
    """A value is not of the type; the message has a line for each problem, without the values: they may be secrets."""


@lru_cache(maxsize=1024)
def adapter_of(annotation: Any) -> TypeAdapter[Any] | None:
    """What validates values of a type; None for one that says nothing that could be checked.

    Raises PydanticUserError or PydanticSchemaGenerationError for what is no type to pydantic.
    """
    if annotation is Any or annotation is inspect.Parameter.empty:
        return None
    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError as refused:
        if refused.code != "type-adapter-config-unused":
            raise
    return TypeAdapter(annotation)  # models bring a config of their own


def validated(adapter: TypeAdapter[Any], expected: Any, value: Any, path: str = "") -> Any:
    """The value as the expected type; an instance passes as it is, one of a subclass as itself.

    path: what the value is called in messages. Raises Misfit.
    """
    if isinstance(expected, type) and not isinstance(expected, types.GenericAlias) and isinstance(value, expected):
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as refused:
        problems = "\n".join(
            f"{'.'.join([*filter(None, [path]), *map(str, error['loc'])]) or 'it'}: {error['msg']}"
            for error in refused.errors(include_input=False, include_context=False, include_url=False)
        )
    raise Misfit(problems)
