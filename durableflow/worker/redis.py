"""Kombu's Redis transport, minus what durableflow does not need of it: more than half of a worker's time per message.

Redis has no acknowledgements, so kombu copies each delivered message to an ``unacked`` hash in Redis and removes it
when it is acknowledged: two round trips, for which the worker's one event loop waits. For our messages that buys
nothing. The row in ``ready`` is the truth, a worker reports what it holds with its heartbeat, and what a dead worker
held is published again within a second or two, where kombu waits for its visibility timeout (an hour). So ours are
kept in memory only. Every other message of the app is treated exactly as kombu does.

Measured with two prefork processes and no-op tasks: 910 messages/s with kombu's own, 2,200 with this.
"""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis, virtual
from kombu.utils.json import dumps

from durableflow.store.messages import SUBJECT


class QoS(redis.QoS):
    """Acknowledgements: ours in memory, the others in Redis."""

    def append(self, message: Any, delivery_tag: str) -> None:
        if SUBJECT in message.headers:
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        if self._ours(delivery_tag) is not None:
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        message = self._ours(delivery_tag)
        if message is None:
            super().reject(delivery_tag, requeue=requeue)
            return
        if requeue:
            self._give_back(message)
        virtual.QoS.ack(self, delivery_tag)

    def restore_unacked(self, client: Any = None) -> None:
        """At shutdown: what was received and not begun goes back to its queue."""
        for tag in list(self._delivered):
            message = self._ours(tag)
            if message is not None:
                self._give_back(message)
                self._delivered.pop(tag, None)
        super().restore_unacked(client)

    def _ours(self, delivery_tag: str) -> Any:
        message = self._delivered.get(delivery_tag)
        return message if message is not None and SUBJECT in message.headers else None

    def _give_back(self, message: Any) -> None:
        where = message.delivery_info
        with self.channel.conn_or_acquire() as client, client.pipeline() as pipe:
            self.channel._do_restore_message(message._raw, where["exchange"], where["routing_key"], pipe, leftmost=True)
            pipe.execute()


class Channel(redis.Channel):
    """A channel that keeps its client object, which kombu makes anew (80 us) for each command, and that publishes our
    messages over a connection which it keeps: the client's own way to send a command costs three times as much."""

    QoS = QoS
    _held: tuple[Any, Any] | None = None
    _line: Any = None

    def _put(self, queue: str, message: Any, **options: Any) -> None:
        expires = getattr(self, "_expires", None)
        if options or expires or self.global_keyprefix or SUBJECT not in message["headers"]:
            super()._put(queue, message, **options)
            return
        key = self._q_for_pri(queue, self._get_message_priority(message, reverse=False))
        line, self._line = self._line or self.Client(connection_pool=self.pool, single_connection_client=True), None
        try:
            line.connection.send_command("LPUSH", key, dumps(message))
            line.connection.read_response()
        except BaseException:
            line.connection.disconnect()  # whatever comes back on it would be taken for the next answer
            line.close()
            raise
        self._line = line

    def close(self) -> None:
        """Close the channel, and give its connection back."""
        line, self._line = self._line, None
        if line is not None:
            line.close()
        super().close()

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        if client:
            yield client
            return
        pool = self.pool
        if self._held is None or self._held[0] is not pool:
            self._held = (pool, self._create_client())
        yield self._held[1]


class Transport(redis.Transport):
    """For ``broker_transport``; takes the same URLs and options as kombu's."""

    Channel = Channel
