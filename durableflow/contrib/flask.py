"""Flask: settings from ``app.config``, an application context around every step, and ``flask durableflow ...``.

::

    df = DurableFlow("shop")                  # or DurableFlow(celery_app); its steps may use current_app and g
    extension = DurableFlowExtension(df)

    def create_app():
        app = Flask("shop")
        app.config.from_prefixed_env()
        extension.init_app(app)
        return app
"""

from typing import Any

from flask import Flask

from durableflow import DurableFlow
from durableflow.cli.nested import nested
from durableflow.config import Settings

__all__ = ["DurableFlowExtension"]

_PREFIX = "DURABLEFLOW_"
_FIELDS = {_PREFIX + field.upper(): field for field in Settings.model_fields}


class DurableFlowExtension:
    """Makes a DurableFlow a part of a Flask application.

    df: defines the steps and workflows; app: a Flask application, or None, and then ``init_app`` takes it later.
    """

    def __init__(self, df: DurableFlow, app: Flask | None = None) -> None:
        self.df = df
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Take the settings that ``app.config`` has under ``DURABLEFLOW_``, run every step in a context of ``app``, and
        add the command ``durableflow`` to ``app.cli``. ``app.extensions["durableflow"]`` is the DurableFlow.

        What was given to the DurableFlow itself wins over ``app.config``, which wins over the environment. Called for
        another application, as a factory does in tests, the last one counts.

        Raises ConfigurationError where a setting cannot be used, or has a name that is none.
        """
        self.df.configure(**_settings(app))
        self.df.surround("flask", app.app_context)
        app.extensions["durableflow"] = self.df
        app.cli.add_command(nested(lambda _: self.df))


def _settings(app: Flask) -> dict[str, Any]:
    found = {name: value for name, value in app.config.items() if name.startswith(_PREFIX) and value is not None}
    return {_FIELDS.get(name, name): value for name, value in found.items()}
