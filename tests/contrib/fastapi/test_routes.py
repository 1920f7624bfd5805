"""Routes that start runs and wait for them, and what they answer where that cannot be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from durableflow import DurableFlow
from durableflow.contrib.fastapi import STATUS, Flow, application, lifespan
from durableflow.errors import ConfigurationError, DatabaseUnreachable, DurableFlowError, RunFailed, SchemaMissing
from tests.contrib.fastapi import shop
from tests.support.engine import Engine


def with_client(talk: Callable[[AsyncClient], Awaitable[Any]], app: FastAPI = shop.app) -> Any:
    """Talk to the application between its start and its end."""

    async def main() -> Any:
        async with (
            app.router.lifespan_context(app),
            AsyncClient(transport=ASGITransport(app), base_url="http://t") as c,
        ):
            return await talk(c)

    return asyncio.run(main())


def test_a_route_starts_a_run_and_another_one_waits_for_it(engine: Engine) -> None:
    async def talk(client: AsyncClient) -> list[Any]:
        run_id = (await client.post("/orders/a")).json()["run"]
        now = asyncio.create_task(client.post("/orders/a/now"))
        later = asyncio.create_task(client.get(f"/runs/{run_id}/result"))
        assert (await client.get("/alive")).status_code == 200
        await asyncio.to_thread(engine.drive)
        return [(await answer).json() for answer in (now, later)]

    assert with_client(talk) == ["a paid", "a paid"]


def test_a_request_that_is_given_up_changes_nothing(engine: Engine) -> None:
    async def talk(client: AsyncClient) -> Response:
        request = asyncio.create_task(client.post("/orders/a/now"))
        while engine.one("SELECT count(*) FROM durableflow.runs") == 0:
            await asyncio.sleep(0.01)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        late = await client.post("/orders/a/now?timeout=0.01")
        assert late.status_code == 504
        assert "The run goes on" in late.json()["detail"]
        await asyncio.to_thread(engine.drive)
        return await client.post("/orders/a/now?timeout=0")

    assert with_client(talk).json() == "a paid"
    assert engine.one("SELECT count(*) FROM durableflow.runs") == 1


def test_errors_are_answers(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(client: AsyncClient) -> dict[str, Response]:
        nobody = uuid4()
        answers = {
            "404 there is no run": await client.get(f"/runs/{nobody}/result"),
            "404 there is no run to send to": await client.post(f"/runs/{nobody}/approval"),
            "422 'x' is not the id of a run": await client.get("/runs/x/result"),
            "422 ... cannot start": await client.post("/orders/a%00"),
        }
        await client.post("/orders/a")
        answers["409 the key is taken"] = await client.post("/orders/a?times=2")
        asked = UUID((await client.post("/approvals/a")).json())
        await asyncio.to_thread(engine.drive)
        answers["422 an event needs a name"] = await client.post(f"/runs/{asked}/approval?event=")
        answers["413 too large"] = await client.post(f"/runs/{asked}/approval?size=20000000")
        await asyncio.to_thread(shop.df.cancel, asked)
        answers["409 it was cancelled"] = await client.get(f"/runs/{asked}/result")
        answers["409 it has ended"] = await client.post(f"/runs/{asked}/approval")
        await client.post("/orders/bad")
        await asyncio.to_thread(engine.drive)
        with pytest.raises(RunFailed):  # 500, with a traceback in the server's log
            await client.post("/orders/bad/now")
        with monkeypatch.context() as patch:

            def away(*args: Any, **more: Any) -> Any:
                raise DatabaseUnreachable("no database answers at postgresql://10.0.0.7")

            patch.setattr(type(shop.df.database), "transact", away)
            answers["503"] = await client.post("/orders/b")
        return answers

    answers = with_client(talk)
    for expected, answer in answers.items():
        assert str(answer.status_code) == expected.partition(" ")[0], (expected, answer.text)
        assert answer.json()["detail"]
    assert answers["503"].json() == {"detail": "the database does not answer"}
    assert {int(answer.status_code) for answer in answers.values()} == set(STATUS.values()) - {504}


def test_ones_own_lifespan_is_within_and_its_state_is_handed_on(df: DurableFlow) -> None:
    async def main() -> None:
        async with shop.app.router.lifespan_context(shop.app) as state:
            assert state == {"currency": "EUR", "durableflow": df}
            assert shop.SEEN == ["begins with fastshop"]

    asyncio.run(main())
    assert shop.SEEN == ["begins with fastshop", "ends"]
    assert not df.database._idle


def test_an_application_does_not_start_where_there_is_no_schema(empty_database_url: str) -> None:
    df = DurableFlow("schemaless", database=empty_database_url)

    async def talk(client: AsyncClient) -> None:
        raise AssertionError("it has started")

    with pytest.raises(SchemaMissing):
        with_client(talk, FastAPI(lifespan=lifespan(df, shop.own_lifespan)))
    assert shop.SEEN == [] or shop.SEEN[-1] == "ends"


def test_the_dependency_can_be_overridden_and_says_what_is_missing() -> None:
    app = FastAPI()

    @app.get("/name")
    async def name(flow: Flow) -> str:
        return flow.name

    async def talk(client: httpx.AsyncClient) -> str:
        return str((await client.get("/name")).json())

    with pytest.raises(ConfigurationError, match=r"FastAPI\(lifespan=lifespan\(df\)\)"):
        with_client(talk, app)
    app.dependency_overrides[application] = lambda: DurableFlow("other")
    assert with_client(talk, app) == "other"


def test_every_error_with_an_answer_is_one_of_ours() -> None:
    assert all(issubclass(kind, DurableFlowError) for kind in STATUS)
