"""The tables of the spine: what a run is, where it is, and what has something to do.

``run``, ``checkpoint``, ``step``, ``attempt`` and ``value`` hold what is known about runs. ``ready``, ``claim``,
``wake`` and ``join_counter`` are narrow tables of rows that come and go: they carry the indexes, so that ``run`` and
``step`` need none on columns that change in place (an index on ``step.state`` turned every update into a non-HOT one).

Revision ID: 0001
Revises:
"""

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

# Statements ask the database for the time through this one function: tests replace it, nothing else may.
CLOCK = """
CREATE FUNCTION durableflow_core.now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN statement_timestamp()
"""

DEFINITIONS = """
CREATE TABLE durableflow_core.workflow_version (
    name        text NOT NULL,
    version     text NOT NULL,
    source      text NOT NULL,
    filename    text NOT NULL,
    first_line  integer NOT NULL,
    flags       integer NOT NULL DEFAULT 0,
    states      json,
    names       json,
    definition  json,
    signature   text,
    created_at  timestamptz NOT NULL DEFAULT durableflow_core.now(),
    CONSTRAINT workflow_version_pkey PRIMARY KEY (name, version),
    CONSTRAINT workflow_version_first_line CHECK (first_line > 0)
)
"""

RUN = """
CREATE TABLE durableflow_core.run (
    id             uuid NOT NULL,
    workflow       text NOT NULL,
    version        text NOT NULL,
    key            text,
    input          json NOT NULL,
    input_digest   text NOT NULL,
    output         json,
    error          json,
    state          text NOT NULL DEFAULT 'running',
    labels         jsonb NOT NULL DEFAULT '{}',
    priority       smallint NOT NULL DEFAULT 0,
    queue          text NOT NULL,
    deadline_at    timestamptz,
    parked_reason  text,
    parent_id      uuid,
    parent_rev     integer,
    parent_index   integer,
    created_at     timestamptz NOT NULL DEFAULT durableflow_core.now(),
    finished_at    timestamptz,
    CONSTRAINT run_pkey PRIMARY KEY (id),
    CONSTRAINT run_state CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT run_finished CHECK ((state = 'running') = (finished_at IS NULL)),
    CONSTRAINT run_output CHECK ((state = 'succeeded') = (output IS NOT NULL)),
    CONSTRAINT run_error CHECK (
        CASE state WHEN 'failed' THEN error IS NOT NULL WHEN 'cancelled' THEN true ELSE error IS NULL END
    ),
    CONSTRAINT run_parked CHECK (parked_reason IS NULL OR state = 'running'),
    CONSTRAINT run_labels CHECK (jsonb_typeof(labels) = 'object'),
    CONSTRAINT run_parent CHECK (num_nulls(parent_id, parent_rev, parent_index) IN (0, 3))
) WITH (fillfactor = 80)
"""

RUN_BY_KEY = "CREATE UNIQUE INDEX run_by_key ON durableflow_core.run (workflow, key) WHERE key IS NOT NULL"

CHECKPOINT = """
CREATE TABLE durableflow_core.checkpoint (
    run_id      uuid NOT NULL,
    rev         integer NOT NULL,
    kind        text NOT NULL,
    state       integer,
    line        integer,
    variables   json,
    awaits      json,
    created_at  timestamptz NOT NULL DEFAULT durableflow_core.now(),
    CONSTRAINT checkpoint_pkey PRIMARY KEY (run_id, rev),
    CONSTRAINT checkpoint_kind CHECK (kind IN ('start', 'advance', 'finish', 'fail', 'cancel', 'redrive')),
    CONSTRAINT checkpoint_place CHECK (variables IS NOT NULL OR kind IN ('finish', 'fail', 'cancel'))
)
"""

STEP = """
CREATE TABLE durableflow_core.step (
    run_id        uuid NOT NULL,
    rev           integer NOT NULL,
    index         integer NOT NULL,
    name          text NOT NULL,
    kind          text NOT NULL DEFAULT 'task',
    state         text NOT NULL,
    shard         smallint,
    input         json NOT NULL,
    output        json,
    error         json,
    options       json,
    idempotency_key text,
    attempt       integer NOT NULL DEFAULT 0,
    failures      integer NOT NULL DEFAULT 0,
    losses        integer NOT NULL DEFAULT 0,
    claim         uuid,
    worker_id     uuid,
    queue         text NOT NULL,
    priority      smallint NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT durableflow_core.now(),
    due_at        timestamptz,
    started_at    timestamptz,
    finished_at   timestamptz,
    abandoned_at  timestamptz,
    CONSTRAINT step_pkey PRIMARY KEY (run_id, rev, index),
    CONSTRAINT step_state CHECK (state IN ('pending', 'ready', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT step_claimed CHECK (state <> 'running' OR (claim IS NOT NULL AND worker_id IS NOT NULL)),
    CONSTRAINT step_finished CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT step_output CHECK ((state = 'succeeded') = (output IS NOT NULL)),
    CONSTRAINT step_error CHECK (state <> 'failed' OR error IS NOT NULL)
) WITH (fillfactor = 70)
"""

READY = """
CREATE TABLE durableflow_core.ready (
    run_id         uuid NOT NULL,
    rev            integer NOT NULL,
    index          integer NOT NULL,
    name           text NOT NULL,
    queue          text NOT NULL,
    priority       smallint NOT NULL DEFAULT 0,
    due_at         timestamptz NOT NULL,
    dispatched_at  timestamptz,
    dispatches     integer NOT NULL DEFAULT 0,
    CONSTRAINT ready_pkey PRIMARY KEY (run_id, rev, index),
    CONSTRAINT ready_dispatched CHECK (dispatched_at IS NULL OR dispatches > 0)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0)
"""

READY_UNDISPATCHED = """
CREATE INDEX ready_undispatched ON durableflow_core.ready (queue, priority DESC, due_at) WHERE dispatched_at IS NULL
"""

READY_IN_FLIGHT = """
CREATE INDEX ready_in_flight ON durableflow_core.ready (queue, dispatched_at) WHERE dispatched_at IS NOT NULL
"""

CLAIM = """
CREATE TABLE durableflow_core.claim (
    run_id      uuid NOT NULL,
    rev         integer NOT NULL,
    index       integer NOT NULL,
    worker_id   uuid NOT NULL,
    pid         integer NOT NULL,
    claimed_at  timestamptz NOT NULL DEFAULT durableflow_core.now(),
    CONSTRAINT claim_pkey PRIMARY KEY (run_id, rev, index)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0)
"""

CLAIM_BY_WORKER = "CREATE INDEX claim_by_worker ON durableflow_core.claim (worker_id)"

WAKE = """
CREATE TABLE durableflow_core.wake (
    run_id      uuid NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    reason      text NOT NULL,
    rev         integer,
    index       integer,
    due_at      timestamptz NOT NULL,
    visible_at  timestamptz NOT NULL,
    leased_by   uuid,
    tries       integer NOT NULL DEFAULT 0,
    dispatches  integer NOT NULL DEFAULT 0,
    CONSTRAINT wake_pkey PRIMARY KEY (run_id, id),
    CONSTRAINT wake_reason CHECK (
        reason IN ('start', 'step', 'timer', 'join', 'deadline', 'cancel', 'redrive', 'rescue', 'unpark')
    ),
    CONSTRAINT wake_counts CHECK (tries >= 0 AND dispatches >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0)
"""

WAKE_VISIBLE = "CREATE INDEX wake_visible ON durableflow_core.wake (visible_at)"

JOIN_COUNTER = """
CREATE TABLE durableflow_core.join_counter (
    run_id     uuid NOT NULL,
    rev        integer NOT NULL,
    shard      smallint NOT NULL,
    remaining  integer NOT NULL,
    CONSTRAINT join_counter_pkey PRIMARY KEY (run_id, rev, shard),
    CONSTRAINT join_counter_remaining CHECK (shard >= 0 AND remaining >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0)
"""

ATTEMPT = """
CREATE TABLE durableflow_core.attempt (
    run_id       uuid NOT NULL,
    rev          integer NOT NULL,
    index        integer NOT NULL,
    attempt      integer NOT NULL,
    outcome      text NOT NULL,
    worker_id    uuid,
    hostname     text,
    started_at   timestamptz,
    finished_at  timestamptz NOT NULL DEFAULT durableflow_core.now(),
    error        json,
    traceback    text,
    CONSTRAINT attempt_pkey PRIMARY KEY (run_id, rev, index, attempt),
    CONSTRAINT attempt_outcome CHECK (outcome IN ('failed', 'lost', 'snoozed')),
    CONSTRAINT attempt_error CHECK (outcome <> 'failed' OR error IS NOT NULL)
)
"""

WORKER = """
CREATE TABLE durableflow_core.worker (
    id             uuid NOT NULL,
    boot           uuid NOT NULL,
    hostname       text NOT NULL,
    pid            integer NOT NULL,
    queues         text[] NOT NULL DEFAULT '{}',
    versions       text[] NOT NULL DEFAULT '{}',
    holds          text[] NOT NULL DEFAULT '{}',
    lock_key       bigint,
    postmaster_at  timestamptz,
    started_at     timestamptz NOT NULL DEFAULT durableflow_core.now(),
    seen_at        timestamptz NOT NULL DEFAULT durableflow_core.now(),
    stopped_at     timestamptz,
    tombstone_at   timestamptz,
    CONSTRAINT worker_pkey PRIMARY KEY (id)
) WITH (fillfactor = 50)
"""

WORKER_BY_BOOT = "CREATE INDEX worker_by_boot ON durableflow_core.worker (boot)"

LEADERSHIP = """
CREATE TABLE durableflow_core.leadership (
    name        text NOT NULL,
    holder      uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT leadership_pkey PRIMARY KEY (name)
) WITH (fillfactor = 50)
"""

VALUE = """
CREATE TABLE durableflow_core.value (
    run_id  uuid NOT NULL,
    hash    text NOT NULL,
    body    json NOT NULL,
    CONSTRAINT value_pkey PRIMARY KEY (run_id, hash)
)
"""

CONGESTION = """
CREATE TABLE durableflow_core.congestion (
    queue  text NOT NULL,
    since  timestamptz NOT NULL DEFAULT durableflow_core.now(),
    CONSTRAINT congestion_pkey PRIMARY KEY (queue)
)
"""

TABLES = (
    DEFINITIONS, RUN, CHECKPOINT, STEP, READY, CLAIM, WAKE, JOIN_COUNTER, ATTEMPT, WORKER, LEADERSHIP, VALUE,
    CONGESTION,
)  # fmt: skip
INDEXES = (RUN_BY_KEY, READY_UNDISPATCHED, READY_IN_FLIGHT, CLAIM_BY_WORKER, WAKE_VISIBLE, WORKER_BY_BOOT)
NAMES = (
    "workflow_version", "run", "checkpoint", "step", "ready", "claim", "wake", "join_counter", "attempt", "worker",
    "leadership", "value", "congestion",
)  # fmt: skip


def upgrade() -> None:
    # The schema itself is there: it holds the table of revisions, which has to exist before the first revision runs.
    for statement in (CLOCK, *TABLES, *INDEXES):
        op.execute(statement)


def downgrade() -> None:
    for table in NAMES:
        op.execute(f"DROP TABLE durableflow_core.{table}")
    op.execute("DROP FUNCTION durableflow_core.now()")
