"""One application in a process, as anywhere but in tests.

Celery gives the tasks of every application in a process, shared or not, to every other one when that is finalized: what
the applications of these tests know would depend on which tests ran before.
"""

from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery, _state
from celery.app import base

Callback = Callable[[Celery], object]


def keep_apps_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, a finalized app gets the tasks of its own package of tests, and those of no package of tests."""

    def announce(app: Celery) -> None:
        own = {_package(task.__module__) for task in (*app._pending, *app._tasks.values())}
        for callback in set(_state._on_app_finalizers):
            package = _owner(callback)
            if package is None or package in own:
                callback(app)

    monkeypatch.setattr(base, "_announce_app_finalized", announce)


def _owner(callback: Callback) -> str | None:
    """The package of tests whose task this callback makes, if it does."""
    closed_over: dict[str, Any] = dict(
        zip(callback.__code__.co_freevars, (cell.cell_contents for cell in callback.__closure__ or ()), strict=True)
    )
    function = closed_over.get("fun")
    if function is None or function.__module__.startswith(("celery.", "durableflow.")):
        return None
    return _package(function.__module__)


def _package(module: str) -> str:
    return module.removeprefix("tests.").partition(".")[0]
