"""``python -m examples.flask_app``: two visitors of the application; one asks for somebody who is not in the book."""

import os
from pathlib import Path

from examples.stage import stage


def main() -> None:
    """Send two cards through the application's routes."""
    Path(".durableflow").mkdir(exist_ok=True)
    os.environ.setdefault("FLASK_BOOK", str(Path(".durableflow/postcards.sqlite").absolute()))
    with stage("examples.flask_app.worker:df", __doc__) as here:
        from examples.flask_app.worker import df, flask_app

        visitor = flask_app.test_client()
        for name in ("ada", "charles"):
            answer = visitor.post("/cards", data={"name": name, "text": "wish you were here", "wait": "0.5"})
            assert answer.json is not None
            print(f"POST /cards name={name}: {answer.status}")
            here.watch(df.run(answer.json["run"]))
            state = visitor.get(f"/cards/{answer.json['run']}").json or {}
            print(f"GET /cards/...: {state['state']}, {state['output'] or state['error']['class']}\n")


if __name__ == "__main__":
    main()
