"""Celery's command for a process under libfaketime: ``python -m tests.faults.faketime_celery -A ... worker``.

That library's ``clock_nanosleep`` refuses what Python asks of it where the monotonic clock is left alone, and where it
is not, no wait for a lock comes to its end. So that clock is left alone, and ``time.sleep`` waits in ``select``.
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


if __name__ == "__main__":
    time.sleep = _sleep
    from celery.__main__ import main

    main()
