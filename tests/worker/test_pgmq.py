"""PostgreSQL as the broker: one URL, installed by whoever comes first, and nobody waits for a timer to be woken."""

import importlib.util
import select
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import kombu
import psycopg
import pytest
from celery import Celery

from durableflow.config import Settings
from durableflow.errors import ConfigurationError, DatabaseUnreachable
from durableflow.migrations.pgmq import install_pgmq
from durableflow.store.messages import SUBJECT, Message, StepId, step_message
from durableflow.worker import pgmq
from durableflow.worker.publisher import Publisher
from durableflow.worker.settings import PGMQ, adopt, celery_settings
from tests.worker import shop
from tests.worker.workers import Worker

DATABASE = "postgresql://shop:s3cret@db.example:6432/shop?sslmode=require"


# ---------------------------------------------------------------------- the worker's event loop


class Loop:
    """As much as the transport asks of kombu's."""

    def __init__(self) -> None:
        self.on_tick: set[Callable[[], None]] = set()
        self.readers: dict[int, tuple[Callable[[], None], tuple[()]]] = {}
        self.timers: list[float] = []

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        self.readers[fd] = (callback, ())

    def remove_reader(self, fd: int) -> None:
        del self.readers[fd]

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.timers.append(delay)

    def turns_at_once(self) -> bool:
        """Whether it would not wait now: what it is about to wait for is there already. Calls whom that concerns."""
        ready = select.select(list(self.readers), [], [], 0)[0]
        for fd in ready:
            self.readers[fd][0]()
        return bool(ready)


def test_a_look_is_followed_by_another_turn_of_the_loop_whoever_else_has_had_theirs_in_this_one(
    database_url: str,
) -> None:
    """The loop settles how long it waits before the ticks, and the pool's, which has something to write for each
    message, may come before ours: the message would lie there for up to a second."""
    install_pgmq(database_url)
    app = Celery("turning", set_as_current=False)
    app.conf.update(celery_settings(Settings.load(database_url=database_url, broker_url="pgmq://")))
    got: list[object] = []
    with app.connection_for_read() as connection, connection.SimpleQueue("turns") as queue:
        queue.consumer.callbacks = [lambda body, message: (got.append(body), message.ack())]
        queue.consumer.consume()
        loop = Loop()
        transport = connection.transport
        transport.register_with_event_loop(connection.connection, loop)
        (tick,) = loop.on_tick
        queue.put("word")
        tick()
        assert got == ["word"]
        assert loop.turns_at_once()
        assert not loop.turns_at_once()
        tick()  # nothing is there: it has set a timer, which the loop does not know of yet
        assert loop.timers
        assert loop.turns_at_once()
    assert (loop.on_tick, loop.readers) == (set(), {})


# ---------------------------------------------------------------------- settings


def test_pgmq_alone_is_the_database_of_the_runs_and_another_one_can_be_named() -> None:
    assert Settings.load(database_url=DATABASE, broker_url="pgmq://").broker_database() == DATABASE
    other = Settings.load(database_url=DATABASE, broker_url="pgmq://u:p@elsewhere/queues")
    assert other.broker_database() == "postgresql://u:p@elsewhere/queues"
    assert Settings.load(database_url=DATABASE, broker_url="redis://here/0").broker_database() is None
    with pytest.raises(ConfigurationError, match="no database is configured"):
        Settings.load(broker_url="pgmq://").broker_database()


def test_everything_that_libpq_takes_reaches_it_and_the_password_is_not_shown() -> None:
    app = Celery("shown", set_as_current=False)
    app.conf.update(celery_settings(Settings.load(database_url=DATABASE, broker_url="pgmq://")))
    assert app.conf.broker_transport == PGMQ
    assert app.conf.broker_transport_options["database"] == DATABASE
    assert "s3cret" not in app.connection_for_write().as_uri()
    assert "s3cret" not in app.conf.humanize()


def test_an_adopted_app_whose_broker_is_pgmq_gets_the_transport_and_keeps_its_options() -> None:
    app = Celery("adopted", broker="pgmq://", set_as_current=False)
    app.conf.broker_transport_options = {"visibility_timeout": 60}
    adopt(app, SimpleNamespace(settings=Settings.load(database_url=DATABASE)))
    assert app.conf.broker_transport == PGMQ
    assert app.conf.broker_transport_options == {"visibility_timeout": 60, "database": DATABASE, "use_notify": True}


def test_a_missing_package_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("durableflow.worker.settings.find_spec", lambda name: None if name == "pgmq" else found(name))
    with pytest.raises(ConfigurationError, match=r"not here \(pgmq\): pip install 'durableflow\[pgmq\]'"):
        celery_settings(Settings.load(database_url=DATABASE, broker_url="pgmq://"))


# ---------------------------------------------------------------------- the installation


def test_any_number_of_processes_install_it_at_once_and_one_of_them_does(empty_database_url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        installed = list(pool.map(lambda _: install_pgmq(empty_database_url), range(8)))
    assert sorted(installed) == [False] * 7 + [True]
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("SELECT pgmq.create('orders')")


def test_who_may_not_install_it_is_told_what_to_do(empty_database_url: str) -> None:
    role = f"durableflow_test_{uuid4().hex[:12]}"
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'one'".encode())
        try:
            with pytest.raises(ConfigurationError, match=r"permission denied.*durableflow migrate --broker") as refused:
                install_pgmq(_as_user(empty_database_url, role, "one"))
            assert ":one@" not in str(refused.value)
        finally:
            conn.execute(f"DROP ROLE {role}".encode())


def _as_user(url: str, user: str, password: str) -> str:
    address = urlsplit(url)
    return address._replace(netloc=f"{user}:{password}@{address.hostname}:{address.port or 5432}").geturl()


def test_an_installation_that_is_too_old_is_refused(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("CREATE SCHEMA pgmq; CREATE TABLE pgmq.meta (queue_name text)")
    with pytest.raises(ConfigurationError, match="older than this needs"):
        install_pgmq(empty_database_url)


def test_a_database_that_does_not_answer_is_named() -> None:
    with pytest.raises(DatabaseUnreachable, match=r"no database answers at postgresql://u:\*\*\*@127\.0\.0\.1:1/x"):
        install_pgmq("postgresql://u:secret@127.0.0.1:1/x")


# ---------------------------------------------------------------------- messages


@pytest.fixture
def app(database_url: str) -> Celery:
    install_pgmq(database_url)
    app = Celery("queues", set_as_current=False)
    app.conf.update(celery_settings(Settings.load(database_url=database_url, broker_url="pgmq://")))
    return app


@pytest.fixture
def publisher(app: Celery) -> Iterator[Publisher]:
    publisher = Publisher(app)
    yield publisher
    publisher.close()


class Consumer:
    """A consumer on the transport that workers use. got: what it was given."""

    def __init__(self, app: Celery, *queues: Any, prefetch: int = 0) -> None:
        self.got: list[Any] = []
        self.connection: Any = app.connection_for_read()
        self.channel = self.connection.channel()
        kombu.Consumer(
            self.channel, list(queues), on_message=self.got.append, accept=["json"], prefetch_count=prefetch
        ).consume()

    def drain(self, seconds: float = 0.2) -> list[Any]:
        """What comes until nothing does for so long."""
        try:
            while True:
                self.connection.drain_events(timeout=seconds)
        except TimeoutError:
            return self.got

    def close(self) -> None:
        self.channel.close()
        self.connection.close()


@pytest.fixture
def consume(app: Celery) -> Iterator[Callable[..., Consumer]]:
    consumers: list[Consumer] = []

    def start(*queues: str | kombu.Queue, prefetch: int = 0) -> Consumer:
        bound = [app.amqp.queues[queue] if isinstance(queue, str) else queue for queue in queues]
        consumers.append(Consumer(app, *bound, prefetch=prefetch))
        return consumers[-1]

    yield start
    for consumer in consumers:
        consumer.close()


def message(queue: str) -> Message:
    return step_message(StepId(uuid4(), 1, 0), "shop.add", queue, 0, 1)


def test_a_message_wakes_who_has_gone_to_sleep(
    app: Celery, publisher: Publisher, consume: Callable[..., Consumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgmq, "_IDLE", 3600.0)  # nobody looks by himself
    monkeypatch.setattr(pgmq, "_LIVELY", 0.0)
    monkeypatch.setattr(pgmq, "_SILENT", 0.0)
    consumer = consume("one", "two")
    assert consumer.drain() == []
    for queue in ("two", "one", "two"):
        sender = threading.Timer(0.1, publisher.publish, [[message(queue)]])
        sender.start()
        consumer.connection.drain_events(timeout=60)
        sender.join()
        assert consumer.got.pop().delivery_info["routing_key"] == queue
    sender = threading.Timer(0.1, app.send_task, ["somebody.elses"], {"queue": "one"})
    sender.start()
    consumer.connection.drain_events(timeout=60)
    sender.join()


def test_who_has_announced_a_message_a_moment_ago_is_heard_without_announcing_the_next(
    publisher: Publisher, consume: Callable[..., Consumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgmq, "_IDLE", 3600.0)
    consumer = consume("one")
    for count in range(1, 6):
        publisher.publish([message("one")])
        deadline = time.monotonic() + 30
        while len(consumer.got) < count and time.monotonic() < deadline:
            consumer.connection.drain_events(timeout=30)
    assert len(consumer.got) == 5


def test_two_consumers_share_what_there_is(publisher: Publisher, consume: Callable[..., Consumer]) -> None:
    sent = [message("one") for _ in range(30)]
    publisher.publish(sent)
    first, second = consume("one", prefetch=10), consume("one")
    first.drain()
    second.drain()
    assert len(first.got) == 10
    ids = [each.headers["id"] for consumer in (first, second) for each in consumer.got]
    assert sorted(ids) == sorted(each.id for each in sent)


def test_ours_are_deleted_with_the_next_look_and_others_when_they_are_acknowledged(
    app: Celery, publisher: Publisher, consume: Callable[..., Consumer], db: psycopg.Connection[Any]
) -> None:
    consumer = consume("one")
    app.send_task("somebody.elses", queue="one")
    publisher.publish([message("one"), message("one")])
    consumer.drain()
    ours = [each for each in consumer.got if SUBJECT in each.headers]
    (other,) = [each for each in consumer.got if SUBJECT not in each.headers]

    def stored() -> int:
        row = db.execute("SELECT count(*) FROM pgmq.q_one").fetchone()
        assert row is not None
        return int(row[0])

    other.ack()
    assert stored() == 2
    for each in ours:
        each.ack()
    assert stored() == 2
    consumer.drain()
    assert stored() == 0


def test_what_a_dead_worker_had_taken_stays_for_the_visibility_timeout(
    app: Celery, publisher: Publisher, db: psycopg.Connection[Any]
) -> None:
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, "visibility_timeout": 60}
    consumer = Consumer(app, app.amqp.queues["one"])
    publisher.publish([message("one")])
    consumer.drain()
    consumer.connection.transport.line.close()  # as a killed process does
    row = db.execute("SELECT vt > now() + '50 s' AND vt < now() + '61 s' FROM pgmq.q_one").fetchone()
    assert row == (True,)
    consumer.close()
    row = db.execute("SELECT vt <= clock_timestamp() FROM pgmq.q_one").fetchone()
    assert row == (True,), "what is closed in good order gives back at once"


def test_a_queue_with_a_long_name_is_another_one_than_its_like(
    publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    names = [f"celery@a-worker-in-a-pod-with-a-very-long-name-{n}.celery.pidbox" for n in range(2)]
    consumer = consume(names[1])
    publisher.publish([message(name) for name in names])
    assert [each.delivery_info["routing_key"] for each in consumer.drain()] == [names[1]]


def test_a_broadcast_and_an_event_reach_whoever_listens(
    app: Celery, consume: Callable[..., Consumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgmq, "_IDLE", 3600.0)
    everybody = kombu.Exchange("everybody", type="fanout")
    topics = kombu.Exchange("topics", type="topic")
    first = consume(kombu.Queue("first", everybody), kombu.Queue("some", topics, routing_key="worker.#"))
    second = consume(kombu.Queue("second", everybody))
    first.drain()
    with app.connection_for_write() as connection, connection.Producer() as producer:
        producer.publish({"to": "all"}, exchange=everybody, declare=[everybody], headers={"one": 1})
        producer.publish({"to": "some"}, exchange=topics, routing_key="worker.online", declare=[topics], headers={})
        producer.publish({"to": "none"}, exchange=topics, routing_key="task.sent", declare=[topics])
    assert sorted(each.payload["to"] for each in first.drain()) == ["all", "some"]
    assert [each.payload["to"] for each in second.drain()] == ["all"]


# ---------------------------------------------------------------------- workers


@pytest.mark.parametrize("pool", ["prefork", "gevent"])  # in the worker's event loop, and in a loop that waits
def test_a_worker_needs_nothing_but_postgresql(
    df: Any, start_worker: Callable[..., Worker], db: psycopg.Connection[Any], pool: str
) -> None:
    """It installs pgmq by itself, and leaves no mailbox behind."""
    worker = start_worker("-P", pool, "-c", "2", more={"DURABLEFLOW_BROKER_URL": "pgmq://"})
    assert shop.chain(5).start().result(timeout=60) == 5
    assert db.execute("SELECT count(*) FROM pgmq.meta WHERE queue_name LIKE '%pidbox'").fetchone() == (0,)
    assert worker.stop() == 0
