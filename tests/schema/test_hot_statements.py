"""On large tables, what the engine does all the time finds its rows by an index, never by looking at all of them.

The plans are those that PostgreSQL really used: auto_explain sends each one to the client.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from durableflow.codec import encode
from durableflow.store import advance, audit, complete, dispatch, fail, load, release, rescue, settle, wake_due
from durableflow.store.cancel import cancel
from durableflow.store.messages import StepId
from durableflow.store.prune import horizon, prune
from durableflow.store.redrive import redrive
from tests.store.kernel import Kernel, boot_worker, error_text, failure, finish, suspend
from tests.support.databases import database

Connection = psycopg.Connection[tuple[Any, ...]]

# Small by nature; and `congestion` has a row for a full queue only.
_MAY_BE_SCANNED = {"worker", "leadership", "congestion", "workflow_version"}
_ROWS = 20_000

_FILL = f"""
INSERT INTO durableflow_core.run (id, workflow, version, key, input, input_digest, queue)
    SELECT md5(i::text)::uuid, 'shop.checkout', 'v1', 'k' || i, '1', 'd', 'q' FROM generate_series(1, {_ROWS}) AS i;
INSERT INTO durableflow_core.checkpoint (run_id, rev, kind, state, line, variables)
    SELECT id, rev, CASE rev WHEN 0 THEN 'start' ELSE 'advance' END, 1, 1, '{{}}'
    FROM durableflow_core.run, generate_series(0, 1) AS rev;
INSERT INTO durableflow_core.step (run_id, rev, index, name, state, input, queue)
    SELECT id, 1, 0, 'shop.charge', 'ready', '[]', 'q' FROM durableflow_core.run;
INSERT INTO durableflow_core.ready (run_id, rev, index, name, queue, due_at)
    SELECT id, 1, 0, 'shop.charge', 'other', durableflow_core.now() FROM durableflow_core.run;
INSERT INTO durableflow_core.queued (run_id, rev, gate, index)
    SELECT id, 1, 1, 0 FROM durableflow_core.run;
INSERT INTO durableflow_core.event (run_id, name, event_id, payload)
    SELECT id, 'paid', 'e' || n, '1' FROM durableflow_core.run, generate_series(1, 2) AS n;
INSERT INTO durableflow_core.claim (run_id, rev, index, worker_id, pid)
    SELECT id, 1, 0, md5(id::text)::uuid, 1 FROM durableflow_core.run;
INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT id, 'timer', durableflow_core.now() + interval '1 day', durableflow_core.now() + interval '1 day'
    FROM durableflow_core.run;
INSERT INTO durableflow_core.join_counter SELECT id, 1, 0, 1 FROM durableflow_core.run;
INSERT INTO durableflow_core.value SELECT id, 'h', '1' FROM durableflow_core.run;
INSERT INTO durableflow_core.attempt (run_id, rev, index, attempt, outcome)
    SELECT id, 1, 0, 1, 'lost' FROM durableflow_core.run;
ANALYZE;
"""


class Plans:
    """The plans of the statements that a connection runs, as they arrive."""

    def __init__(self, conn: Connection) -> None:
        self.texts: list[str] = []
        conn.add_notice_handler(lambda notice: self.texts.append(notice.message_primary or ""))

    def scans(self) -> list[str]:
        found = [table for text in self.texts for table in re.findall(r"Seq Scan on (\w+)", text)]
        return [table for table in found if table not in _MAY_BE_SCANNED]


@pytest.fixture(scope="module")
def large_url(postgres_url: str, template: str) -> Iterator[str]:
    with database(postgres_url, template=template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_FILL)
        yield url


@pytest.fixture
def large(large_url: str) -> Iterator[Kernel]:
    with psycopg.connect(large_url, autocommit=True) as connection:
        yield Kernel(connection, boot_worker(connection))


@pytest.fixture
def plans(large: Kernel) -> Plans:
    try:
        large.conn.execute("LOAD 'auto_explain'")
    except psycopg.errors.InsufficientPrivilege as why:
        pytest.skip(f"plans can be seen by a superuser only: {why}")
    large.conn.execute("SET auto_explain.log_level = 'notice'")
    large.conn.execute("SET auto_explain.log_min_duration = 0")
    return Plans(large.conn)


def _worker_id(kernel: Kernel) -> UUID:
    return kernel.one("SELECT id FROM durableflow_core.worker WHERE boot = %s", kernel.boot)  # type: ignore[no-any-return]


def _linear(kernel: Kernel) -> None:
    run_id = kernel.at_step()
    for rev in (1, 2):
        kernel.complete(kernel.claimed(StepId(run_id, rev, 0)), suspend("shop.charge"))
    kernel.complete(kernel.claimed(StepId(run_id, 3, 0)), finish())


def _join(kernel: Kernel) -> None:
    run_id = kernel.at_step(["shop.ship"] * 3)
    for index in range(3):
        attempt = kernel.claimed(StepId(run_id, 1, index))
        complete.complete_joined(kernel.conn, attempt.step, attempt.token, encode("x" * 5000))
    kernel.move(run_id, suspend("shop.charge"))


def _retry(kernel: Kernel) -> None:
    step = StepId(kernel.at_step(), 1, 0)
    attempt = kernel.claimed(step)
    fail.retry_later(kernel.conn, step, attempt.token, error_text(), traceback="", delay=0)
    attempt = kernel.claimed(step)
    fail.fail_for_good(kernel.conn, step, attempt.token, error_text(), traceback="")
    kernel.move(step.run_id, failure())
    redrive(kernel.conn, step.run_id)


def _timer(kernel: Kernel) -> None:
    run_id = kernel.start().run_id
    kernel.move(run_id, suspend("sleep", delay=0.0))
    advance.lease(kernel.conn, run_id, boot=kernel.boot, seconds=30)
    assert settle.fire(kernel.conn, run_id, [(1, 0)]).count


def _fail_fast(kernel: Kernel) -> None:
    run_id = kernel.at_step(["shop.ship"] * 3)
    kernel.claimed(StepId(run_id, 1, 0))
    fails = kernel.claimed(StepId(run_id, 1, 1))
    fail.fail_for_good(kernel.conn, fails.step, fails.token, error_text(), traceback="")
    kernel.move(run_id, suspend("shop.refund"))
    cancel(kernel.conn, run_id)


def _loss(kernel: Kernel) -> None:
    kernel.claimed(StepId(kernel.at_step(), 1, 0))
    (held,) = audit.own_claims(kernel.conn, _worker_id(kernel))
    assert release.release(kernel.conn, held, max_losses=3, own=True) == "ready"
    rescue.release_leases(kernel.conn)


def _leading(kernel: Kernel) -> None:
    run_id = kernel.start().run_id
    kernel.conn.execute("UPDATE durableflow_core.wake SET visible_at = due_at WHERE run_id = %s", (run_id,))
    wake_due.next_due(kernel.conn)
    assert run_id in {UUID(message.subject) for message in wake_due.wake_due(kernel.conn).messages}
    assert len(dispatch.dispatch(kernel.conn, "other", limit=10)) == 10


def _asking(kernel: Kernel) -> None:
    run_id = kernel.at_step()
    load.run_state(kernel.conn, run_id)
    load.waiting_for(kernel.conn, run_id)
    load.values(kernel.conn, run_id, ['{"~":"blob","hash":"' + "0" * 32 + '"}'])
    for view, key in (("runs", "id"), ("steps", "run_id"), ("attempts", "run_id"), ("checkpoints", "run_id"),
                      ("dead_letters", "run_id")):  # fmt: skip
        kernel.conn.execute(f"SELECT * FROM durableflow.{view} WHERE {key} = %s", (run_id,)).fetchall()  # type: ignore[arg-type]
    kernel.conn.execute("SELECT * FROM durableflow.workers").fetchall()
    kernel.conn.execute("SELECT * FROM durableflow.runs WHERE workflow = 'shop.checkout' AND key = 'k7'").fetchall()


def _pruning(kernel: Kernel) -> None:
    run_id = kernel.at_step()
    kernel.complete(kernel.claimed(StepId(run_id, 1, 0)), finish())
    assert prune(kernel.conn, run_id, horizon(kernel.conn, -1))


_WORK = [_linear, _join, _retry, _timer, _fail_fast, _loss, _leading, _asking, _pruning]
# A plan for any LIMIT reckons with a tenth of the table: PostgreSQL itself does not choose it.
_CASES = [(work, plan) for plan in ("custom", "generic") for work in _WORK if (work, plan) != (_leading, "generic")]


@pytest.mark.parametrize(("work", "plan"), _CASES, ids=[f"{work.__name__[1:]}-{plan}" for work, plan in _CASES])
def test_no_statement_looks_at_a_whole_table(
    large: Kernel, plans: Plans, work: Callable[[Kernel], None], plan: str
) -> None:
    large.conn.execute(f"SET plan_cache_mode = force_{plan}_plan")  # type: ignore[arg-type]
    large.conn.prepare_threshold = 0
    del plans.texts[:]
    work(large)
    assert plans.texts
    assert plans.scans() == [], "\n".join(text for text in plans.texts if "Seq Scan" in text)


def test_the_guard_notices_a_statement_without_an_index(large: Kernel, plans: Plans) -> None:
    large.conn.execute("SELECT * FROM durableflow_core.step WHERE claim = %s", (uuid4(),)).fetchall()
    assert plans.scans() == ["step"]
