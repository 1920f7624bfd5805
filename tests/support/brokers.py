"""A broker that no other test writes to: a numbered database of a Redis of its own, or queues of its own."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis

_NUMBERS = range(1, 16)  # 0 is left to whoever uses the server by hand


@contextmanager
def redis_database(server: str) -> Iterator[str]:
    """An empty Redis database, flushed before and after; gives its URL.

    Which number is free is decided by locks on files, so that several runs on one machine can share one server.
    """
    with _free_number(server) as number:
        url = urlsplit(server)._replace(path=f"/{number}").geturl()
        with redis.Redis.from_url(url) as client:
            client.flushdb()
            yield url
            client.flushdb()


@contextmanager
def _free_number(server: str) -> Iterator[int]:
    address = urlsplit(server)
    locks = Path(tempfile.gettempdir()) / f"durableflow-test-redis-{address.hostname}-{address.port or 6379}"
    locks.mkdir(exist_ok=True)
    for number in _NUMBERS:
        with (locks / str(number)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return
    raise RuntimeError(f"all {len(_NUMBERS)} databases of {address.hostname}:{address.port} are in use by test runs")
