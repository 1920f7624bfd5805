"""PostgreSQL as the broker: kombu's pgmq transport, with another way to wait, and fewer statements.

Kombu's waits inside of PostgreSQL, two seconds at each queue in turn, in a loop of Celery's that can do nothing else
meanwhile; or it looks once in each second. This one takes part in the worker's event loop. It is told of new messages
by ``NOTIFY``, and for a moment after each message it looks again a hundred times in a second. So senders need not
notify for each message, which would have their commits queue up: who has notified a moment ago may be silent, because
whoever that woke is still looking.

A message of ours is only a wake-up: its row is in ``ready``. So neither sending nor deleting it waits for the disk, and
it is deleted with the statement that looks for the next one. Every other message is as safe as kombu makes it. What a
worker had taken is given back when it stops. What a killed worker had taken comes back after the visibility timeout,
half an hour by default: if it is ours, it is stale by then, and finds nothing to do.

What PostgreSQL does not have: priorities among the messages of a queue. Ours go by the order of dispatch.
"""

# mypy: disable-error-code="no-untyped-call"

import hashlib
import logging
import select
import time
from collections.abc import Callable
from queue import Empty
from typing import Any, NamedTuple, cast

import psycopg
from kombu.transport import pgmq, virtual
from kombu.utils.json import dumps, loads
from pgmq import PGMQueue
from psycopg.conninfo import make_conninfo

from durableflow.store.messages import SUBJECT
from durableflow.worker.bell import Bell
from durableflow.worker.line import Line

_log = logging.getLogger(__name__)

_LIVELY = 0.25
"""Seconds after a message, or after word of one, for which the next one is looked for all the time."""

_SILENT = 0.05
"""Seconds for which a sender that has notified need not notify again. Well below the above: nobody may go to sleep
between a message that was announced and one that was not."""

_BRISK = 0.01
_IDLE = 1.0
_DEAF = 0.1  # where there are no notifications, behind PgBouncer

_LONGEST = 47
"""Characters of a queue's name that pgmq takes."""

_SPENT = 50
"""Messages of a queue that are acknowledged at the most before they are deleted."""

_EVERYBODY = "durableflow.broker"
"""The channel on which a broadcast is announced, whose queues its sender does not know."""

_OFF = "set_config('synchronous_commit', 'off', true)"
_SEND = "SELECT (SELECT count(*) FROM pgmq.send(%(queue)s, %(message)s::jsonb))"
_SEND_BATCH = "SELECT (SELECT count(*) FROM pgmq.send_batch(%(queue)s, %(messages)s::jsonb[]))"
_SEND_TOPIC = "SELECT pgmq.send_topic(%(key)s, %(message)s::jsonb)"
_DELETE = "SELECT (SELECT count(*) FROM pgmq.delete(%(queue)s, %(spent)s::bigint[]))"
_GIVE_BACK = "SELECT (SELECT count(*) FROM pgmq.set_vt(%(queue)s, %(id)s, 0))"
_NOTIFY = "pg_notify(%(channel)s, '')"

# All in one statement, and so in one round trip. What is added to the number is nothing: it is in an argument because
# that is evaluated whether or not the function has rows to give.
_READ = "SELECT r.msg_id, r.read_ct, r.message::text FROM pgmq.read(%(queue)s, %(seconds)s, %(most)s + {nothing}) AS r"
_JUST_READ = _READ.format(nothing=f"0 * length({_OFF})")
_DELETE_AND_READ = _READ.format(nothing=f"0 * length({_OFF}) + (0 * ({_DELETE}))::int")
_POP = "SELECT r.msg_id, r.read_ct, r.message::text FROM pgmq.pop(%(queue)s, %(most)s) AS r"

_EXISTS = "SELECT FROM pgmq.meta WHERE queue_name = %(queue)s"
_WAITING = "SELECT queue_visible_length FROM pgmq.metrics(%(queue)s)"


class Received(NamedTuple):
    """A message as kombu's transport takes it from pgmq's client."""

    msg_id: int
    read_ct: int
    message: dict[str, Any]


class QoS(virtual.QoS):
    """What was delivered and is not acknowledged: given back when the channel is closed."""

    def restore_unacked(self) -> list[Any]:
        """Make it visible to others at once. Where the database is away it becomes visible by itself, later."""
        self._flush()
        for tag in list(self._delivered):
            message = self._delivered.pop(tag)
            try:
                self.channel._restore(message)
            except psycopg.Error as error:
                _log.warning("what was taken from the broker comes back after its visibility timeout: %s", error)
                self._delivered.clear()
        return []


class Batch:
    """Messages of ours that are sent by one statement for each queue."""

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        self._waiting: dict[str, list[str]] = {}

    def publish(self, message: dict[str, Any], *, exchange: str, routing_key: str) -> None:
        """Keep the message for ``flush``; one for an exchange of its own is sent at once."""
        if exchange:
            self._channel.basic_publish(message, exchange=exchange, routing_key=routing_key)
            return
        self._channel._inplace_augment_message(message, exchange, routing_key)
        self._waiting.setdefault(self._channel._queue_name(routing_key), []).append(dumps(message))

    def flush(self) -> None:
        """Send what was kept."""
        while self._waiting:
            queue, messages = self._waiting.popitem()
            self._channel.send_ours(_SEND_BATCH, queue, messages=messages)

    def close(self) -> None:
        """Forget what was not sent."""
        self._waiting.clear()


class Channel(pgmq.Channel):
    """A channel whose operations on messages are one statement each."""

    QoS = QoS
    supports_batch_publish = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._spent: dict[str, list[int]] = {}
        self._notified: dict[str, float] = {}
        super().__init__(*args, **kwargs)
        self.qos.restore_at_shutdown = True

    @property
    def _line(self) -> Line:
        line: Line = self.connection.line
        return line

    def create_publish_batch(self, max_size: int) -> Batch:
        """For messages of ours; max_size: how many the caller will give it."""
        return Batch(self)

    def entity_name(self, name: Any, table: Any = pgmq.CHARS_REPLACE_TABLE) -> str:
        """As kombu's; a name that pgmq would refuse (a worker's mailbox is named for its host) ends in a digest."""
        plain: str = super().entity_name(name, table)
        if len(plain) <= _LONGEST:
            return plain
        digest = hashlib.sha256(plain.encode()).hexdigest()[:12]
        return f"{plain[: _LONGEST - 13]}_{digest}"

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        consumed = super().basic_consume(queue, no_ack, *args, **kwargs)
        self.connection.listen(self._queue_name(queue))
        return consumed

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Ours are deleted later, with the statement that reads the next ones."""
        message = self.qos._delivered.get(delivery_tag)
        if multiple or message is None or SUBJECT not in message.headers:
            super().basic_ack(delivery_tag, multiple)
            return
        where = message.delivery_info
        spent = self._spent.setdefault(where["pgmq_queue"], [])
        spent.append(where["pgmq_msg_id"])
        if len(spent) >= _SPENT:
            self._delete_spent()
        self.qos.ack(delivery_tag)

    def close(self) -> None:
        """Give back what is not acknowledged, and delete what is."""
        if not self.closed and self._spent:
            try:
                self._delete_spent()
            except psycopg.Error as error:
                _log.debug("messages that are done with come once more, and find nothing to do: %s", error)
        super().close()

    def send_ours(self, statement: str, queue: str, **parameters: Any) -> None:
        """Send without waiting for the disk, and with word of it; queue: as pgmq calls it."""
        parameters["queue"] = queue
        if self._may_be_silent(queue):
            self._line.execute(f"{statement}, {_OFF}", parameters)
        else:
            self._line.execute(f"{statement}, {_OFF}, {_NOTIFY}", {**parameters, "channel": _channel_of(queue)})

    # ------------------------------------------------------------------ what the base classes ask for

    def _put(self, queue: str, message: dict[str, Any], **options: Any) -> None:
        if SUBJECT in message["headers"]:
            self.send_ours(_SEND, self._queue_name(queue), message=dumps(message))
        else:
            super()._put(queue, message, **options)
            self._announce(self._queue_name(queue))

    # Kombu gives the message's headers twice, with the message and beside it, for which pgmq 1.13 has no function. What
    # is sent to everybody (events, remote control) is worth nothing after a crash.

    def _put_fanout(self, exchange: str, message: dict[str, Any], routing_key: str, **options: Any) -> None:
        sent = {"key": self._fanout_topic_key(exchange), "message": dumps(message), "channel": _EVERYBODY}
        self._line.execute(f"{_SEND_TOPIC}, {_OFF}, {_NOTIFY}", sent)

    def _put_topic(self, exchange: str, message: dict[str, Any], routing_key: str, **options: Any) -> None:
        sent = {"key": self._topic_key(exchange, routing_key), "message": dumps(message)}
        self._line.execute(f"{_SEND_TOPIC}, {_OFF}", sent)

    def _receive_messages(
        self, queue: str, qty: int = 1, *, poll: bool = False, timeout: Any = None, no_ack: bool = False
    ) -> list[Any]:
        if self.fifo_mode:
            received: list[Any] = super()._receive_messages(queue, qty, no_ack=no_ack)
            return received
        name = self._queue_name(queue)
        asked: dict[str, Any] = {"queue": name, "seconds": self.visibility_timeout, "most": qty}
        if no_ack or queue in self._noack_queues:
            rows = self._line.execute(_POP, asked)
        elif spent := self._spent.pop(name, None):
            rows = self._line.execute(_DELETE_AND_READ, {**asked, "spent": spent})
        else:
            rows = self._line.execute(_JUST_READ, asked)
        return [Received(number, reads, loads(text)) for number, reads, text in sorted(rows)]

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        if not self._has_queue(queue):  # to create it takes locks, and a privilege that a client need not have
            super()._new_queue(queue, **kwargs)

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        """No: pgmq's own notifications are sent by a trigger that updates one row for each message."""

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return bool(self._line.execute(_EXISTS, {"queue": self._queue_name(queue)}))

    def _size(self, queue: str) -> int:
        """Those that nobody has taken, as with other brokers."""
        return int(self._line.execute(_WAITING, {"queue": self._queue_name(queue)})[0][0])

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        self._spent.pop(self._queue_name(queue), None)
        super()._delete(queue, *args, **kwargs)

    def _restore(self, message: Any, *args: Any) -> None:
        where = message.delivery_info
        queue, number = where.get("pgmq_queue"), where.get("pgmq_msg_id")
        if queue is None or number is None:
            super()._restore(message, *args)
        else:
            self._line.execute(_GIVE_BACK, {"queue": queue, "id": number})
            self._announce(queue)

    # ------------------------------------------------------------------ how it is done

    def _announce(self, queue: str) -> None:
        if not self._may_be_silent(queue):
            self._line.execute(f"SELECT {_NOTIFY}", {"channel": _channel_of(queue)})

    def _may_be_silent(self, queue: str) -> bool:
        """Whether those who wait for the queue were told a moment ago. False: they have to be told now."""
        now = time.monotonic()
        silent = now - self._notified.get(queue, -_SILENT) < _SILENT
        if not silent:
            self._notified[queue] = now
        return silent

    def _delete_spent(self) -> None:
        while self._spent:
            queue, spent = self._spent.popitem()
            self._line.execute(f"{_DELETE}, {_OFF}", {"queue": queue, "spent": spent})


def _channel_of(queue: str) -> str:
    """As pgmq's own notifications are called, so that whoever waits for those hears of our messages too."""
    return f"pgmq.q_{queue}.INSERT"


class Transport(pgmq.Transport):
    """For ``broker_transport``; takes the same URLs and options as kombu's, and these instead of its ways to wait.

    database: what libpq takes, instead of the URL's parts (``conn_string`` is kombu's name for it, which Celery does
    not hide in its reports); use_notify: False behind PgBouncer in transaction mode.
    """

    Channel = Channel
    implements = pgmq.Transport.implements.extend(asynchronous=True)
    # Whatever goes wrong with a statement, a queue that somebody has dropped included, a fresh start mends.
    connection_errors: Any = (*virtual.Transport.connection_errors, psycopg.Error)

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self._notifies = bool(client.transport_options.get("use_notify", True))
        self.line = Line(self._conninfo(), session=self._notifies, hear=self._hear)
        self._look_at = 0.0
        self._lively_until = 0.0
        self._loop: Any = None
        self._bell: Bell | None = None
        self._read_by_the_loop: dict[int, Callable[[], None]] = {}

    def listen(self, queue: str) -> None:
        """Hear of new messages in the queue, as pgmq calls it."""
        if self._notifies:
            self.line.listen(_channel_of(queue))
            self.line.listen(_EVERYBODY)
        self._hear()

    def establish_connection(self) -> Any:
        self.line.execute("SELECT 1", {})
        return virtual.Transport.establish_connection(self)

    def verify_connection(self, connection: Any) -> bool:
        try:
            self.line.execute("SELECT 1", {})
        except psycopg.Error:
            return False
        return True

    def close_connection(self, connection: Any) -> None:
        if self._bell is not None:
            self._loop.on_tick.discard(self._tick)
            for fd, callback in self._read_by_the_loop.items():
                # After an error the loop has forgotten all of them, and the number may be somebody else's by now.
                if self._loop.readers.get(fd, (None,))[0] == callback:
                    self._loop.remove_reader(fd)
            self._bell.close()
            self._loop = self._bell = None
        try:
            virtual.Transport.close_connection(self, connection)
        finally:
            self.line.close()

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Deliver what is there, or the next that comes. Raises TimeoutError after so many seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._look():
            left = self._pause() if until is None else min(self._pause(), until - time.monotonic())
            if left <= 0:
                raise TimeoutError
            if select.select([self.line], [], [], left)[0]:
                self.line.consume()

    # ------------------------------------------------------------------ in the worker's event loop

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        self._loop, self._bell = loop, Bell()
        self._read_by_the_loop = {self.line.fileno(): self.line.consume, self._bell.fileno(): self._bell.hush}
        for fd, callback in self._read_by_the_loop.items():
            loop.add_reader(fd, callback)
        loop.on_tick.add(self._tick)

    def _tick(self) -> None:
        """Called in each turn of the loop, before it waits for an event or for its next timer."""
        if self._bell is None or time.monotonic() < self._look_at or not self._may_take():
            return
        if not self._look():
            pause = self._pause()
            self._look_at = time.monotonic() + pause
            self._loop.call_later(pause, _nothing)
        # There may be more; the pool, whose turn may have been before ours, has something to write; and the loop has
        # settled how long it waits before it knew of our timer.
        self._bell.ring()

    # ------------------------------------------------------------------ when to look

    def _look(self) -> bool:
        """Deliver messages of one queue, the next in turn that has any."""
        if not self._may_take():
            return False
        try:
            cast(Any, self.cycle).get(self._deliver)
        except Empty:
            return False
        self._hear()
        return True

    def _may_take(self) -> bool:
        return any(channel._consumers and channel.qos.can_consume() for channel in self.channels)

    def _hear(self) -> None:
        """A message is there, or may be."""
        self._look_at = 0.0
        self._lively_until = time.monotonic() + _LIVELY

    def _pause(self) -> float:
        """Seconds from a look that found nothing to the next. Where nothing may be taken, that may change any time."""
        if time.monotonic() < self._lively_until or not self._may_take():
            return _BRISK
        return _IDLE if self._notifies else _DEAF

    # ------------------------------------------------------------------ the database

    def _create_pgmq_client(self) -> PGMQueue:
        """What the base class creates and drops queues with, on our connection."""
        return PGMQueue(pool=cast(Any, self.line), init_extension=False)

    def _conninfo(self) -> str:
        client: Any = self.client
        options = client.transport_options
        given = options.get("database") or options.get("conn_string")
        if given:
            return str(given)
        parts = {"host": client.hostname, "port": client.port, "user": client.userid, "password": client.password}
        database = (client.virtual_host or "").strip("/")
        return make_conninfo(**{name: part for name, part in parts.items() if part}, dbname=database or "postgres")


def _nothing() -> None:
    """Only for the loop to turn once more."""
