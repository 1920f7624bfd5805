"""Every program of this directory: the public functions of each module. What begins with ``_`` only they await."""

import pkgutil
import re
from pathlib import Path

from tests.fidelity.routines.driving import Arguments

_DIRECTORY = Path(__file__).parent
_OWN = ("driving", "programs", "hops")


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules([str(_DIRECTORY)]) if module.name not in _OWN)


PROGRAMS: dict[str, tuple[Path, str]] = {
    f"{module}.{entry}": (path, entry)
    for module in _modules()
    for path in [_DIRECTORY / f"{module}.py"]
    for entry in re.findall(r"^async def ([a-z]\w*)\(", path.read_text(), re.MULTILINE)
}


def arguments(_name: str) -> Arguments:
    """What a program is called with."""
    return (), {}
