"""Whether PostgreSQL has connections for all workers: one for each of their processes, and two for each worker."""

import os
from collections.abc import Iterator

from durableflow.doctor.finding import Finding, danger, warning
from durableflow.doctor.patient import Patient
from durableflow.doctor.pooler import find_pooler
from durableflow.doctor.workers import living

# Whoever may not see other roles' sessions still sees that they are there.
_USE = """
SELECT (SELECT setting::int FROM pg_settings WHERE name = 'max_connections')
     - (SELECT sum(setting::int) FROM pg_settings
        WHERE name IN ('superuser_reserved_connections', 'reserved_connections')),
       (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND pid <> pg_backend_pid()),
       (SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'durableflow %' AND pid <> pg_backend_pid()),
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
       (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()),
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
"""

_FULL = 0.9
_OF_A_WORKER = 2


def max_connections(patient: Patient) -> Iterator[Finding]:
    """There are connections for all workers."""
    most, used, ours, of_role, used_by_role, of_database, used_in_database = patient.rows(_USE)[0]
    limits = [("max_connections, without those that are reserved for superusers", int(most), used)]
    if of_role is not None and of_role >= 0:
        limits.append(("the role's CONNECTION LIMIT", of_role, used_by_role))
    if of_database is not None and of_database >= 0:
        limits.append(("the database's CONNECTION LIMIT", of_database, used_in_database))
    name, limit, taken = min(limits, key=lambda each: each[1] - each[2])
    mending = (
        f"raise {name.split(',')[0]}, start fewer or smaller workers, or put PgBouncer in between (session mode; or "
        "transaction mode, with DURABLEFLOW_SESSION_LOCKS=false)"
    )
    if taken >= _FULL * limit:
        yield danger(
            f"{taken} of {limit} connections to PostgreSQL are in use",
            f"{name} is {limit}: when all are taken, workers and clients are refused",
            mending,
        )
        return
    if find_pooler(patient):
        return  # it opens fewer to the server than workers do to it
    processes = patient.conf.worker_concurrency or os.cpu_count() or 1
    workers = len(living(patient))
    each = processes + _OF_A_WORKER
    # What is idle now may be open in a moment; what others hold stays.
    most_of_ours = max(ours, max(workers, 1) * each)
    needed = taken - ours + most_of_ours
    count = f"{workers or 'one'} worker{'s' if workers > 1 else ''} with {processes} processes each open {most_of_ours}"
    if needed > limit:
        yield danger(
            f"the workers need more connections than PostgreSQL has: {needed} of {limit}",
            f"{count}, and {taken - ours} are in use by others; {name} is {limit}: when all are taken, workers and "
            "clients are refused",
            mending,
        )
    elif needed + max(workers, 1) * each > limit:
        yield warning(
            "a deploy that starts new workers beside the old ones needs more connections than PostgreSQL has",
            f"{count}, and {taken - ours} are in use by others; twice as many workers need "
            f"{needed + max(workers, 1) * each} of {limit}",
            f"{mending}; or stop old workers before new ones start",
        )
