"""Running a workflow in place: its steps are plain calls, and values still take their stored form on the way.

``inline`` says whether the code that is running is a workflow's own, so that awaiting a call does its work at once. A
step's body is not a workflow's own code: awaiting a call there is refused, as it is on a worker.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from durableflow import codec
from durableflow.language.results import encode_failure

inline: ContextVar[bool] = ContextVar("durableflow_inline", default=False)

T = TypeVar("T")


@contextmanager
def running(workflow: bool) -> Iterator[None]:
    """For the time of the block: the code that runs is a workflow's own, or it is not."""
    token = inline.set(workflow)
    try:
        yield
    finally:
        inline.reset(token)


def stored(value: T, where: str) -> T:
    """What comes back of ``value`` once it has been stored. Raises NotStorable."""
    encoded = codec.encode(value, where=where)
    restored: T = codec.decode(encoded.text, blobs=encoded.blobs)  # type: ignore[assignment]
    return restored


async def run_body(body: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> Any:
    """Run a step's function on stored copies of its arguments; its result or error is a stored copy as well."""
    given: Any = stored({"args": list(args), "kwargs": kwargs}, name)
    failure: BaseException | None = None
    result = None
    try:
        with running(workflow=False):
            result = body(*given["args"], **given["kwargs"])
            if inspect.isawaitable(result):
                result = await result
    except Exception as error:
        failure = _stored_failure(error)
    if failure is not None:
        raise failure  # here and not in the handler, which would overwrite its context
    return stored(result, f"{name} result")


def _stored_failure(error: Exception) -> BaseException:
    encoded = encode_failure(error)
    failure = codec.decode(encoded.text, blobs=encoded.blobs)
    if not isinstance(failure, BaseException):
        raise AssertionError("the stored form of an error gives an error")
    return failure.with_traceback(error.__traceback__)
