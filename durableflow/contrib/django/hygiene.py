"""Django's database connections around the attempts of steps.

A request begins and ends with a look at its connections, and so does a Celery task of a Django project, because of
Celery's own fixup, which closes them all. That leaves two holes, and a step that is tried again after PostgreSQL was
restarted must fall into neither:

- with CELERY_DB_REUSE_MAX, and where the fixup is not there (no DJANGO_SETTINGS_MODULE), a connection that broke stays;
- the ORM's asynchronous methods run in a thread of asgiref's, whose connections nobody looks at.

So before and after each attempt, and around workflow code, the connections of both threads are looked at as after a
request, with CONN_MAX_AGE and CONN_HEALTH_CHECKS as they are set; after an attempt that did not succeed they are
closed: a time limit in the middle of a statement leaves a connection that nothing is known of.

It hangs on Celery's signals, which are sent where a task runs: in a child of the pool, or in a thread. A task that was
sent with Celery's own means is treated as ever.
"""

import inspect
from typing import Any

from asgiref.sync import sync_to_async
from celery import signals, states
from django.db import close_old_connections, connections

from durableflow.store.messages import ADVANCE
from durableflow.worker.attempt import active
from durableflow.worker.body import run_body

_ID = "durableflow.contrib.django"


def install() -> None:
    """Have the connections looked at, in whichever process turns out to be a worker's."""
    signals.worker_init.connect(_before_the_pool, weak=False, dispatch_uid=_ID)
    signals.task_prerun.connect(_before, weak=False, dispatch_uid=_ID)
    signals.task_postrun.connect(_after, weak=False, dispatch_uid=_ID)


def _before_the_pool(**_: Any) -> None:
    """What the parent has open, a forked child must not have."""
    connections.close_all()


def _before(sender: Any, **_: Any) -> None:
    if _is_ours(sender):
        _look(sender, close_all=False)


def _after(sender: Any, state: str | None = None, **_: Any) -> None:
    if _is_ours(sender):
        _look(sender, close_all=state != states.SUCCESS)


def _is_ours(task: Any) -> bool:
    return active() is not None or getattr(task, "name", None) == ADVANCE


def _look(task: Any, *, close_all: bool) -> None:
    look = connections.close_all if close_all else close_old_connections
    look()
    if inspect.iscoroutinefunction(task.run):
        run_body(sync_to_async(look), (), {})
