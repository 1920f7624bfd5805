"""What a task's body may ask of Celery: to be tried again, or to be replaced."""

from typing import Any

from celery.exceptions import Ignore


class NothingToSend:
    """Stands for the signature of a retry, which must not be published. changed: whether the task asked for other
    arguments than it had; queue: where it wants to be tried again, None: where it was."""

    def __init__(self, had: tuple[Any, Any], args: Any, kwargs: Any, queue: str | None) -> None:
        self.args, self.kwargs = had[0] if args is None else args, had[1] if kwargs is None else kwargs
        self.changed = args is not None or kwargs is not None
        self.queue = queue

    def apply_async(self, *args: Any, **kwargs: Any) -> None:
        """Publish nothing."""


class Replaced(Ignore):  # type: ignore[misc]
    """The task has replaced itself. sig: by this signature."""

    def __init__(self, sig: Any) -> None:
        super().__init__("replaced by another task")
        self.sig = sig
