"""What is in the broker: ids only; and what becomes of it when the broker or a worker goes away."""

import gc
import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import kombu
import psutil
import pytest
from celery import Celery, signals

from durableflow.store.messages import SUBJECT, Message, StepId, advance_message, step_message
from durableflow.worker.depth import Depth
from durableflow.worker.publisher import Publisher
from durableflow.worker.settings import transport_for

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def app(broker_url: str) -> Iterator[Celery]:
    app = Celery("broker", broker=broker_url, set_as_current=False)
    app.conf.broker_transport = transport_for(broker_url)
    app.conf.task_queue_max_priority = 9
    yield app
    app.close()


@pytest.fixture
def publisher(app: Celery) -> Iterator[Publisher]:
    publisher = Publisher(app)
    yield publisher
    publisher.close()


def message(queue: str, priority: int = 0, **options: Any) -> Message:
    return step_message(StepId(uuid4(), 1, 0), "shop.add", queue, priority, 1, **options)


def received(app: Celery, queue: str) -> list[Any]:
    """Everything that is in the queue, in the order in which a worker gets it."""
    messages = []
    with app.connection_for_read() as connection:
        bound = app.amqp.queues[queue](connection.default_channel)
        while (got := bound.get(no_ack=True)) is not None:
            messages.append(got)
    return messages


@pytest.mark.smoke
def test_a_message_carries_ids_and_nothing_else(app: Celery, publisher: Publisher, queue_name: str) -> None:
    sent = message(queue_name)
    assert publisher.publish([sent])
    (got,) = received(app, queue_name)
    args, kwargs, _embed = json.loads(got.body)
    assert (args, kwargs) == ([], {SUBJECT: sent.subject})
    assert (got.headers["task"], got.headers["id"]) == ("shop.add", sent.id)
    assert got.headers["timelimit"] == [None, None]
    assert got.content_type == "application/json"


def test_a_calls_time_limit_travels_with_it(app: Celery, publisher: Publisher, queue_name: str) -> None:
    publisher.publish([message(queue_name, options='{"timeout":2.0}')])
    (got,) = received(app, queue_name)
    assert got.headers["timelimit"] == [12.0, 2.0]


@pytest.mark.smoke
def test_many_messages_arrive_and_the_urgent_ones_first(
    app: Celery, publisher: Publisher, broker_url: str, queue_name: str
) -> None:
    sent = [message(queue_name, priority=index % 10) for index in range(250)]
    assert publisher.publish(sent)
    got = [each.headers["id"] for each in received(app, queue_name)]
    assert sorted(got) == sorted(each.id for each in sent)
    if broker_url.startswith("pgmq"):
        return  # a queue in PostgreSQL has no priorities: see docs/how-to/brokers.md
    urgent = {each.id for each in sent if each.priority == 9}
    assert set(got[: len(urgent)]) <= {each.id for each in sent if each.priority >= 7}


def test_celerys_publish_signals_are_sent_and_may_add_headers(
    app: Celery, publisher: Publisher, queue_name: str
) -> None:
    told: list[Any] = []

    def before(sender: Any = None, headers: Any = None, **_: Any) -> None:
        headers["traceparent"] = "00-1"
        told.append(sender)

    def after(sender: Any = None, headers: Any = None, **_: Any) -> None:
        told.append(headers["id"])

    signals.before_task_publish.connect(before)
    signals.after_task_publish.connect(after)
    try:
        sent = message(queue_name)
        publisher.publish([sent])
    finally:
        signals.before_task_publish.disconnect(before)
        signals.after_task_publish.disconnect(after)
    assert told == ["shop.add", sent.id]
    assert received(app, queue_name)[0].headers["traceparent"] == "00-1"


def test_a_broker_that_is_away_costs_one_wait_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    app = Celery("away", broker=NOWHERE, set_as_current=False)
    publisher = Publisher(app)
    assert publisher.publish([message("q")]) is False
    began = time.monotonic()
    assert all(publisher.publish([message("q")]) is False for _ in range(100))
    assert time.monotonic() - began < 0.5
    assert len([record for record in caplog.records if "cannot publish" in record.message]) == 1
    assert publisher.publish([]) is True


def _cut_connections(port: int) -> None:
    """Break this process' connections to the port, as a broker does that is restarted."""
    for connection in psutil.Process().net_connections("tcp"):
        if connection.raddr and connection.raddr.port == port:
            with socket.socket(fileno=os.dup(connection.fd)) as copy:
                copy.shutdown(socket.SHUT_RDWR)


def test_a_connection_that_went_stale_is_replaced(
    app: Celery, publisher: Publisher, broker_url: str, queue_name: str
) -> None:
    assert publisher.publish([message(queue_name)])
    _cut_connections(urlsplit(broker_url).port or 6379)
    assert publisher.publish([message(queue_name), advance_message(uuid4(), queue_name)])
    gc.collect()  # a socket that was left open would be an error now
    assert len(received(app, queue_name)) == 3


@pytest.mark.smoke
def test_the_depth_is_what_waits(app: Celery, publisher: Publisher, queue_name: str) -> None:
    depth = Depth(app)
    assert depth(f"{queue_name}-nothing") == 0
    publisher.publish([message(queue_name, priority=n) for n in range(5)])
    until = time.monotonic() + 10
    while depth(queue_name) != 5:
        assert time.monotonic() < until
        time.sleep(0.05)
    depth.close()


class Consumer:
    """A consumer on the transport that workers use."""

    def __init__(self, app: Celery, queue: str, prefetch: int) -> None:
        self.got: list[Any] = []
        self.connection = app.connection_for_read()
        self.channel = self.connection.channel()
        consumer = kombu.Consumer(
            self.channel, [app.amqp.queues[queue]], on_message=self.got.append, accept=["json"], prefetch_count=prefetch
        )
        consumer.consume()

    def drain(self) -> None:
        try:
            while True:
                self.connection.drain_events(timeout=0.5)
        except TimeoutError:
            pass


@pytest.fixture
def redis_client(broker_url: str) -> Iterator[Any]:
    if not broker_url.startswith("redis"):
        pytest.skip("this is about the Redis transport")
    import redis

    with redis.Redis.from_url(broker_url) as client:
        yield client


def test_redis_keeps_copies_of_others_messages_only(
    app: Celery, publisher: Publisher, queue_name: str, redis_client: Any
) -> None:
    app.send_task("somebody.elses", queue=queue_name)
    publisher.publish([message(queue_name)])
    consumer = Consumer(app, queue_name, prefetch=10)
    consumer.drain()
    assert len(consumer.got) == 2
    assert redis_client.hlen("unacked") == 1
    for each in consumer.got:
        each.ack()
    assert redis_client.hlen("unacked") == 0
    consumer.connection.close()
    assert received(app, queue_name) == []


@pytest.mark.smoke
def test_a_worker_takes_no_more_than_it_may(app: Celery, publisher: Publisher, queue_name: str) -> None:
    publisher.publish([message(queue_name) for _ in range(5)])
    consumer = Consumer(app, queue_name, prefetch=2)
    consumer.drain()
    assert len(consumer.got) == 2
    consumer.got[0].ack()
    consumer.drain()
    assert len(consumer.got) == 3
    consumer.connection.close()


@pytest.mark.smoke
def test_what_was_not_begun_goes_back_at_shutdown(app: Celery, publisher: Publisher, queue_name: str) -> None:
    app.send_task("somebody.elses", queue=queue_name)
    sent = [message(queue_name) for _ in range(3)]
    publisher.publish(sent)
    consumer = Consumer(app, queue_name, prefetch=10)
    consumer.drain()
    done, rejected, *_ = [each for each in consumer.got if SUBJECT in each.headers]
    done.ack()
    rejected.reject(requeue=True)
    consumer.channel.close()
    consumer.connection.close()
    ids = {each.headers["id"] for each in received(app, queue_name) if SUBJECT in each.headers}
    assert ids == {each.id for each in sent} - {done.headers["id"]}


@pytest.fixture
def rabbitmq(broker_url: str) -> Iterator[Any]:
    if not broker_url.startswith("amqp"):
        pytest.skip("this is about RabbitMQ")
    with kombu.Connection(broker_url) as connection:
        yield connection


@pytest.mark.parametrize("arguments", [None, {"x-queue-type": "quorum"}, {"x-max-length": 100}], ids=str)
def test_a_queue_that_exists_with_other_arguments_is_taken_as_it_is(
    app: Celery, publisher: Publisher, queue_name: str, rabbitmq: Any, arguments: Any, caplog: pytest.LogCaptureFixture
) -> None:
    kombu.Queue(queue_name, channel=rabbitmq.default_channel, queue_arguments=arguments).declare()
    assert publisher.publish([message(queue_name)])
    assert publisher.publish([message(queue_name)])
    known = app.amqp.queues[queue_name]
    assert known.no_declare or known.queue_arguments == arguments
    assert len([record for record in caplog.records if "is used as it is" in record.message]) == 1
    consumer = Consumer(app, queue_name, prefetch=10)
    consumer.drain()
    assert len(consumer.got) == 2
    consumer.connection.close()


def test_quorum_queues_are_declared_where_the_app_says_so(
    app: Celery, publisher: Publisher, queue_name: str, rabbitmq: Any
) -> None:
    """They refuse the priority that durableflow's queues have otherwise."""
    app.conf.task_default_queue_type = "quorum"
    app.conf.task_create_missing_queue_type = "quorum"
    assert publisher.publish([message(queue_name)])
    kombu.Queue(
        queue_name, channel=rabbitmq.default_channel, queue_arguments={"x-queue-type": "quorum"}
    ).queue_declare()
    assert len(received(app, queue_name)) == 1
