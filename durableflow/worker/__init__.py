"""Celery: steps as tasks, the pipeline of an attempt, publishing, and the steward in the worker's parent process.

The broker is a cache of wake-ups. A message names a row; the row is read again, claimed, executed, and its outcome
committed before anything that follows is published. Whatever becomes of a message (lost, doubled, late, forged),
PostgreSQL knows what is to be done, and the steward has it done.

::

    parent process          consumer ── request.py: a child died, or ran too long ──┐
                            bootstep.py: the steward's threads  <───────────────────┘
    pool child, per message task.py: the wrapped tracer
                              └─ attempt.py: claim → decode → run → turn → commit → publish
                            advance.py: lease → load → turn → commit → publish
"""

from durableflow.worker.install import host_of, install
from durableflow.worker.publisher import Publisher
from durableflow.worker.runtime import Runtime

__all__ = ["Publisher", "Runtime", "host_of", "install"]
