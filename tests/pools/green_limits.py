"""What ``durableflow.worker.green`` does to greenlets, in a process of its own; prints what it saw, as JSON."""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import signal  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from durableflow.errors import StepTimedOut  # noqa: E402
from durableflow.worker.shield import body_limit, turn_limit  # noqa: E402

seen: dict[str, Any] = {}


class Late(BaseException):
    pass


def compute(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(100))


def limited(name: str, seconds: float, work: Any) -> None:
    began = time.monotonic()
    try:
        with body_limit(seconds):
            work()
        seen[name] = "ended"
    except BaseException as error:
        seen[name] = type(error).__name__
    seen[name + " took"] = time.monotonic() - began


def swallowing() -> None:
    """Caught once, it is not thrown again."""
    try:
        time.sleep(5)
    except Exception:
        compute(0.6)


def own_timeout() -> None:
    gevent.Timeout(0.2).start()
    time.sleep(5)


def users(number: int, frame: Any) -> None:
    seen["the user's handler"] = "rings"


signal.signal(signal.SIGALRM, users)
first = [
    gevent.spawn(limited, "waits", 0.3, lambda: time.sleep(5)),
    gevent.spawn(limited, "in time", 5.0, lambda: time.sleep(0.1)),
    gevent.spawn(limited, "swallows", 0.3, swallowing),
    gevent.spawn(limited, "has its own", 3.0, own_timeout),
]
gevent.joinall(first)
second = [
    gevent.spawn(limited, "computes", 0.3, lambda: compute(5)),
    gevent.spawn(limited, "waits beside", 5.0, lambda: time.sleep(0.1)),
]
gevent.joinall(second)

with body_limit(60.0):
    time.sleep(0)
signal.raise_signal(signal.SIGALRM)
seen["alarm"] = signal.getitimer(signal.ITIMER_REAL)[0]
assert issubclass(StepTimedOut, Exception)
with turn_limit():
    seen["turn"] = "ended"
print(json.dumps(seen))
