"""Home: the database that holds durableflow's schema, as Django knows it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.conninfo import conninfo_to_dict

from durableflow.contrib.django.conf import ALIAS, database_url

_LIBPQ = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
"""What may stand in OPTIONS for PostgreSQL itself; the rest there is Django's."""


class Home:
    """alias: the entry of DATABASES that holds the schema; None: no entry does, and Django's transactions are of
    another database.

    An address that is given says where; without one it is the default database, where that is PostgreSQL. A test runner
    gives the entry another name of a database, and durableflow follows it there.

    Raises ImproperlyConfigured where DURABLEFLOW_ALIAS names no such entry.
    """

    def __init__(self) -> None:
        self._given = database_url()
        self.alias = self._find()
        self._name = None if self.alias is None else _entry(self.alias)["NAME"]

    def url(self) -> str | None:
        """Where the schema is now. None: nobody has said."""
        if self.alias is None:
            return self._given
        if self._given is None:
            return url_of(_entry(self.alias))
        if self.in_test:
            return urlsplit(self._given)._replace(path=f"/{quote(_entry(self.alias)['NAME'], safe='')}").geturl()
        return self._given

    @property
    def in_test(self) -> bool:
        """Whether Django's test runner has put a database of its own in the place of the project's."""
        return self.alias is not None and _entry(self.alias)["NAME"] != self._name

    def transaction(self) -> Any:
        """Django's connection, where a transaction is open on it. None: there is none to be a part of."""
        if self.alias is None:
            return None
        connection = connections[self.alias]
        manual = connection.connection is not None and not connection.autocommit
        return connection if connection.in_atomic_block or manual else None

    def _find(self) -> str | None:
        named = getattr(settings, ALIAS, None)
        if named is not None:
            if named not in connections:
                raise ImproperlyConfigured(f"{ALIAS} = {named!r}: DATABASES has only {', '.join(connections)}")
            if not _is_postgresql(named):
                raise ImproperlyConfigured(f"{ALIAS} = {named!r}: durableflow's schema needs PostgreSQL")
            return str(named)
        if self._given is None:
            return DEFAULT_DB_ALIAS if _is_postgresql(DEFAULT_DB_ALIAS) else None
        place = _place(self._given)
        aliases = [alias for alias in connections if _is_postgresql(alias) and place is not None]
        return next((alias for alias in aliases if _place(url_of(_entry(alias))) == place), None)


def url_of(entry: Mapping[str, Any]) -> str:
    """The address of an entry of DATABASES, as ``postgresql://...``."""
    query = {name: str(value) for name, value in (entry.get("OPTIONS") or {}).items() if name in _LIBPQ}
    user, password = (quote(str(entry.get(part) or ""), safe="") for part in ("USER", "PASSWORD"))
    host, port = str(entry.get("HOST") or ""), str(entry.get("PORT") or "")
    if host and not set(host) & set("/,"):
        authority = f"[{host}]" if ":" in host else host
        authority += f":{port}" if port else ""
    else:  # a socket's directory, or several hosts
        authority = ""
        query |= {name: value for name, value in (("host", host), ("port", port)) if value}
    credentials = f"{user}:{password}@" if password else f"{user}@" if user else ""
    name = quote(str(entry.get("NAME") or ""), safe="")
    parameters = urlencode(query, safe="/", quote_via=quote)
    return f"postgresql://{credentials}{authority}/{name}{'?' if query else ''}{parameters}"


def _place(url: str) -> tuple[str, str, str] | None:
    """Host, port and name, to tell whether two addresses mean one database. None: it is none of PostgreSQL's."""
    try:
        parts = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://"))
    except psycopg.ProgrammingError:
        return None
    host = str(parts.get("host") or "")
    name = str(parts.get("dbname") or parts.get("service") or "")
    return "127.0.0.1" if host == "localhost" else host, str(parts.get("port") or 5432), name


def _entry(alias: str) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = connections[alias].settings_dict
    return entry


def _is_postgresql(alias: str) -> bool:
    return bool(connections[alias].vendor == "postgresql")
