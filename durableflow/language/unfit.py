"""The message for what a workflow cannot await, and the end of coroutines that nobody will run."""

import inspect


def unfit(value: object) -> str:
    """Why ``value`` cannot be awaited by a workflow, and what to write instead.

    A coroutine is closed, so that Python does not also warn that it was never awaited.
    """
    ways = "a workflow awaits calls of steps and workflows, gather(...), race(...), receive(...) and sleep(...)"
    name = type(value).__name__
    if inspect.iscoroutine(value):
        value.close()
        called = value.__qualname__
        if called == "sleep" and value.cr_code.co_filename.endswith("tasks.py"):
            return f"asyncio.sleep() would not survive a restart: use durableflow.sleep(); {ways}"
        return f"{called}() is a plain coroutine, which cannot be stored: make it a step with @df.step; {ways}"
    return f"object {name} can't be used in 'await' expression: {ways}"
