"""A Flask application with a factory, whose steps use what belongs to it: its configuration, ``g``, and a teardown."""

import os
import time
from typing import Any

from flask import Flask, current_app, g

from durableflow import DurableFlow, Retry, gather
from durableflow.contrib.flask import DurableFlowExtension

df = DurableFlow("flaskshop")
extension = DurableFlowExtension(df)

ENDED: list[tuple[Any, BaseException | None]] = []
"""Of every context that has ended: what its ``g`` held, and the error."""

REFUSED: list[BaseException] = []
"""What the next teardowns raise."""


def use(order: str) -> None:
    """Fails where another step has left something in ``g``."""
    assert "order" not in g, f"{order} finds {g.order}"
    g.order = order


@df.step(retry=Retry(max_attempts=2, backoff=0.0))
def greet(order: str) -> str:
    use(order)
    time.sleep(float(current_app.config["PAUSE"]))
    assert g.order == order
    return f"{current_app.config['GREETING']} {order}"


@df.step
async def greet_async(order: str) -> str:
    use(order)
    return f"{current_app.config['GREETING']} {order}"


@df.step
def refuse(order: str) -> str:
    use(order)
    raise ValueError(order)


@df.workflow
async def greetings(orders: list[str]) -> list[str]:
    return await gather(*(greet(order) for order in orders), *(greet_async(f"async {order}") for order in orders))


def create_app(**config: Any) -> Flask:
    app = Flask("flaskshop")
    app.config.from_mapping(GREETING=os.environ.get("GREETING", "hello"), PAUSE=os.environ.get("PAUSE", "0"))
    app.config.from_mapping(config)
    app.config.from_prefixed_env("SHOP")
    extension.init_app(app)

    @app.teardown_appcontext
    def end(error: BaseException | None) -> None:
        ENDED.append((g.get("order"), error))
        if REFUSED:
            raise REFUSED.pop()

    return app
