"""The routes: `uvicorn examples.fastapi_app.app:app`.

The worker beside it is `durableflow worker examples.fastapi_app.loans:df`, which needs no FastAPI.
"""

from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel

from durableflow.contrib.fastapi import Flow, handle_errors, lifespan, result_of, started
from examples.fastapi_app.loans import Application, Decision, Form, df, loan

app = FastAPI(lifespan=lifespan(df))
handle_errors(app)


class Ticket(BaseModel):
    """By which one asks later."""

    run: UUID


@app.post("/loans", status_code=202)
async def ask(application: Application, key: str | None = None) -> Ticket:
    """Start a run. A client that is not sure whether it came through sends its key again, and gets the same run."""
    run = await started(loan(application), key=key)
    return Ticket(run=run.id)


@app.get("/loans/{run_id}")
async def decision(run_id: UUID, flow: Flow, wait: float = 10.0) -> Decision:
    """Wait for the decision: 504 where there is none in time, and then one asks again."""
    return Decision.model_validate(await result_of(flow.run(run_id), timeout=wait))


@app.post("/loans/{run_id}/decision", status_code=204)
def decide(run_id: UUID, form: Form, flow: Flow, by: str) -> None:
    """Decide. A route that is no coroutine may use everything that blocks, as it stands."""
    flow.send(run_id, "decision", form, by=by)
