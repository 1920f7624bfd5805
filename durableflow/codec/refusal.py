"""How a refusal finds its way out: the path to the value is put together while the walk unwinds."""

from durableflow.codec.names import home
from durableflow.errors import NotStorable


class Refused(Exception):
    """A value without a stored form; every container on the way out adds its part of the path.

    Args:
        kind: the class of the value.
        reason: what else the reader should know.
    """

    def __init__(self, kind: type, reason: str | None = None) -> None:
        super().__init__(kind, reason)
        self.kind = kind
        self.reason = reason
        self.path: list[str] = []

    def error(self, where: str) -> NotStorable:
        """The public error, with the path from ``where`` to the value."""
        path = "".join(reversed(self.path))
        if not where and path.startswith("['"):  # a document of named values: its names read as names
            name, _, rest = path[2:].partition("']")
            path = name + rest
        message = f"{where}{path}: {home(self.kind)[1]} is not storable"
        return NotStorable(message + (f" ({self.reason})" if self.reason else ""))


class Pending(Exception):
    """A reference to an object that cannot be made yet; whoever can put it in later catches this."""
