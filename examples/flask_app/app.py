"""The application factory. `flask --app examples.flask_app.app run`; `flask --app ... durableflow worker`."""

from datetime import timedelta
from typing import Any

from flask import Flask, request

from durableflow.contrib.flask import DurableFlowExtension
from durableflow.errors import RunNotFound
from examples.flask_app import book
from examples.flask_app.postcards import df, send_card

durableflow = DurableFlowExtension(df)


def create_app(**config: Any) -> Flask:
    """Read FLASK_... of the environment: FLASK_BOOK, and FLASK_DURABLEFLOW_DATABASE_URL, if it is not given without
    FLASK_."""
    app = Flask("examples.flask_app")
    app.config.from_mapping(BOOK="postcards.sqlite", POST_OFFICE="balloon")
    app.config.from_prefixed_env()
    app.config.from_mapping(config)
    book.init_app(app)
    durableflow.init_app(app)

    @app.post("/cards")
    def send() -> tuple[dict[str, str], int]:
        form = request.form
        call = send_card(form["name"], form["text"], timedelta(seconds=float(form.get("wait", "0"))))
        run = call.start(key=form.get("key"))
        return {"run": str(run.id)}, 202

    @app.get("/cards/<run_id>")
    def state(run_id: str) -> dict[str, Any]:
        info = df.run(run_id).info()
        return {name: info[name] for name in ("state", "waiting_for", "output", "error")}

    @app.errorhandler(RunNotFound)
    def not_found(error: RunNotFound) -> tuple[dict[str, str], int]:
        return {"error": str(error)}, 404

    return app
