"""Each test has a broker to itself, on a server that it shares."""

import kombu
import pytest
import redis

from tests.support.brokers import redis_database


def _is_redis(url: str) -> bool:
    return url.startswith("redis")


def test_a_message_goes_through_the_tests_own_queue(broker_url: str, queue_name: str) -> None:
    if broker_url.startswith("pgmq"):
        pytest.skip("kombu's own transport for PostgreSQL is not used")
    with kombu.Connection(broker_url) as connection, connection.SimpleQueue(queue_name) as queue:
        queue.put({"hello": 1})
        message = queue.get(timeout=5)
        assert message.payload == {"hello": 1}
        message.ack()


def test_two_redis_databases_at_once_are_two_and_both_are_empty_afterwards(broker_url: str) -> None:
    if not _is_redis(broker_url):
        pytest.skip("the broker is RabbitMQ: tests are told apart by their queues")
    with redis.Redis.from_url(broker_url) as ours:
        ours.set("key", "ours")
        with redis_database(broker_url) as other_url, redis.Redis.from_url(other_url) as other:
            assert other_url != broker_url
            assert other.get("key") is None
            other.set("key", "other")
            assert ours.get("key") == b"ours"
        with redis.Redis.from_url(other_url) as again:
            assert again.get("key") is None


def test_the_next_test_finds_the_database_empty(broker_url: str) -> None:
    if _is_redis(broker_url):
        with redis.Redis.from_url(broker_url) as client:
            assert client.dbsize() == 0
