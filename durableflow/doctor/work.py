"""Checks of the work that is in the tables: what nobody knows, what is parked, what has failed for good."""

from collections.abc import Iterator
from functools import partial

from durableflow.doctor.finding import Finding, counted, danger, note, warning
from durableflow.doctor.patient import Patient
from durableflow.doctor.workers import living
from durableflow.store import versions

_READY = "SELECT name, queue, count(*) FROM durableflow_core.ready GROUP BY name, queue ORDER BY name, queue"

# A parked run's wakes are those that are never visible, which the index on visible_at finds.
_PARKED = """
SELECT r.parked_reason, count(*), min(r.id::text)
FROM (SELECT DISTINCT run_id FROM durableflow_core.wake WHERE visible_at = 'infinity') AS w
JOIN durableflow_core.run AS r ON r.id = w.run_id
WHERE r.parked_reason IS NOT NULL
GROUP BY r.parked_reason ORDER BY count(*) DESC LIMIT 5
"""

_MOST = 1000
_DEAD = f"SELECT count(*) FROM (SELECT FROM durableflow.dead_letters LIMIT {_MOST}) AS first"

_RUNNING_VERSIONS = """
SELECT workflow, version, count(*) FROM durableflow_core.run WHERE state = 'running'
GROUP BY workflow, version ORDER BY workflow, version
"""


def unknown_tasks(patient: Patient) -> Iterator[Finding]:
    """Somebody knows the task of every step that is ready."""
    waiting = patient.records(_READY)
    known = set(patient.app.tasks) | {version.partition("@")[0] for w in living(patient) for version in w.versions}
    for name, queue, count in waiting:
        if name not in known:
            yield danger(
                f"nobody knows the task {name!r}, of which {counted(count, 'step waits', 'steps wait')}",
                f"workers of the queue {queue!r} drop the message, and it is sent again and again: neither this "
                "application nor any living worker has a task of that name. It was renamed or removed, or belongs "
                "to an application whose workers do not run",
                "give the step its old name, @df.step(name=...), deploy the code that has it, or cancel the runs: "
                "durableflow runs cancel RUN_ID",
            )


def parked(patient: Patient) -> Iterator[Finding]:
    """No run is parked."""
    for reason, count, example in patient.records(_PARKED):
        yield warning(
            f"{counted(count, 'run is', 'runs are')} parked",
            f"{reason} (for example, run {example})",
            "start a worker that has that version, or give the workers the key that its source was signed with",
        )


def dead_letters(patient: Patient) -> Iterator[Finding]:
    """No step has used up its attempts."""
    count = patient.records(_DEAD)[0][0]
    if count:
        many = f"{_MOST} dead letters or more" if count == _MOST else counted(count, "dead letter", "dead letters")
        yield note(
            f"there {'is' if count == 1 else 'are'} {many}",
            "steps whose attempts are used up, in runs that have failed or went on without them",
            "SELECT * FROM durableflow.dead_letters, mend the cause, then durableflow runs redrive RUN_ID",
        )


def signed_versions(patient: Patient) -> Iterator[Finding]:
    """Workers with this code and this key can go on with every run."""
    key = patient.settings.secret_key
    secret = None if key is None else key.get_secret_value()
    served = set(patient.flow.registry.versions()) | {v for worker in living(patient) for v in worker.versions}
    for workflow, version, count in patient.records(_RUNNING_VERSIONS):
        if f"{workflow}@{version}" in served or patient.flow.registry.present(workflow) is None:
            continue  # of another application: which key it has is not known here
        stored = patient.ask_database(partial(versions.load, name=workflow, version=version, secret=secret))
        if stored is None or not stored.signed:
            why = "was never stored" if stored is None else "carries no signature of this secret key"
            yield danger(
                f"no worker can run the version that {counted(count, 'run', 'runs')} of {workflow} began with",
                f"version {version} is not the present one, no living worker has it, and its source {why}",
                "give the workers the secret key that signed it, or start a worker with that version's code",
            )
