"""A broker that no other test writes to: a numbered database of a Redis, the test's own PostgreSQL, or queues of its
own in RabbitMQ."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import kombu
import redis

from durableflow.migrations.pgmq import install_pgmq

_NUMBERS = range(1, 16)  # 0 is left to whoever uses the server by hand


@contextmanager
def broker_on(server: str, database_url: str, *queues: str) -> Iterator[str]:
    """The URL of a test's broker on this server; queues: what is deleted afterwards where brokers share their queues.

    server: ``redis://...``, ``amqp://...``, or ``pgmq://``, which is the database of the test.
    """
    if server.startswith("redis"):
        with redis_database(server) as url:
            yield url
    elif server.startswith("pgmq"):
        install_pgmq(database_url)
        yield database_url.replace("postgresql://", "pgmq://", 1)
    else:
        try:
            yield server
        finally:
            delete_queues(server, *queues)


def delete_queues(amqp: str, *queues: str) -> None:
    """Delete queues of RabbitMQ, with what is in them."""
    with kombu.Connection(amqp) as connection:
        for queue in queues:
            kombu.Queue(queue, channel=connection.default_channel).delete()


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
