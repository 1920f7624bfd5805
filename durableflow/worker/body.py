"""Run a step's body, plain or ``async def``.

An event loop has a thread, and a thread has one loop that runs. So each thread that executes steps keeps a loop of its
own; but greenlets share a thread, and while one of them waits for its coroutine another one could not run its own. For
them there is one more thread of the operating system, whose loop runs the coroutines of all greenlets side by side.
"""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded

from durableflow.errors import StepRaised
from durableflow.steward import threads
from durableflow.worker.loop import run_for_greenlet
from durableflow.worker.shield import own_limit

_loops = threading.local()


def run_body(body: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call the body; where that gives a coroutine, run it to its end on an event loop.

    The loop is kept from step to step, so that clients which a step keeps in its module stay usable.
    """
    result = body(*args, **kwargs)
    if not inspect.iscoroutine(result):
        return result
    try:
        return run_for_greenlet(result) if threads.are_greenlets() else _run(result)
    except asyncio.CancelledError as cancelled:  # no Exception, and so no failure yet; nobody else has cancelled it
        raise StepRaised("the step's coroutine was cancelled from within") from cancelled


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    runner: asyncio.Runner | None = getattr(_loops, "runner", None)
    if runner is None:
        runner = _loops.runner = asyncio.Runner()
    done = False
    try:
        value = runner.run(_limited(coroutine, own_limit()), context=contextvars.copy_context())
        done = True
        return value
    finally:
        # An error of the coroutine's own leaves the loop idle. One from a signal handler, such as the soft time limit,
        # leaves a task behind that must not go on inside the next step.
        if not done and asyncio.all_tasks(runner.get_loop()):
            _loops.runner = None
            runner.close()


async def _limited(coroutine: Coroutine[Any, Any, Any], seconds: float | None) -> Any:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await coroutine
    except TimeoutError:
        if limit.expired():
            raise SoftTimeLimitExceeded from None
        raise
