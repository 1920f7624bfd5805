"""The other commands: what they print, and what they say when something is missing."""

import re

import pytest

from tests.cli.conftest import Durableflow

NO_DATABASE = "postgresql://user:hunter2@127.0.0.1:1/nothing"
NO_BROKER = "redis://:hunter2@127.0.0.1:1/0"


def test_graph_prints_the_machine_as_text_or_as_mermaid(inline: Durableflow) -> None:
    text = inline("graph", "shop:checkout")
    assert text.returncode == 0
    assert "await  charge(order)" in re.sub(" +", "  ", text.stdout)
    mermaid = inline("graph", "shop:checkout", "--mermaid")
    assert mermaid.stdout.startswith("flowchart")


def test_graph_prints_a_routine_too(inline: Durableflow) -> None:
    text = inline("graph", "shop:twice")
    assert text.returncode == 0
    assert text.stdout.startswith("twice@")
    assert re.sub(" +", " ", text.stdout).count(" await charge(") == 2
    refused = inline("start", "shop:twice")
    assert refused.stderr.startswith("durableflow: shop:twice is not a workflow but a Routine")


def test_migrate_says_where_the_database_is_now(inline: Durableflow, empty_database_url: str) -> None:
    done = inline("migrate", "--database", empty_database_url)
    assert done.returncode == 0, done.stderr
    assert re.search(r"is at schema \d{4}$", done.stdout.strip())
    again = inline("migrate", DURABLEFLOW_DATABASE_URL=empty_database_url)
    assert again.stdout == done.stdout


needs_a_database = pytest.mark.parametrize(
    "arguments",
    [("migrate",), ("runs", "list"), ("start", "shop:checkout", "--input", '{"order": "a"}'), ("worker", "shop:df")],
)


@needs_a_database
def test_without_a_database_url_the_message_says_how_to_give_one(
    inline: Durableflow, arguments: tuple[str, ...]
) -> None:
    done = inline(*arguments, DURABLEFLOW_BROKER_URL=NO_BROKER)
    assert done.returncode == 1
    assert done.stderr.startswith("durableflow: no database is configured: set DURABLEFLOW_DATABASE_URL=")


@needs_a_database
def test_a_database_that_does_not_answer_is_named_without_its_password(
    inline: Durableflow, arguments: tuple[str, ...]
) -> None:
    done = inline(*arguments, DURABLEFLOW_DATABASE_URL=NO_DATABASE, DURABLEFLOW_BROKER_URL=NO_BROKER)
    assert done.returncode == 1
    assert done.stderr.startswith("durableflow: no database answers at postgresql")
    assert "user:***@127.0.0.1:1/nothing" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_migrated_is_told_to_be(inline: Durableflow, empty_database_url: str) -> None:
    for arguments in (("runs", "list"), ("worker", "shop:df")):
        done = inline(*arguments, DURABLEFLOW_DATABASE_URL=empty_database_url)
        assert done.returncode == 1
        assert "run `durableflow migrate`" in done.stderr


def test_a_worker_without_its_broker_says_which_and_what_to_do(durableflow: Durableflow, database_url: str) -> None:
    done = durableflow("worker", "shop:df", DURABLEFLOW_DATABASE_URL=database_url, DURABLEFLOW_BROKER_URL=NO_BROKER)
    assert done.returncode == 1
    assert done.stderr.startswith("durableflow: no broker answers at redis://:***@127.0.0.1:1/0")
    assert "Traceback" not in done.stderr


def test_an_option_that_celery_does_not_know_is_refused(
    durableflow: Durableflow, database_url: str, broker_url: str
) -> None:
    done = durableflow(
        *("worker", "shop:df", "--no-such-option"),
        DURABLEFLOW_DATABASE_URL=database_url,
        DURABLEFLOW_BROKER_URL=broker_url,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("durableflow: celery worker: No such option")


def test_a_run_is_started_listed_shown_and_cancelled(
    durableflow: Durableflow, database_url: str, broker_url: str
) -> None:
    urls = {"DURABLEFLOW_DATABASE_URL": database_url, "DURABLEFLOW_BROKER_URL": broker_url}
    assert durableflow("runs", "list", **urls).stdout == "no runs\n"

    started = durableflow("start", "shop:checkout", "--input", '{"order": "o-42"}', "--key", "k-42", **urls)
    assert started.returncode == 0, started.stderr
    run_id = started.stdout.strip()
    again = durableflow("start", "shop:checkout", "--input", '["o-42"]', "--key", "k-42", **urls)
    assert again.stdout.strip() == run_id, again.stderr

    listed = durableflow("runs", "list", "--state", "running", **urls).stdout
    assert run_id in listed
    assert "k-42" in listed
    shown = durableflow("runs", "show", run_id, **urls).stdout
    assert re.search(r"waiting for +a worker on queue durableflow", shown)
    assert "o-42" in shown

    cancelled = durableflow("runs", "cancel", run_id, **urls)
    assert cancelled.stdout == f"run {run_id} is cancelled\n"
    assert "had ended already" in durableflow("runs", "cancel", run_id, **urls).stdout
    assert re.search(r"state +cancelled", durableflow("runs", "show", run_id, **urls).stdout)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--input", "{"), 2, "--input is not JSON"),
        (("--input", '{"ordre": "a"}'), 2, "shop:checkout does not take this input: "),
        (("--input", '{"order": {"a": 1}}'), 1, "shop.checkout cannot start with this input:\n  order: "),
    ],
)
def test_input_that_does_not_fit_is_refused(
    inline: Durableflow, database_url: str, broker_url: str, arguments: tuple[str, ...], status: int, message: str
) -> None:
    urls = {"DURABLEFLOW_DATABASE_URL": database_url, "DURABLEFLOW_BROKER_URL": broker_url}
    done = inline("start", "shop:checkout", *arguments, **urls)
    assert done.returncode == status
    assert done.stderr.startswith(f"durableflow: {message}")


def test_a_run_that_does_not_exist_is_an_error(inline: Durableflow, database_url: str) -> None:
    unknown = "01900000-0000-7000-8000-000000000000"
    for command in ("show", "cancel", "redrive", "send"):
        more = ("paid",) if command == "send" else ()
        done = inline("runs", command, unknown, *more, DURABLEFLOW_DATABASE_URL=database_url)
        assert done.returncode == 1
        assert done.stderr.startswith(f"durableflow: there is no run {unknown}")
    done = inline("runs", "show", "order-42", DURABLEFLOW_DATABASE_URL=database_url)
    assert done.returncode == 2
    assert "'order-42' is not the id of a run" in done.stderr


def test_a_run_that_has_not_failed_is_not_redriven(inline: Durableflow, database_url: str, broker_url: str) -> None:
    urls = {"DURABLEFLOW_DATABASE_URL": database_url, "DURABLEFLOW_BROKER_URL": broker_url}
    run_id = inline("start", "shop:checkout", "--input", '{"order": "a"}', **urls).stdout.strip()
    done = inline("runs", "redrive", run_id, **urls)
    assert (done.returncode, done.stdout) == (0, f"run {run_id} has not failed: nothing was changed\n")


def test_an_event_is_sent_as_json_and_once_an_id(inline: Durableflow, database_url: str, broker_url: str) -> None:
    urls = {"DURABLEFLOW_DATABASE_URL": database_url, "DURABLEFLOW_BROKER_URL": broker_url}
    run_id = inline("start", "shop:checkout", "--input", '{"order": "a"}', **urls).stdout.strip()
    send = ("runs", "send", run_id, "paid", '{"amount": 3}', "--id", "click", "--by", "ana")
    assert inline(*send, **urls).stdout == f"run {run_id} has event 'paid'\n"
    assert "it is kept once" in inline(*send, **urls).stdout
    events = inline(
        "sql", "SELECT name, state, sent_by, payload ->> 'amount' AS amount FROM durableflow.events", **urls
    )
    assert re.search(r"paid\W+waiting\W+ana\W+3", events.stdout)
    refused = inline("runs", "send", run_id, "paid", "yes", **urls)
    assert refused.returncode == 2
    assert "the payload is not JSON" in refused.stderr
    inline("runs", "cancel", run_id, **urls)
    ended = inline("runs", "send", run_id, "paid", **urls)
    assert (ended.returncode, "receives no event 'paid' any more" in ended.stderr) == (1, True)


def test_sql_prints_what_a_query_gives_and_writes_nothing(inline: Durableflow, database_url: str) -> None:
    def ask(query: str) -> "tuple[int, str, str]":
        done = inline("sql", query, DURABLEFLOW_DATABASE_URL=database_url)
        return done.returncode, done.stdout, done.stderr

    status, said, _ = ask("SELECT 42 AS answer_to_it")
    assert status == 0
    assert re.search(r"answer_to_it .*\n.*\n.* 42 ", said)
    assert ask("TABLE durableflow.runs") == (0, "no rows\n", "")
    for refused, why in (
        ("DELETE FROM durableflow_core.run", "cannot execute DELETE in a read-only transaction"),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
    ):
        status, _, complaint = ask(refused)
        assert status == 2
        assert complaint.startswith(f"durableflow: PostgreSQL refuses that: {why}")
