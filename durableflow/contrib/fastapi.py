"""FastAPI: a lifespan, a dependency, and answers for what can go wrong.

::

    app = FastAPI(lifespan=lifespan(df))
    handle_errors(app)

    @app.post("/orders")
    async def order(body: Order) -> Receipt:
        run = await started(checkout(body), key=body.id)
        return await result_of(run, timeout=20)

    @app.get("/orders/{run_id}")
    async def state(run_id: UUID, flow: Flow) -> dict[str, Any]:
        return await run_in_threadpool(flow.run(run_id).info)

A request that is given up, by its client or by a timeout, changes nothing about its run.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse

from durableflow import DurableFlow, result_of, started
from durableflow.errors import (
    ConfigurationError,
    DatabaseUnreachable,
    DurableFlowError,
    InvalidEvent,
    InvalidInput,
    ResultTimeout,
    RunCancelled,
    RunConflict,
    RunEnded,
    RunNotFound,
    ValueTooLarge,
)

__all__ = ["STATUS", "Flow", "application", "handle_errors", "lifespan", "result_of", "started"]

_log = logging.getLogger("durableflow")

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any] | None]]

STATUS: Mapping[type[DurableFlowError], int] = {
    RunNotFound: 404,
    RunConflict: 409,
    RunEnded: 409,
    RunCancelled: 409,
    ValueTooLarge: 413,
    InvalidInput: 422,
    InvalidEvent: 422,
    DatabaseUnreachable: 503,
    ResultTimeout: 504,
}
"""What ``handle_errors`` answers. Other errors, such as RunFailed, are the server's own: 500, with a traceback in its
log, unless a route or a handler says otherwise."""


def lifespan(df: DurableFlow, within: Lifespan | None = None) -> Callable[[FastAPI], Any]:
    """What ``FastAPI(lifespan=...)`` takes: at the start the settings and the database are tried, at the end the
    connections are closed.

    within: a lifespan of your own, which begins after that and ends before, with its state handed on.

    Raises, when the application starts, ConfigurationError and its kinds: no URL, nobody answers, no schema there.
    """

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        await asyncio.to_thread(df.database.transact, lambda conn: None)
        app.state.durableflow = df
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, df.close)
            state = None if within is None else await stack.enter_async_context(within(app))
            yield {**(state or {}), "durableflow": df}

    return opened


async def application(connection: HTTPConnection) -> DurableFlow:
    """The dependency behind :data:`Flow`. Override it in tests: ``app.dependency_overrides[application] = ...``.

    Raises ConfigurationError where the application was started without the lifespan.
    """
    # The state of the lifespan reaches applications that are mounted; under a test's transport there may be none.
    for state in (connection.state, connection.app.state):
        found = getattr(state, "durableflow", None)
        if isinstance(found, DurableFlow):
            return found
    raise ConfigurationError(
        "this application knows no DurableFlow: give it the lifespan, FastAPI(lifespan=lifespan(df)); a test that runs "
        "no lifespan can override the dependency durableflow.contrib.fastapi.application"
    )


Flow = Annotated[DurableFlow, Depends(application)]
"""The type of a route's parameter that is to be the DurableFlow of the lifespan."""


def handle_errors(app: FastAPI) -> None:
    """Answer durableflow's errors with the statuses of :data:`STATUS`, and ``{"detail": ...}`` as FastAPI's own."""
    for error in STATUS:
        app.add_exception_handler(error, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    kind = next(kind for kind in type(error).__mro__ if kind in STATUS)
    if kind is DatabaseUnreachable:  # where the database is is nobody's business
        _log.error("%s %s: %s", request.method, request.url.path, error)
        return JSONResponse({"detail": "the database does not answer"}, 503, {"Retry-After": "5"})
    return JSONResponse({"detail": str(error)}, STATUS[kind])
