"""Run a step's body, plain or ``async def``."""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

_loops = threading.local()


def run_body(body: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call the body; where that gives a coroutine, run it to its end on this thread's event loop.

    The loop is kept from step to step, so that clients which a step keeps in its module stay usable.
    """
    result = body(*args, **kwargs)
    if not inspect.iscoroutine(result):
        return result
    runner: asyncio.Runner | None = getattr(_loops, "runner", None)
    if runner is None:
        runner = _loops.runner = asyncio.Runner()
    done = False
    try:
        value = runner.run(result, context=contextvars.copy_context())
        done = True
        return value
    finally:
        # An error of the coroutine's own leaves the loop idle. One from a signal handler, such as the soft time limit,
        # leaves a task behind that must not go on inside the next step.
        if not done and asyncio.all_tasks(runner.get_loop()):
            _loops.runner = None
            runner.close()
