"""The tables of durableflow, as SQLAlchemy metadata: what ``durableflow/migrations`` builds, in a form for tools.

The engine's statements are SQL of their own; this file is for the tests that hold the migrations to it, for
``alembic revision --autogenerate``, and for readers. Schema ``durableflow_core`` is private; the views in schema
``durableflow`` are what others may rely on.

What the constraints say, in one place: a run or step has an end time exactly when its state is an end; output exactly
when it succeeded; an error whenever it failed; a running step has a claim, a worker and a start. ``run`` and ``step``
have no index on a column that changes in place, and hot tables have no foreign keys.
"""

from collections.abc import Mapping

from sqlalchemy import (
    ARRAY,
    DDL,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

SCHEMA = "durableflow_core"
VIEWS = "durableflow"
VERSION_TABLE = "schema_revision"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={"pk": "%(table_name)s_pkey", "ck": "%(table_name)s_%(constraint_name)s"},
)

_NOW = text("durableflow_core.now()")
_TIME = DateTime(timezone=True)
# Rows of these tables live for a moment: without an early vacuum, a scan walks over the dead ones.
_QUEUE = {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "500"}
_ANALYZE = {"autovacuum_analyze_scale_factor": "0.2"}
_EAGER = {"autovacuum_vacuum_cost_delay": "0"}


def _table(name: str, *items: SchemaItem, storage: Mapping[str, str] | None = None) -> Table:
    table = Table(name, metadata, *items)
    if storage:
        settings = ", ".join(f"{key} = {value}" for key, value in storage.items())
        alter = DDL(f"ALTER TABLE {SCHEMA}.{name} SET ({settings})")  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", alter)
    return table


def _step_key() -> list[SchemaItem]:
    """The columns that name a step, and the primary key over them."""
    return [
        Column("run_id", Uuid, nullable=False),
        Column("rev", Integer, nullable=False),
        Column("index", Integer, nullable=False),
        PrimaryKeyConstraint("run_id", "rev", "index"),
    ]


def _now(name: str) -> Column[object]:
    return Column(name, _TIME, nullable=False, server_default=_NOW)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


workflow_version = _table(
    "workflow_version",
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("first_line", Integer, nullable=False),
    _count("flags"),
    Column("states", JSON),
    Column("names", JSON),
    Column("definition", JSON),
    Column("signature", Text),
    _now("created_at"),
    PrimaryKeyConstraint("name", "version"),
    CheckConstraint("first_line > 0", name="first_line"),
)

run = _table(
    "run",
    Column("id", Uuid, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("key", Text),
    Column("input", JSON, nullable=False),
    Column("input_digest", Text, nullable=False),
    Column("output", JSON),
    Column("error", JSON),
    Column("state", Text, nullable=False, server_default="running"),
    Column("labels", JSONB, nullable=False, server_default="{}"),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("queue", Text, nullable=False),
    Column("deadline_at", _TIME),
    Column("parked_reason", Text),
    Column("parent_id", Uuid),
    Column("parent_rev", Integer),
    Column("parent_index", Integer),
    _now("created_at"),
    Column("finished_at", _TIME),
    PrimaryKeyConstraint("id"),
    CheckConstraint("state IN ('running', 'succeeded', 'failed', 'cancelled')", name="state"),
    CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished"),
    CheckConstraint("(state = 'succeeded') = (output IS NOT NULL)", name="output"),
    CheckConstraint(
        "CASE state WHEN 'failed' THEN error IS NOT NULL WHEN 'cancelled' THEN true ELSE error IS NULL END",
        name="error",
    ),
    CheckConstraint("parked_reason IS NULL OR state = 'running'", name="parked"),
    CheckConstraint("jsonb_typeof(labels) = 'object'", name="labels"),
    CheckConstraint("num_nulls(parent_id, parent_rev, parent_index) IN (0, 3)", name="parent"),
    Index("run_by_key", "workflow", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
    storage={"fillfactor": "80"},
)

checkpoint = _table(
    "checkpoint",
    Column("run_id", Uuid, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Integer),
    Column("line", Integer),
    Column("variables", JSON),
    Column("awaits", JSON),
    _now("created_at"),
    Column("frames", JSON),  # the routines that the run stands in
    _count("opens"),  # so many things that were begun may still be under way
    PrimaryKeyConstraint("run_id", "rev"),
    CheckConstraint("kind IN ('start', 'advance', 'finish', 'fail', 'cancel', 'redrive')", name="kind"),
    CheckConstraint("variables IS NOT NULL OR kind IN ('finish', 'fail', 'cancel')", name="place"),
)

step = _table(
    "step",
    *_step_key(),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="task"),
    Column("state", Text, nullable=False),
    Column("shard", SmallInteger),  # of the join counter that it counts down; NULL: awaited alone; see `successor`
    Column("input", JSON, nullable=False),
    Column("output", JSON),
    Column("error", JSON),
    Column("options", JSON),
    Column("idempotency_key", Text),  # NULL: run_id:rev:index; kept by a redrive
    _count("attempt"),
    _count("failures"),
    _count("losses"),
    Column("claim", Uuid),
    Column("worker_id", Uuid),
    Column("queue", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    _now("created_at"),
    Column("due_at", _TIME),
    Column("started_at", _TIME),
    Column("finished_at", _TIME),
    Column("abandoned_at", _TIME),
    _flag("begun"),  # it goes on whatever the run awaits
    _count("needs"),  # so many steps, or counters of bundles, have to come to their end before it may begin
    Column("sources", ARRAY(Integer)),  # their indexes
    Column("feeds", ARRAY(Integer)),  # the indexes of those that need it
    Column("gate", SmallInteger),  # its group, whose members take turns
    Column("child_id", Uuid),  # the run that it is
    Column("answers", ARRAY(Integer)),  # the indexes of the steps one of whose failures lets it begin
    Column("errbacks", ARRAY(Integer)),  # the indexes of the steps that its own failure lets begin
    Column("expires_at", _TIME),  # it does not begin later than that
    # PostgreSQL parses each CHECK again at every execution of a statement: the twelve that were here cost a linear step
    # a quarter of its time in the server. These five are what the transitions rely on.
    CheckConstraint("state IN ('pending', 'ready', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
    CheckConstraint("state <> 'running' OR (claim IS NOT NULL AND worker_id IS NOT NULL)", name="claimed"),
    CheckConstraint("(state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint("(state = 'succeeded') = (output IS NOT NULL)", name="output"),
    CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="error"),
    storage={"fillfactor": "70"},
)

ready = _table(
    "ready",
    *_step_key(),
    Column("name", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("due_at", _TIME, nullable=False),
    Column("dispatched_at", _TIME),
    _count("dispatches"),
    CheckConstraint("dispatched_at IS NULL OR dispatches > 0", name="dispatched"),
    storage={"fillfactor": "90"} | _QUEUE | _ANALYZE | _EAGER,
)
Index(
    "ready_undispatched",
    ready.c.queue,
    ready.c.priority.desc(),
    ready.c.due_at,
    postgresql_where=text("dispatched_at IS NULL"),
)
Index("ready_in_flight", ready.c.queue, ready.c.dispatched_at, postgresql_where=text("dispatched_at IS NOT NULL"))

claim = _table(
    "claim",
    *_step_key(),
    Column("worker_id", Uuid, nullable=False),
    Column("pid", Integer, nullable=False),
    _now("claimed_at"),
    Index("claim_by_worker", "worker_id"),
    storage=_QUEUE | _ANALYZE | _EAGER,
)

wake = _table(
    "wake",
    Column("run_id", Uuid, nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("rev", Integer),
    Column("index", Integer),
    Column("due_at", _TIME, nullable=False),
    Column("visible_at", _TIME, nullable=False),
    Column("leased_by", Uuid),
    _count("tries"),
    _count("dispatches"),
    PrimaryKeyConstraint("run_id", "id"),
    CheckConstraint(
        "reason IN ('start', 'step', 'timer', 'join', 'deadline', 'cancel', 'redrive', 'rescue', 'unpark', 'event', "
        "'child', 'look')",
        name="reason",
    ),
    CheckConstraint("tries >= 0 AND dispatches >= 0", name="counts"),
    Index("wake_visible", "visible_at"),
    storage={"fillfactor": "70"} | _QUEUE | _ANALYZE | _EAGER,
)

join_counter = _table(
    "join_counter",
    Column("run_id", Uuid, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("shard", SmallInteger, nullable=False),  # 0: the root
    Column("remaining", Integer, nullable=False),
    Column("missing", Integer),  # of a bundle's: so many of its steps have not succeeded
    PrimaryKeyConstraint("run_id", "rev", "shard"),
    CheckConstraint("shard >= 0 AND remaining >= 0", name="remaining"),
    storage={"fillfactor": "50"} | _QUEUE | _EAGER,
)

queued = _table(
    "queued",
    Column("run_id", Uuid, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("gate", SmallInteger, nullable=False),
    Column("index", Integer, nullable=False),
    PrimaryKeyConstraint("run_id", "rev", "gate", "index"),
    storage=_QUEUE | _ANALYZE | _EAGER,
)

event_ = _table(
    "event",
    Column("run_id", Uuid, nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("name", Text, nullable=False),
    Column("event_id", Text),
    Column("payload", JSON, nullable=False),
    Column("sent_by", Text),
    _now("sent_at"),
    Column("received_at", _TIME),
    Column("received_rev", Integer),
    Column("received_index", Integer),
    Column("rejected_at", _TIME),
    Column("rejection", Text),
    PrimaryKeyConstraint("run_id", "id"),
    CheckConstraint("num_nulls(received_at, received_rev, received_index) IN (0, 3)", name="received"),
    CheckConstraint("(rejected_at IS NULL) = (rejection IS NULL)", name="rejected"),
    CheckConstraint("received_at IS NULL OR rejected_at IS NULL", name="once"),
    Index("event_by_id", "run_id", "event_id", unique=True, postgresql_where=text("event_id IS NOT NULL")),
    Index(
        "event_unreceived",
        "run_id",
        "name",
        "id",
        postgresql_where=text("received_at IS NULL AND rejected_at IS NULL"),
    ),
)

attempt = _table(
    "attempt",
    Column("run_id", Uuid, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("index", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("worker_id", Uuid),
    Column("hostname", Text),
    Column("started_at", _TIME),
    _now("finished_at"),
    Column("error", JSON),
    Column("traceback", Text),
    PrimaryKeyConstraint("run_id", "rev", "index", "attempt"),
    CheckConstraint("outcome IN ('failed', 'lost', 'snoozed')", name="outcome"),
    CheckConstraint("outcome <> 'failed' OR error IS NOT NULL", name="error"),
)

worker = _table(
    "worker",
    Column("id", Uuid, nullable=False),
    Column("boot", Uuid, nullable=False),
    Column("hostname", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("queues", ARRAY(Text), nullable=False, server_default="{}"),
    Column("versions", ARRAY(Text), nullable=False, server_default="{}"),
    Column("holds", ARRAY(Text), nullable=False, server_default="{}"),
    Column("lock_key", BigInteger),
    Column("postmaster_at", _TIME),
    _now("started_at"),
    _now("seen_at"),
    Column("stopped_at", _TIME),
    Column("tombstone_at", _TIME),
    PrimaryKeyConstraint("id"),
    Index("worker_by_boot", "boot"),
    storage={"fillfactor": "50"},
)

leadership = _table(
    "leadership",
    Column("name", Text, nullable=False),
    Column("holder", Uuid, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    PrimaryKeyConstraint("name"),
    storage={"fillfactor": "50"},
)

value = _table(
    "value",
    Column("run_id", Uuid, nullable=False),
    Column("hash", Text, nullable=False),
    Column("body", JSON, nullable=False),
    PrimaryKeyConstraint("run_id", "hash"),
)

congestion = _table(
    "congestion",
    Column("queue", Text, nullable=False),
    _now("since"),
    PrimaryKeyConstraint("queue"),
)

schedule = _table(
    "schedule",
    Column("name", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("expression", Text, nullable=False),
    Column("tz", Text, nullable=False),
    Column("catch_up", Text, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("grace", Double, nullable=False),  # seconds
    Column("next_at", _TIME, nullable=False),
    Column("last_run_id", Uuid),
    Column("paused_at", _TIME),
    Column("removed_at", _TIME),
    _now("created_at"),
    PrimaryKeyConstraint("name"),
    CheckConstraint("catch_up IN ('skip', 'one', 'all')", name="catch_up"),
    CheckConstraint("overlap IN ('allow', 'skip', 'queue')", name="overlap"),
    CheckConstraint("grace >= 0", name="grace"),
    storage={"fillfactor": "50"},
)

tick = _table(
    "tick",
    Column("schedule", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("run_id", Uuid),
    Column("reason", Text),
    _now("noted_at"),
    PrimaryKeyConstraint("schedule", "at"),
    CheckConstraint("state IN ('started', 'skipped', 'queued', 'missed')", name="state"),
    CheckConstraint("(state = 'started') = (run_id IS NOT NULL)", name="run"),
    CheckConstraint("state <> 'skipped' OR reason IS NOT NULL", name="reason"),
    Index("tick_queued", "schedule", "at", postgresql_where=text("state = 'queued'")),
    Index("tick_by_time", "at"),
)
