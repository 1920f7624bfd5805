"""The variables of a run, as cells."""

from types import CellType
from typing import Any

from durableflow.machine.guards import CELL_OF
from durableflow.machine.helpers import HELPERS


class Frame(dict[str, CellType]):
    """The variables of a run, as cells, made when they are first asked for."""

    def __missing__(self, name: str) -> CellType:
        cell = self[name] = CellType(self[name[len(CELL_OF) :]]) if name.startswith(CELL_OF) else CellType()
        return cell

    def read(self, name: str) -> Any:
        """The value of a variable; None if it has none."""
        try:
            return self[name].cell_contents
        except ValueError:
            return None


def new_frame() -> Frame:
    """A frame that knows the helpers and nothing else."""
    return Frame(HELPERS)
