"""durableflow's views as models that are only read: ``Run.objects.filter(state="failed", labels__customer="42")``.

They are the public contract that docs/reference/views.md describes, column by column, over Django's own connection: a
query inside of a transaction sees the runs that were started in it. No migration makes them; durableflow's own do.
"""

from typing import Any, NoReturn

from django.db import models

from durableflow.contrib.django import df
from durableflow.contrib.django.fields import Key, Names

_RUN_STATES = [(state, state) for state in ("running", "succeeded", "failed", "cancelled")]
_STEP_STATES = [(state, state) for state in ("pending", "ready", "running", "succeeded", "failed", "cancelled")]
_KINDS = [(kind, kind) for kind in ("task", "timer", "receive", "child")]


class ReadOnly(TypeError):
    """A view was to be written to."""


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise ReadOnly(
        "durableflow's views are only read: start, send, cancel and redrive through `from durableflow.contrib.django "
        "import df`"
    )


class Rows(models.QuerySet):
    """Rows of a view."""

    create = get_or_create = update_or_create = bulk_create = bulk_update = update = delete = _refuse


class Views(models.Manager.from_queryset(Rows)):  # type: ignore[misc]  # a class that Django makes
    """Reads from the database that holds durableflow's schema."""

    def get_queryset(self) -> Rows:
        rows: Rows = super().get_queryset()
        return rows.using(self._db or df.home.alias)


class View(models.Model):
    """A row of one of durableflow's views."""

    objects = Views()

    save = delete = _refuse

    Meta: Any = type("Meta", (), {"abstract": True})


def _meta(view: str, *, ordering: tuple[str, ...], plural: str | None = None, **more: Any) -> Any:
    """What all of them have in common. The quotes keep Django from quoting the name of the schema with the table's."""
    options = {
        "managed": False,
        "db_table": f'"durableflow"."{view}"',
        "default_permissions": ("view",),
        "base_manager_name": "objects",
        "ordering": ordering,
        "verbose_name_plural": plural or view.replace("_", " "),
        **more,
    }
    return type("Meta", (), options)


def _run(related_name: str = "+", **options: Any) -> models.ForeignKey:
    return models.ForeignKey(
        "Run", models.DO_NOTHING, db_constraint=False, db_index=False, related_name=related_name, **options
    )


def _worker(related_name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(
        "Worker", models.DO_NOTHING, db_constraint=False, db_index=False, related_name=related_name, null=True
    )


class Run(View):
    """One execution of a workflow."""

    id = models.UUIDField(primary_key=True)
    workflow = models.TextField()
    key = models.TextField(null=True)
    state = models.TextField(choices=_RUN_STATES)
    waiting_for = models.TextField(null=True)
    waiting_since = models.DateTimeField(null=True)
    parked_reason = models.TextField(null=True)
    source_file = models.TextField(null=True)
    line = models.IntegerField(null=True)
    source_line = models.TextField(null=True)
    stack = models.JSONField(null=True)
    variables = models.JSONField(null=True)
    input = models.JSONField(null=True)
    output = models.JSONField(null=True)
    error = models.JSONField(null=True)
    labels = models.JSONField()
    version = models.TextField()
    rev = models.IntegerField()
    failed_attempts = models.BigIntegerField()
    lost_attempts = models.BigIntegerField()
    priority = models.SmallIntegerField()
    queue = models.TextField()
    parent = _run("children", null=True)
    created_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    Meta = _meta("runs", ordering=("-id",))

    def __str__(self) -> str:
        return f"{self.workflow} {self.key or self.id}"


class Step(View):
    """A piece of work that a run awaited."""

    row_key = Key(primary_key=True, columns=("run_id", "rev", "index"))
    run = _run("steps")
    rev = models.IntegerField()
    index = models.IntegerField()
    name = models.TextField()
    kind = models.TextField(choices=_KINDS)
    state = models.TextField(choices=_STEP_STATES)
    line = models.IntegerField(null=True)
    input = models.JSONField(null=True)
    output = models.JSONField(null=True)
    error = models.JSONField(null=True)
    attempt = models.IntegerField()
    failures = models.IntegerField()
    losses = models.IntegerField()
    idempotency_key = models.TextField()
    queue = models.TextField(null=True)
    priority = models.SmallIntegerField(null=True)
    worker = _worker("steps")
    hostname = models.TextField(null=True)
    pid = models.IntegerField(null=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    abandoned_at = models.DateTimeField(null=True)
    begun = models.BooleanField()
    waits_for = models.IntegerField()
    child = _run(null=True)

    Meta = _meta("steps", ordering=("-run_id", "-rev", "-index"), unique_together=[("run", "rev", "index")])

    def __str__(self) -> str:
        return f"{self.name} {self.rev}:{self.index}"


class Attempt(View):
    """One time that a worker took a step."""

    row_key = Key(primary_key=True, columns=("run_id", "rev", "index", "attempt"))
    run = _run("attempts")
    rev = models.IntegerField()
    index = models.IntegerField()
    name = models.TextField()
    attempt = models.IntegerField()
    outcome = models.TextField(
        choices=[(outcome, outcome) for outcome in ("running", "succeeded", "failed", "lost", "snoozed")]
    )
    worker = _worker()
    hostname = models.TextField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.JSONField(null=True)
    traceback = models.TextField(null=True)

    Meta = _meta(
        "attempts",
        ordering=("-run_id", "-rev", "-index", "-attempt"),
        unique_together=[("run", "rev", "index", "attempt")],
    )

    def __str__(self) -> str:
        return f"{self.name} {self.rev}:{self.index}, attempt {self.attempt}"


class Checkpoint(View):
    """A place that a run came to."""

    row_key = Key(primary_key=True, columns=("run_id", "rev"))
    run = _run("checkpoints")
    rev = models.IntegerField()
    kind = models.TextField(
        choices=[(kind, kind) for kind in ("start", "advance", "finish", "fail", "cancel", "redrive")]
    )
    workflow = models.TextField()
    source_file = models.TextField(null=True)
    line = models.IntegerField(null=True)
    source_line = models.TextField(null=True)
    stack = models.JSONField(null=True)
    variables = models.JSONField(null=True)
    awaits = models.JSONField(null=True)
    created_at = models.DateTimeField()

    Meta = _meta("checkpoints", ordering=("-run_id", "-rev"), unique_together=[("run", "rev")])

    def __str__(self) -> str:
        return f"{self.workflow} rev {self.rev}"


class DeadLetter(View):
    """A step whose attempts are used up."""

    row_key = Key(primary_key=True, columns=("run_id", "rev", "index"))
    run = _run("dead_letters")
    rev = models.IntegerField()
    index = models.IntegerField()
    workflow = models.TextField()
    key = models.TextField(null=True)
    name = models.TextField()
    run_state = models.TextField(choices=_RUN_STATES)
    input = models.JSONField(null=True)
    error = models.JSONField(null=True)
    traceback = models.TextField(null=True)
    attempts = models.IntegerField()
    failures = models.IntegerField()
    losses = models.IntegerField()
    queue = models.TextField(null=True)
    hostname = models.TextField(null=True)
    idempotency_key = models.TextField()
    created_at = models.DateTimeField()
    failed_at = models.DateTimeField(null=True)

    Meta = _meta("dead_letters", ordering=("-run_id", "-rev", "-index"), unique_together=[("run", "rev", "index")])

    def __str__(self) -> str:
        return f"{self.name} of {self.workflow} {self.key or self.run_id}"


class Worker(View):
    """One life of a worker."""

    id = models.UUIDField(primary_key=True)
    hostname = models.TextField()
    pid = models.IntegerField()
    state = models.TextField(choices=[(state, state) for state in ("alive", "silent", "dead", "stopped")])
    leads = models.BooleanField()
    queues = Names()
    versions = Names()
    steps_running = models.BigIntegerField()
    messages_held = models.IntegerField(null=True)
    seen_at = models.DateTimeField()
    seen_ago = models.DurationField()
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    died_at = models.DateTimeField(null=True)

    Meta = _meta("workers", ordering=("-started_at",))

    def __str__(self) -> str:
        return f"{self.hostname}:{self.pid}"


class Event(View):
    """What was sent to a run."""

    row_key = Key(primary_key=True, columns=("run_id", "number"))
    run = _run("events")
    number = models.BigIntegerField(db_column="id")
    name = models.TextField()
    event_id = models.TextField(null=True)
    state = models.TextField(choices=[(state, state) for state in ("waiting", "received", "rejected")])
    payload = models.JSONField(null=True)
    sent_by = models.TextField(null=True)
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    rev = models.IntegerField(null=True)
    index = models.IntegerField(null=True)
    rejected_at = models.DateTimeField(null=True)
    rejection = models.TextField(null=True)

    Meta = _meta("events", ordering=("-run_id", "-number"), unique_together=[("run", "number")])

    def __str__(self) -> str:
        return f"{self.name} to {self.run_id}"


class Wait(View):
    """A wait for an event: what a running run wants to be sent."""

    row_key = Key(primary_key=True, columns=("run_id", "rev", "index"))
    run = _run("inbox")
    rev = models.IntegerField()
    index = models.IntegerField()
    workflow = models.TextField()
    key = models.TextField(null=True)
    labels = models.JSONField()
    name = models.TextField()
    kind = models.TextField(choices=[("event", "event"), ("approval", "approval")])
    form = models.JSONField(null=True)
    waiting_since = models.DateTimeField()
    waiting_until = models.DateTimeField(null=True)

    Meta = _meta(
        "inbox",
        ordering=("-run_id", "-rev", "-index"),
        unique_together=[("run", "rev", "index")],
        verbose_name="wait for an event",
        plural="inbox",
    )

    def __str__(self) -> str:
        return f"{self.workflow} {self.key or self.run_id} waits for {self.name}"


class Schedule(View):
    """What starts a workflow by the clock."""

    name = models.TextField(primary_key=True)
    app = models.TextField()
    workflow = models.TextField()
    expression = models.TextField()
    tz = models.TextField()
    state = models.TextField(choices=[(state, state) for state in ("active", "paused", "removed")])
    next_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    last_state = models.TextField(null=True)
    last_run = _run(null=True)
    queued = models.BigIntegerField()
    catch_up = models.TextField()
    overlap = models.TextField()
    grace = models.DurationField()
    paused_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    Meta = _meta("schedules", ordering=("name",))

    def __str__(self) -> str:
        return str(self.name)


class Tick(View):
    """A time at which a schedule was to start its workflow."""

    row_key = Key(primary_key=True, columns=("schedule_id", "at"))
    schedule = models.ForeignKey(
        Schedule, models.DO_NOTHING, db_constraint=False, related_name="ticks", db_column="schedule"
    )
    at = models.DateTimeField()
    state = models.TextField(choices=[(state, state) for state in ("started", "skipped", "queued", "missed")])
    run = _run("ticks", null=True)
    run_state = models.TextField(choices=_RUN_STATES, null=True)
    reason = models.TextField(null=True)
    noted_at = models.DateTimeField()

    Meta = _meta("ticks", ordering=("-at", "schedule_id"), unique_together=[("schedule", "at")])

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.at}"
