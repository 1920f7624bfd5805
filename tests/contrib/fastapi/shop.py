"""A FastAPI application: routes that start runs, and that wait for them."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request

from durableflow import DurableFlow, receive
from durableflow.contrib.fastapi import Flow, handle_errors, lifespan, result_of, started

df = DurableFlow("fastshop")

SEEN: list[str] = []
"""What the application's own lifespan has seen."""


@df.step
def charge(order: str) -> str:
    if "JOURNAL" in os.environ:  # with real workers: wait until the test says so
        gate = Path(os.environ["JOURNAL"])
        while not gate.exists():
            time.sleep(0.02)
    if order == "bad":
        raise ValueError("no money")
    return f"{order} paid"


@df.workflow
async def checkout(order: str, times: int = 1) -> str:
    return await charge(order)


@df.workflow
async def approved(order: str) -> bool:
    return await receive("approval", bool)


@asynccontextmanager
async def own_lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    SEEN.append(f"begins with {app.state.durableflow.name}")
    yield {"currency": "EUR"}
    SEEN.append("ends")


app = FastAPI(lifespan=lifespan(df, own_lifespan))
handle_errors(app)
inner = FastAPI()
app.mount("/inner", inner)


@app.get("/alive")
async def alive(request: Request) -> str:
    return str(getattr(request.state, "currency", "nothing"))


@app.post("/orders/{order}", status_code=202)
async def order(order: str, times: int = 1) -> dict[str, UUID]:
    run = await started(checkout(order, times), key=order)
    return {"run": run.id}


@app.post("/orders/{order}/now")
async def order_now(order: str, timeout: float = 60.0) -> str:
    return await result_of(await started(checkout(order), key=order), timeout=timeout)


@app.get("/runs/{run_id}/result")
async def result(run_id: str, flow: Flow, timeout: float = 60.0) -> Any:
    return await result_of(flow.run(run_id), timeout=timeout)


@app.post("/approvals/{order}")
def ask(order: str) -> UUID:
    return approved(order).start().id


@app.post("/runs/{run_id}/approval")
def approve(run_id: UUID, flow: Flow, event: str = "approval", size: int = 1) -> bool:
    return flow.send(run_id, event, "x" * size)


@inner.get("/name")
async def name(flow: Flow) -> str:
    return flow.name
