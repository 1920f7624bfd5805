"""What the doctor says of a broker on Redis: of a server that the tests may spoil."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import redis

from durableflow.devstack.valkey import ValkeyServer
from durableflow.doctor import clocks, examine
from durableflow.errors import DevStackError
from tests.doctor.conftest import celery_app, check, flow, titles


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    try:
        with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
            yield server
    except DevStackError as why:
        pytest.skip(str(why))


@pytest.fixture
def client(server: ValkeyServer) -> Iterator[redis.Redis]:
    """Its settings are put back afterwards."""
    with redis.Redis.from_url(server.url) as client:
        before = client.config_get("maxmemory*") | client.config_get("appendonly") | client.config_get("save")
        yield client
        client.replicaof("NO", "ONE")
        for name in ("maxmemory", "maxmemory-policy", "appendonly", "save"):
            client.config_set(name, before[name])
        client.flushall()


def test_a_server_as_durableflow_starts_it_has_nothing_wrong_with_it(server: ValkeyServer) -> None:
    df = flow(broker=server.url)
    for name in ("broker", "transport", "redis-writable", "redis-eviction", "redis-persistence", "broker-clock"):
        assert check(df, name).state == "fine"
    assert titles(check(df, "redis-memory")) == ["note: Redis has no maxmemory"]
    assert check(df, "visibility-timeout").state == "fine"
    assert check(df, "consumer-timeout").state == "does not apply"


def test_a_policy_that_evicts_queues_is_a_danger_as_soon_as_there_is_a_limit(
    server: ValkeyServer, client: redis.Redis
) -> None:
    df = flow(celery_app(broker=server.url))
    client.config_set("maxmemory-policy", "allkeys-lru")
    title = "Redis evicts keys when its memory is full: maxmemory-policy is allkeys-lru"
    assert titles(check(df, "redis-eviction")) == [f"warning: {title}"]
    client.config_set("maxmemory", "1gb")
    assert titles(check(df, "redis-eviction")) == [f"danger: {title}"]
    assert check(df, "redis-memory").state == "fine"
    client.config_set("maxmemory-policy", "volatile-ttl")
    assert titles(check(df, "redis-eviction")) == ["note: maxmemory-policy is volatile-ttl"]


def test_a_full_redis_is_a_danger_and_one_that_is_nearly_full_a_warning(
    server: ValkeyServer, client: redis.Redis
) -> None:
    df = flow(broker=server.url)
    client.eval("for i = 1, 2000 do redis.call('set', i, string.rep('x', 10000)) end", 0)
    used = int(client.info()["used_memory"])
    client.config_set("maxmemory", int(used / 0.95))
    assert [title.split(": ")[0] for title in titles(check(df, "redis-memory"))] == ["warning"]
    client.config_set("maxmemory", used // 2)
    assert [title.split(": ")[0] for title in titles(check(df, "redis-memory"))] == ["danger"]


def test_a_redis_that_keeps_nothing_is_a_warning_for_whoever_has_other_tasks(
    server: ValkeyServer, client: redis.Redis
) -> None:
    client.config_set("appendonly", "no")
    mixed = celery_app(broker=server.url)
    mixed.task(name="theirs", shared=False)(nothing)
    assert titles(check(flow(mixed), "redis-persistence")) == ["warning: Redis keeps nothing over a restart"]
    assert titles(check(flow(broker=server.url), "redis-persistence")) == ["note: Redis keeps nothing over a restart"]
    client.config_set("save", "3600 1")
    assert titles(check(flow(mixed), "redis-persistence")) == ["note: Redis keeps snapshots only"]


def test_a_replica_is_a_danger(server: ValkeyServer, client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", "1")
    assert titles(check(flow(broker=server.url), "redis-writable")) == ["danger: the Redis that answers is a replica"]


def test_a_client_that_may_not_ask_is_told_what_could_not_be_checked(server: ValkeyServer, client: redis.Redis) -> None:
    client.config_set("appendonly", "no")
    client.acl_setuser(
        "narrow",
        enabled=True,
        passwords=["+of-narrow"],
        keys=["*"],
        channels=["*"],
        commands=["+@all", "-config", "-time"],
    )
    url = urlsplit(server.url)
    df = flow(broker=url._replace(netloc=f"narrow:of-narrow@{url.hostname}:{url.port}").geturl())
    checked = check(df, "redis-persistence")
    assert checked.state == "not made"
    assert str(checked.not_made).startswith("whether Redis takes snapshots cannot be seen: NoPermissionError")
    assert "NoPermissionError" in str(check(df, "broker-clock").not_made)


def test_messages_that_workers_hold_for_too_far_a_time_are_found_in_the_broker(
    server: ValkeyServer, client: redis.Redis
) -> None:
    app = celery_app(broker=server.url, broker_transport_options={"global_keyprefix": "ours:"})
    df = flow(app)
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    client.hset("ours:unacked", "tag", json.dumps([{"headers": {"task": "theirs", "eta": later}}, "", "q"]))
    (finding,) = check(df, "visibility-timeout").findings
    assert finding.title == "messages wait for a time that is further away than the visibility timeout of 3600 s"
    assert finding.meaning.startswith("theirs: ")


def test_a_clock_that_is_ahead_of_that_of_redis_is_told(server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    df = flow(broker=server.url)
    for ahead, severity in ((90.0, "danger"), (10.0, "warning")):
        fake = SimpleNamespace(time=lambda ahead=ahead: datetime.now(UTC).timestamp() + ahead)
        monkeypatch.setattr(clocks, "time", fake)
        (finding,) = check(df, "broker-clock").findings
        assert finding.severity == severity
        assert finding.title.startswith("the clock of Redis is ")
        assert finding.title.endswith(" s behind that of this machine")


def test_examining_writes_nothing_to_redis(server: ValkeyServer, client: redis.Redis) -> None:
    client.config_resetstat()
    client.set("there", "before")
    examine(flow(celery_app(broker=server.url)))
    stats = client.info("commandstats")
    assert client.keys() == [b"there"]
    asked = {name.removeprefix("cmdstat_").partition("|")[0] for name in stats}
    assert "hscan" in asked
    assert asked <= {"set", "info", "keys", "hello", "auth", "client", "select", "ping", "hscan", "time", "config"}


def nothing() -> None: ...
