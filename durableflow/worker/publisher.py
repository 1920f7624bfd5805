"""Publish messages: lean, and never fatal.

A message only says which row to look at, so its body is a few bytes that are written here, without Celery's routers,
serializers and representations, which cost more than the step's own database work. Nothing is lost where publishing
fails: the row is in ``ready``, and the steward publishes it. So there are no publisher confirms, one quick second try
for a connection that went stale, and after a failure a moment of silence instead of a connect timeout for each step.

Producers are kept from message to message, a few where there are threads that publish at the same moment: to check one
out of Celery's pool makes it anew each time (40 us). Measured: 830 us for ``apply_async``, 80 us for this.
"""

import logging
import os
import select
import time
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from celery import Celery, signals
from celery.utils.nodenames import anon_nodename

from durableflow.store.messages import SUBJECT, Message
from durableflow.worker import queues
from durableflow.worker.lanes import Lane, Lanes

_log = logging.getLogger(__name__)

_SILENCE = 1.0
"""Seconds for which nothing is published after a failure."""

_BATCH = 1000
"""Most messages that travel to the broker together."""

_EMBED: dict[str, None] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
_EMBED_TEXT = '{"callbacks":null,"errbacks":null,"chain":null,"chord":null}'


class Publisher:
    """Publishes over connections of its own; one object serves all threads of a process, also after a fork.

    ranks: whether a run's priority becomes the message's. False where the queues are shared with other tasks of an app
    that has an order of its own; then the order of dispatch is all.
    """

    def __init__(self, app: Celery, *, ranks: bool = True) -> None:
        self._app = app
        self._ranks = ranks
        self._origin = anon_nodename()
        self._silent_until = 0.0
        self._down = False
        self._lanes: Lanes[Any] = Lanes()
        self._declared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
        _instances.add(self)

    def publish(self, messages: Sequence[Message]) -> bool:
        """Hand the messages to the broker. False: they may not all be there, and the steward will see to it."""
        if not messages:
            return True
        if time.monotonic() < self._silent_until:
            return False
        try:
            self.publish_or_raise(messages)
        except Exception as error:
            self._silent_until = time.monotonic() + _SILENCE
            if not self._down:
                _log.warning("cannot publish to the broker, the steward will: %s: %s", type(error).__name__, error)
            self._down = True
            return False
        self._down = False
        return True

    def publish_or_raise(self, messages: Sequence[Message]) -> None:
        """As ``publish``, for a caller that wants the transport's own error."""
        lane = self._lanes.here()
        with lane.places:
            try:
                kept = lane.idle.pop()
            except IndexError:
                pass
            else:
                try:
                    _listen_to_the_broker(kept.connection)
                    self._send_over(lane, kept, messages)
                    return
                except Exception as error:  # a stale connection fails in a way of its own on each transport
                    kept.connection.collect()  # or its socket stays open until somebody collects it as garbage
                    _log.debug("a connection to the broker is replaced: %s: %s", type(error).__name__, error)
            # Some may be sent twice now: a message is a wake-up, and the second one finds its step claimed.
            self._send_over(lane, self._producer(), messages)

    def _send_over(self, lane: Lane[Any], producer: Any, messages: Sequence[Message]) -> None:
        """Send over this producer, which is kept if that works."""
        try:
            self._send_all(producer, messages)
        except BaseException:
            producer.connection.collect()
            raise
        lane.idle.append(producer)

    def close(self) -> None:
        """Close what is idle."""
        for producer in self._lanes.idle():
            producer.connection.close()

    def forget(self) -> None:
        """In a forked child: the parent's connections are not ours."""
        _inherited.extend(self._lanes.start_over())

    def _producer(self) -> Any:
        return self._app.amqp.Producer(self._app.connection_for_write(), auto_declare=False)

    def _send_all(self, producer: Any, messages: Sequence[Message]) -> None:
        channel = producer.channel
        if len(messages) == 1 or not getattr(channel, "supports_batch_publish", False):
            for message in messages:
                self._send(producer, message, channel.basic_publish)
            return
        batch = channel.create_publish_batch(max_size=_BATCH)
        try:
            for message in messages:
                self._send(producer, message, batch.publish)
            batch.flush()
        finally:
            batch.close()

    def _send(self, producer: Any, message: Message, put: Callable[..., Any]) -> None:
        channel = producer.channel
        queue = self._app.amqp.queues[message.queue]
        exchange, routing_key = _destination(queue)
        headers = {
            "lang": "py",
            "task": message.task,
            "id": message.id,
            "root_id": message.subject.partition(":")[0],
            "origin": self._origin,
            "timelimit": [message.hard, message.soft],
            SUBJECT: 1,  # tells the message from others without looking into its body
        }
        properties: dict[str, Any] = {"delivery_mode": 2, "correlation_id": message.id, "reply_to": ""}
        told = {"sender": message.task, "headers": headers, "exchange": exchange, "routing_key": routing_key}
        if signals.before_task_publish.receivers:
            signals.before_task_publish.send(
                body=_payload(message), declare=[queue], properties=properties, retry_policy=None, **told
            )
        self._declare(producer, channel, queue)
        body = f'[[],{{"{SUBJECT}":"{message.subject}"}},{_EMBED_TEXT}]'
        priority = self._priority(producer, message.priority) if message.rank is None else message.rank
        prepared = channel.prepare_message(body, priority, "application/json", "utf-8", headers, properties)
        put(prepared, exchange=exchange, routing_key=routing_key)
        if signals.after_task_publish.receivers:
            signals.after_task_publish.send(body=_payload(message), **told)

    def _declare(self, producer: Any, channel: Any, queue: Any) -> None:
        declared = self._declared.get(channel)
        if declared is None:
            declared = self._declared[channel] = set()
        if queue.name not in declared:
            if producer.connection.transport.driver_type == "amqp":
                queues.declare(producer.connection, queue)
            else:
                producer.maybe_declare(queue)
            declared.add(queue.name)

    def _priority(self, producer: Any, priority: int) -> int:
        if not self._ranks:
            return 0
        # Redis consumers look at 0 first, AMQP's at 9; a run's larger number goes first everywhere.
        return 9 - priority if producer.connection.transport.driver_type == "redis" else priority


def _listen_to_the_broker(connection: Any) -> None:
    """Hear what RabbitMQ has said since the last message: above all, that it is gone. The first message that is sent to
    a connection which the other side has closed is taken by this machine, and lost without an error.

    Raises what the transport does where the connection is closed.
    """
    if connection.transport.driver_type == "amqp":
        waiting = select.poll()
        waiting.register(connection.connection.sock, select.POLLIN)
        if waiting.poll(0):
            connection.drain_events(timeout=1)


def _destination(queue: Any) -> tuple[str, str]:
    """Exchange and routing key, as Celery chooses them: the queue itself where its exchange is a direct one."""
    if queue.exchange is None or queue.exchange.type == "direct":
        return "", queue.name
    return queue.exchange.name, queue.routing_key


def _payload(message: Message) -> tuple[list[Any], dict[str, str], dict[str, None]]:
    return [], {SUBJECT: message.subject}, dict(_EMBED)


_instances: WeakSet[Publisher] = WeakSet()
_inherited: list[Any] = []


def _forget_all() -> None:
    for publisher in list(_instances):
        publisher.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
