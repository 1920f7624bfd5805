"""``python -m examples.fastapi_app``: a small loan, and one that waits for a person, asked for through the routes."""

import asyncio

from examples.stage import Stage, stage


def main() -> None:
    """Visit the application, in its own process."""
    with stage("examples.fastapi_app.loans:df", __doc__) as here:
        asyncio.run(visit(here))


async def visit(here: Stage) -> None:
    """Ask, wait, decide, and come too late."""
    from httpx import ASGITransport, AsyncClient

    from examples.fastapi_app.app import app
    from examples.fastapi_app.loans import df

    visitor = AsyncClient(transport=ASGITransport(app), base_url="http://bank")
    async with app.router.lifespan_context(app), visitor:
        small = (await visitor.post("/loans", json={"name": "ada", "amount": 500})).json()["run"]
        print(f"a small one:      {(await visitor.get(f'/loans/{small}?wait=60')).text}")

        large = (await visitor.post("/loans", json={"name": "ada", "amount": 5000})).json()["run"]
        here.watch(df.run(large), until=lambda: here.asks(df.run(large)) == "decision")
        early = await visitor.get(f"/loans/{large}?wait=0.1")
        print(f"a large one:      {early.status_code} {early.json()['detail']}")
        await visitor.post(f"/loans/{large}/decision?by=grace", json={"granted": True})
        print(f"grace decides:    {(await visitor.get(f'/loans/{large}?wait=60')).text}")

        late = await visitor.post(f"/loans/{large}/decision?by=bob", json={"granted": False})
        print(f"bob is late:      {late.status_code} {late.json()['detail']}")
        nothing = await visitor.post("/loans", json={"name": "ada", "amount": 0})
        print(f"nothing to lend:  {nothing.status_code}")


if __name__ == "__main__":
    main()
