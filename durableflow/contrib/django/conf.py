"""What Django's settings say about durableflow.

``DURABLEFLOW_<FIELD>`` stands for each field of :class:`durableflow.Settings`, and wins over the environment variable
of that name. Two more are for Django alone: ``DURABLEFLOW_CELERY_APP = "proj.celery:app"`` names the Celery app to
adopt, ``DURABLEFLOW_ALIAS = "default"`` the entry of DATABASES that holds durableflow's schema. Both can be left out in
a project that is laid out as Celery's documentation has it.
"""

import difflib
import importlib
import importlib.util
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from celery import Celery
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from durableflow.config import Settings

PREFIX = "DURABLEFLOW_"
CELERY_APP = f"{PREFIX}CELERY_APP"
ALIAS = f"{PREFIX}ALIAS"
DATABASE_URL = f"{PREFIX}DATABASE_URL"
BROKER_URL = f"{PREFIX}BROKER_URL"


def fields() -> dict[str, Any]:
    """The fields of durableflow's settings that Django's settings give."""
    given = {name: getattr(settings, f"{PREFIX}{name.upper()}", None) for name in Settings.model_fields}
    return {name: value for name, value in given.items() if value is not None}


def unknown() -> Iterator[tuple[str, str | None]]:
    """The settings with our prefix that are none of ours, each with the one that may have been meant."""
    known = {CELERY_APP, ALIAS, *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)}
    for name in dir(settings):
        if name.startswith(PREFIX) and name not in known:
            yield name, next(iter(difflib.get_close_matches(name, known, n=1)), None)


def database_url() -> str | None:
    """The address that a person gave, in Django's settings or in the environment."""
    return getattr(settings, DATABASE_URL, None) or os.environ.get(DATABASE_URL) or None


def given_broker() -> str | None:
    """The broker that a person gave for durableflow, in Django's settings or in the environment."""
    return getattr(settings, BROKER_URL, None) or os.environ.get(BROKER_URL) or None


def celery_broker() -> object:
    """CELERY_BROKER_URL, for a project that has this setting and no Celery app."""
    return getattr(settings, "CELERY_BROKER_URL", None)


def celery_app() -> Celery | str:
    """The project's Celery app; or, where it has none, the name of the one to be made.

    Raises:
        ImproperlyConfigured: DURABLEFLOW_CELERY_APP names none, or the module where one is expected has none.
    """
    named = getattr(settings, CELERY_APP, None)
    if named is not None:
        return _named(named)
    packages = list(_packages())
    for package in packages:
        for name in (f"{package}.celery", f"{package}.celery_app", package):
            module = _module(name)
            apps = [] if module is None else _apps_in(module)
            if len(apps) == 1:
                return apps[0]
            if module is not None and (apps or name != package):
                raise ImproperlyConfigured(
                    f"{name} holds {len(apps)} Celery apps where one is expected: name the one that durableflow is to "
                    f'adopt, as in {CELERY_APP} = "{name}:app" (and import df below the line that makes it)'
                )
    return packages[-1] if packages else "app"


def _named(spec: object) -> Celery:
    problem = f'{CELERY_APP} is of the form "proj.celery:app", not {spec!r}'
    if isinstance(spec, str):
        name, colon, attribute = spec.partition(":")
        if not colon:
            name, _, attribute = spec.rpartition(".")
        if name and attribute:
            try:
                found: Any = importlib.import_module(name)
                for part in attribute.split("."):
                    found = getattr(found, part)
            except ModuleNotFoundError as error:
                if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                    raise
                problem = f"{CELERY_APP} = {spec!r}: there is no module {error.name!r}"
            except AttributeError:
                problem = f"{CELERY_APP} = {spec!r}: {name} has no {attribute!r}"
            else:
                if isinstance(found, Celery):
                    return found
                problem = f"{CELERY_APP} = {spec!r} is not a Celery app, but {type(found).__name__}"
    raise ImproperlyConfigured(problem)


def _packages() -> Iterator[str]:
    """The packages around the settings module, the innermost first: config.settings and config of
    config.settings.local."""
    package = getattr(settings, "SETTINGS_MODULE", None) or ""
    while package := package.rpartition(".")[0]:
        yield package


def _module(name: str) -> ModuleType | None:
    return None if importlib.util.find_spec(name) is None else importlib.import_module(name)


def _apps_in(module: ModuleType) -> list[Celery]:
    # By the class, because Celery's proxies, such as current_app, say that they are instances.
    return list({id(value): value for value in vars(module).values() if issubclass(type(value), Celery)}.values())
