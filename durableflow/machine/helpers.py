"""What generated code calls: small functions that finish what an expression started."""

import inspect
from types import CellType
from typing import Any

from durableflow.machine.held import hold, release
from durableflow.machine.iterators import iterate


def local(cell: CellType, name: str) -> Any:
    """The value of a variable that may be unbound."""
    try:
        return cell.cell_contents
    except ValueError:
        pass  # raised outside of the handler, so that no __context__ shows
    raise UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")


def awaitable(value: Any) -> Any:
    """`value`, if CPython could await it."""
    if hasattr(type(value), "__await__") or inspect.isawaitable(value):
        return value
    raise TypeError(f"object {type(value).__name__} can't be used in 'await' expression")


def enter(block: Any) -> Any:
    """Enter what ``async with`` was given, and give what ``as`` binds."""
    kind = type(block)
    if not all(hasattr(kind, method) for method in ("__wf_enter__", "__wf_await__", "__wf_exit__")):
        article = "an" if kind.__name__[:1] in "AEIOUaeiou" else "a"
        raise TypeError(
            f"'async with' in a workflow works with durableflow.timeout(...), not with {article} {kind.__name__}: "
            "open it inside of a step"
        )
    return kind.__wf_enter__(block)


def within(awaited: Any, *blocks: Any) -> Any:
    """What to wait for instead of `awaited`, which is awaited inside of `blocks`, the innermost first."""
    for block in blocks:
        awaited = type(block).__wf_await__(block, awaited)
    return awaited


def leave(block: Any, error: BaseException | None) -> None:
    """Leave a block, with the exception that is on its way out of its body."""
    type(block).__wf_exit__(block, error)


def fits(error: BaseException, kind: Any) -> bool:
    """Whether ``except kind`` catches `error`: real subclasses only, no ``__subclasscheck__``."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    for each in kinds:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError("catching classes that do not inherit from BaseException is not allowed")
    lineage = type(error).__mro__
    return any(base is each for each in kinds for base in lineage)


def merge(function: Any, so_far: dict[str, Any], named: dict[str, Any], mapping: Any) -> dict[str, Any]:
    """Keyword arguments so far, plus ``named``, plus ``**mapping``."""
    result = dict(so_far)
    for key, value in named.items():
        _add(function, result, key, value)
    if isinstance(mapping, dict):
        for key, value in mapping.items():
            _add(function, result, key, value)
        return result
    try:
        keys = mapping.keys()
    except AttributeError:
        keys = None
    if keys is None:
        raise TypeError(f"{_called(function)} argument after ** must be a mapping, not {type(mapping).__name__}")
    for key in keys:
        _add(function, result, key, mapping[key])
    return result


def _add(function: Any, result: dict[str, Any], key: Any, value: Any) -> None:
    if key in result:
        raise TypeError(f"{_called(function)} got multiple values for keyword argument '{key}'")
    result[key] = value


def _called(function: Any) -> str:
    name = getattr(function, "__qualname__", None)
    if name is None:
        return str(function)
    module = getattr(function, "__module__", None)
    return f"{name}()" if module in (None, "builtins") else f"{module}.{name}()"


_FUNCTIONS: tuple[Any, ...] = (
    local,
    awaitable,
    enter,
    within,
    leave,
    fits,
    merge,
    hold,
    release,
    iterate,
    list,
    set,
    dict,
)
HELPERS = {f"@{function.__name__}": CellType(function) for function in _FUNCTIONS}
"""The helpers, as the variables that generated code knows them by."""
