"""The stored form of signatures: tasks are given them, give them back, and workflows keep them in variables."""

from typing import Any

from celery.canvas import Signature

from durableflow import codec
from durableflow.errors import CorruptValue


class _Signatures:
    """A signature is a dict, whose class says what its parts mean."""

    tag = "signature"

    def takes(self, value: object) -> bool:
        return issubclass(type(value), Signature)  # not isinstance(), which would ask the value for its class

    def split(self, value: Any) -> tuple[object, object]:
        return value.get("subtask_type"), {key: _listed(part) for key, part in value.items()}

    def create(self, needed: Any) -> object:
        kind = Signature if needed is None else Signature.TYPES.get(needed)
        if kind is None:
            raise CorruptValue(f"there are no signatures of the kind {str(needed)[:200]}")
        sig = dict.__new__(kind)
        sig._use_link = sig._frozen = None  # a chain's own
        return sig

    def fill(self, value: Any, rest: Any) -> None:
        dict.update(value, rest)


def _listed(part: Any) -> Any:
    """The part, with the tasks that a generator would still have to make."""
    if type(part) is dict:
        return {key: list(value) if key in ("tasks", "header", "it") else value for key, value in part.items()}
    return part


codec.register(_Signatures())
