"""DurableFlow: the client with its Celery application. The top of the package, where both sides are known."""

import functools
from collections.abc import Mapping
from typing import Any

from celery import Celery
from celery.local import maybe_evaluate

from durableflow.client import Client, Publish
from durableflow.config import Settings
from durableflow.worker import host_of, install


class DurableFlow(Client):
    """An application: its steps and workflows, its Celery app, its runs.

    app: a name, or an existing Celery app, which is adopted: its own settings stay, the steps become tasks beside the
    others, and its broker is used; database: ``postgresql://...`` (default: DURABLEFLOW_DATABASE_URL); broker: Celery's
    broker (default: DURABLEFLOW_BROKER_URL); settings: everything else, as a :class:`Settings` or a mapping of its
    fields. The environment is read at the first use; nothing is connected before.
    """

    def __init__(
        self,
        app: str | Celery,
        *,
        database: str | None = None,
        broker: str | None = None,
        settings: Settings | Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(app, str):
            name, own = app, Celery(app, set_as_current=False)  # whoever uses Celery beside us keeps their current app
        else:
            name, own = app.main or "app", app
        super().__init__(name, database=database, broker=broker, settings=settings)
        self._celery = own
        self._owned = isinstance(app, str)
        self._runtime = install(self, owned=self._owned)

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings, read at the first use. An adopted app's workers listen to its own default queue: so do runs and
        steps that name none, unless the settings say otherwise. Raises ConfigurationError."""
        settings = super().settings
        if self._owned or "queue" in settings.model_fields_set:
            return settings
        return settings.model_copy(update={"queue": self._celery.conf.task_default_queue})

    @property
    def celery(self) -> Celery:
        """The Celery app: ``app = df.celery`` in a module makes ``celery -A module worker`` work."""
        return self._celery

    @property
    def publisher(self) -> Publish:
        """Publishes over the Celery app's broker. Raises ConfigurationError where none is configured."""
        if self._owned:
            self.settings.require_broker()
        return self._runtime.publisher.publish


def adopted_by(app: Celery) -> DurableFlow | None:
    """The application that has adopted a Celery app, or whose own it is. None: there is none.

    app: may be a proxy, such as ``celery.current_app``, or the copy of an app that a spawned pool child has.
    """
    host = host_of(maybe_evaluate(app))
    return host if isinstance(host, DurableFlow) else None
