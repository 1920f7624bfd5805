"""The application, with its pool chosen where it is too late to patch anything."""

from tests.pools.app import app as app

app.conf.worker_pool = "gevent"
