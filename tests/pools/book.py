"""The journal of these tests: a step may write into it in its own way, as an ``async def`` has to."""

from uuid import uuid4

from tests.faults.journal import Journal


class Book(Journal):
    def note(self, event: str, name: str) -> None:
        """Write that the attempt ``begins`` or ``ends``."""
        self._note(event, name, uuid4().hex, {})
