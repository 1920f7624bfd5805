"""The application that a command is given by whoever runs it, where no argument names one."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durableflow import DurableFlow

given_application: "ContextVar[Callable[[], DurableFlow] | None]" = ContextVar("given_application", default=None)
"""What gives the application of ``flask durableflow``, ``celery -A proj durableflow`` and their like; None: this is
``durableflow`` itself, where an argument names it."""
