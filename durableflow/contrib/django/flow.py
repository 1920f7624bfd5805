"""DjangoFlow: a DurableFlow that has Django's settings, and takes part in Django's transactions."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from celery import Celery
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from durableflow.app import DurableFlow
from durableflow.client.database import Connection, Database
from durableflow.config import Settings
from durableflow.contrib.django import conf
from durableflow.contrib.django.home import Home
from durableflow.worker import Runtime

T = TypeVar("T")


class DjangoFlow(DurableFlow):
    """The application of a Django project; ``durableflow.contrib.django.df`` is the one that there is.

    What it starts and sends inside of ``transaction.atomic`` is a part of that transaction, where durableflow's schema
    is in the database that the transaction is of: it exists when, and only if, that commits. app: as for DurableFlow.

    Raises ImproperlyConfigured where another DurableFlow has adopted the Celery app already.
    """

    def __init__(self, app: str | Celery) -> None:
        if isinstance(app, Celery) and _is_adopted(app):
            raise ImproperlyConfigured(
                f"the Celery app {app.main!r} has a DurableFlow(app) already: remove that line, and use the one that "
                "Django's settings make, `from durableflow.contrib.django import df`"
            )
        super().__init__(app)
        self._settings_now: tuple[str | None, Settings] | None = None
        self._database_now: tuple[Settings, Database] | None = None

    @functools.cached_property
    def home(self) -> Home:
        """The database of the schema, as Django knows it. Raises ImproperlyConfigured."""
        return Home()

    @property
    def celery_is_own(self) -> bool:
        """Whether the Celery app is durableflow's own, because the project has none."""
        return self._owned

    @property
    def settings(self) -> Settings:
        """The settings, read at the first use, and again where a test runner has put another database in the place of
        the project's. Raises ConfigurationError, ImproperlyConfigured."""
        address = self.home.url()
        if self._settings_now is None or self._settings_now[0] != address:
            self._given = (address, self._broker(), conf.fields())
            self.__dict__.pop("settings", None)  # what they were for another database
            self._settings_now = address, super().settings
        return self._settings_now[1]

    @property
    def database(self) -> Database:
        """The connections of this process: none of Django's."""
        settings = self.settings
        if self._database_now is None or self._database_now[0] is not settings:
            if self._database_now is not None:
                self._database_now[1].close()
            self._saved_versions.clear()
            self._database_now = settings, _Guarded(settings, self.name, self.home)
        return self._database_now[1]

    def _transaction(self, given: Any) -> Any:
        """Django's transaction, where one is open and the caller gave nothing else."""
        return given if given is not None else self.home.transaction()

    def _broker(self) -> str | None:
        """The broker that a person gave; else that of Celery's own settings. None: the environment says."""
        given = conf.given_broker()
        if given is not None:
            return given
        url = conf.celery_broker() if self._owned else self.celery.conf.broker_url
        return url if isinstance(url, str) else None


def _is_adopted(app: Celery) -> bool:
    return any(isinstance(getattr(step, "runtime", None), Runtime) for step in app.steps["worker"])


class _Guarded(Database):
    """The connections of a process that may be one of Django's test runner."""

    def __init__(self, settings: Settings, name: str, home: Home) -> None:
        super().__init__(settings, name)
        self._home = home

    def transact(self, work: Callable[[Connection], T], *, again: Callable[[Connection], T] | None = None) -> T:
        """As ever; but a test that may not use the database hears so, and none is kept open that the runner is to
        drop."""
        alias = self._home.alias
        if alias is not None and not inspect.ismethod(connections[alias].connect):
            connections[alias].connect()  # what a SimpleTestCase has put there raises, and says what to do
        try:
            return super().transact(work, again=again)
        finally:
            if self._home.in_test:
                self.close()
