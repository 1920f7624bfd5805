"""The stored form of what a step or workflow came to, where even an error without a stored form must have one."""

from durableflow import codec
from durableflow.errors import DurableFlowError, StepRaised


def encode_failure(error: BaseException, *, limit: int | None = None) -> codec.Encoded:
    """Encode an error; one that has no stored form, or is too large, as a StepRaised that says what it was."""
    try:
        return codec.encode(error, where="error", limit=limit)
    except DurableFlowError as refused:
        return codec.encode(StepRaised(f"{described(error)} (the exception itself could not be stored: {refused})"))


def described(error: BaseException) -> str:
    """The error in words, whatever its ``__str__`` does; cut to a readable length."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = str(error)
    except Exception as inner:
        text = f"its text could not be made: {type(inner).__name__}"
    return f"{name}: {text[:2000]}"
