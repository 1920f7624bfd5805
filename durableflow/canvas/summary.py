"""A canvas in a line, for whoever looks at a list of runs."""

from collections.abc import Mapping
from typing import Any

_LONGEST = 300
"""Characters."""


def summary(document: Mapping[str, Any]) -> str:
    """Such as ``proj.add(2, 2) | group(proj.double x100) | proj.total``."""
    text = _part(document)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _part(document: Mapping[str, Any]) -> str:
    if "task" in document:
        given = [repr(value) for value in document.get("args", ())]
        given += [f"{name}={value!r}" for name, value in document.get("kwargs", {}).items()]
        text = ", ".join(given)
        return f"{document['task']}({text if len(text) <= 60 else text[:59] + '…'})"
    if "chain" in document:
        shown = [_part(member) for member in document["chain"][:20]]
        return " | ".join(shown + ["…"] * (len(document["chain"]) > 20)) or "chain()"
    members = document["group"] if "group" in document else document["map"]
    name = "group" if "group" in document else "map"
    if len(members) > 3 and len({member.get("task") for member in members}) == 1 and "task" in members[0]:
        return f"{name}({members[0]['task']} x{len(members)})"
    return f"{name}({', '.join(map(_part, members[:5]))}{', …' if len(members) > 5 else ''})"
