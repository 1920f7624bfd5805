"""Checks of a broker on Redis or Valkey. What it loses costs durable runs a moment, and other tasks everything."""

from collections.abc import Iterator
from typing import Any

from durableflow.doctor.finding import Finding, NotMade, danger, note, warning
from durableflow.doctor.patient import Patient

_NEARLY = 0.9


def eviction(patient: Patient) -> Iterator[Finding]:
    """Redis does not throw queues away when its memory is full."""
    info = patient.redis_info
    policy, limit = str(info.get("maxmemory_policy", "noeviction")), int(info.get("maxmemory", 0))
    if policy.startswith("allkeys"):
        evicted = int(info.get("evicted_keys", 0))
        title = f"Redis evicts keys when its memory is full: maxmemory-policy is {policy}"
        meaning = (
            "a queue is one key: when memory runs out, all of its messages go at once. Durable steps are published "
            "again; other tasks are lost"
        )
        mending = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf; a cache gets a Redis of its own"
        if limit:
            yield danger(title, f"{meaning}. Evicted since its start: {evicted}", mending)
        else:
            yield warning(title, f"{meaning}. There is no maxmemory at present, so nothing is evicted yet", mending)
    elif policy.startswith("volatile"):
        yield note(
            f"maxmemory-policy is {policy}",
            "queues have no time to live, so they are not evicted; results of other tasks are",
            "CONFIG SET maxmemory-policy noeviction, if Redis is a broker and nothing else",
        )


def memory(patient: Patient) -> Iterator[Finding]:
    """Redis has room for more messages."""
    info = patient.redis_info
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not limit:
        yield note(
            "Redis has no maxmemory",
            "it grows until the system ends it; durable queues hold a window of messages each, and do not make it grow",
            "CONFIG SET maxmemory, below what the machine has",
        )
    elif used >= _NEARLY * limit:
        full = "refuses messages" if used >= limit else "will refuse messages soon"
        yield (danger if used >= limit else warning)(
            f"Redis uses {100 * used // limit} % of its maxmemory",
            f"when it is full it {full} (OOM): sending a task raises; durable steps wait in PostgreSQL until there is "
            "room",
            "raise maxmemory, or find out what fills it: redis-cli --bigkeys",
        )


def persistence(patient: Patient) -> Iterator[Finding]:
    """Redis keeps what it has over a restart."""
    info = patient.redis_info
    if "err" in (info.get("rdb_last_bgsave_status"), info.get("aof_last_write_status")):
        yield danger(
            "Redis cannot write to its disk",
            "its last snapshot or append failed: by default it then refuses every write, so no message can be sent",
            "look at its log, and at the room on its disk",
        )
    if info.get("aof_enabled") or info.get("aof_rewrite_in_progress"):
        return
    lost = (
        "durable runs go on by themselves after a restart of Redis, without it; the messages of other tasks that were "
        "in it are lost"
    )
    mending = "set appendonly yes in redis.conf, if the app has other tasks that must not be lost"
    find = warning if patient.other_tasks else note
    if _takes_snapshots(patient):
        yield note(
            "Redis keeps snapshots only",
            "after a crash, it comes back with the messages of some minutes ago: durable steps are not executed twice "
            "by that, other tasks may be, or are lost",
            mending,
        )
    else:
        yield find("Redis keeps nothing over a restart", lost, mending)


def writable(patient: Patient) -> Iterator[Finding]:
    """The Redis that answers takes messages."""
    if patient.redis_info.get("role") == "slave":
        yield danger(
            "the Redis that answers is a replica",
            "a replica is read-only, or loses what is written to it: no message can be sent",
            "let broker_url name the primary, or use sentinel:// to have it found",
        )


def _takes_snapshots(patient: Patient) -> bool:
    def look(_channel: Any, client: Any) -> Any:
        return client.config_get("save")

    try:
        return bool(patient.ask_redis(look).get("save"))
    except NotMade as why:
        if patient.redis_info.get("rdb_saves"):  # hosted ones refuse CONFIG
            return True
        raise NotMade(f"whether Redis takes snapshots cannot be seen: {why}") from None
