"""The admin's pages show what the views have, and write nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.support.engine import Engine

VIEWS = ("run", "step", "attempt", "checkpoint", "deadletter", "worker", "event", "wait", "schedule", "tick")


@pytest.fixture
def site(engine: Engine) -> Any:
    """A client of an administrator, and a run in each state."""
    from django.contrib.auth.models import User
    from django.test import Client

    from tests.contrib.django.orders import workflows
    from tests.contrib.django.orders.models import Order

    order = Order.objects.create(state="<b>new</b>")
    runs = {
        "succeeded": workflows.checkout(order.pk).start(key="paid", labels={"customer": "42"}),
        "failed": workflows.refused(order.pk).start(key="refused"),
        "waiting": workflows.approved(order.pk).start(key="waiting"),
    }
    engine.drive()
    runs["waiting"].send("other", {"sum": 1}, by="ana")
    engine.drive()
    engine.db.execute(
        "INSERT INTO durableflow_core.schedule (name, app, workflow, expression, tz, catch_up, overlap, grace,"
        " next_at) VALUES ('site.nightly', 'site', 'site.nightly', '0 3 * * *', 'UTC', 'one', 'skip', 60, now())"
    )
    engine.db.execute(
        "INSERT INTO durableflow_core.tick (schedule, at, state, reason)"
        " VALUES ('site.nightly', now(), 'skipped', 'so')"
    )
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    client.runs = runs  # type: ignore[attr-defined]
    return client


@contextmanager
def only_reading() -> Iterator[list[str]]:
    """Refuses what writes, on Django's connection; gives what was asked."""
    from django.db import connection

    asked: list[str] = []

    def look(execute: Any, sql: Any, *arguments: Any) -> Any:
        assert re.match(r"(SELECT|SAVEPOINT|RELEASE)\b", sql), sql
        asked.append(sql)
        return execute(sql, *arguments)

    with connection.execute_wrapper(look):
        yield asked


def text_of(client: Any, path: str, status: int = 200) -> str:
    answer = client.get(f"/admin/durableflow/{path}")
    assert answer.status_code == status, f"{path}: {answer.status_code}"
    return str(answer.content.decode())


def test_every_list_and_every_page_behind_it(site: Any) -> None:
    with only_reading():
        for view in VIEWS:
            listed = text_of(site, f"{view}/?q=nothing-is-called-so")
            assert "0 " in listed, view
            listed = text_of(site, f"{view}/")
            pages = re.findall(rf'<th class="field-[^"]*"><a href="/admin/durableflow/{view}/([^"]+)/change/">', listed)
            assert pages, f"{view} shows no row"
            for page in pages:
                assert "durableflow" in text_of(site, f"{view}/{page}/change/")
            assert "Save" not in listed
            assert f"/admin/durableflow/{view}/add/" not in listed


def test_the_page_of_a_run_tells_all_of_it_and_leads_on(site: Any) -> None:
    failed, succeeded = site.runs["failed"], site.runs["succeeded"]
    page = text_of(site, f"run/{failed.id}/change/")
    assert "is declined" in page
    assert "return await decline(order_id)" in page  # where it stands
    assert "Dead letters" in page
    step = re.search(r'href="/admin/durableflow/step/([^"]+)/change/"', page)
    assert step is not None
    detail = text_of(site, f"step/{step[1]}/change/")
    assert f'href="/admin/durableflow/run/{failed.id}/change/"' in detail
    assert f"?run__id__exact={failed.id}" in page
    steps = text_of(site, f"step/?run__id__exact={succeeded.id}")
    assert steps.count(f"/admin/durableflow/run/{succeeded.id}/change/") == 2
    assert str(failed.id) not in steps

    page = text_of(site, f"run/{succeeded.id}/change/")
    assert "&quot;customer&quot;: &quot;42&quot;" in page
    assert "&lt;b&gt;new&lt;/b&gt;" in page
    assert "<b>new</b>" not in page


def test_runs_are_filtered_and_found(site: Any) -> None:
    ids = {name: str(run.id) for name, run in site.runs.items()}

    def shown(query: str) -> set[str]:
        page = text_of(site, f"run/?{query}")
        return {name for name, id_ in ids.items() if f"/admin/durableflow/run/{id_}/change/" in page}

    assert shown("") == set(ids)
    assert shown("state__exact=failed") == {"failed"}
    assert shown("workflow=site.approved") == {"waiting"}
    assert shown("q=paid") == {"succeeded"}
    assert shown(f"q={ids['waiting']}") == {"waiting"}
    assert shown(f"q={uuid4()}") == set()
    assert shown("parked_reason__isempty=1") == set(ids)


def test_a_list_reads_neither_documents_nor_more_rows_than_it_shows(site: Any) -> None:
    with only_reading() as asked:
        text_of(site, "run/")
    about = [sql for sql in asked if '"durableflow"' in sql]
    assert len(about) == 2
    assert "COUNT(*)" in about[0]
    assert "LIMIT" in about[0]
    assert not any('"variables"' in sql or '"output"' in sql for sql in about)


def test_nothing_can_be_changed_and_a_permission_is_needed(site: Any) -> None:
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    run = site.runs["failed"].id
    for view in VIEWS:
        assert site.get(f"/admin/durableflow/{view}/add/").status_code == 403
    for path in (f"run/{run}/change/", f"run/{run}/delete/"):
        assert site.post(f"/admin/durableflow/{path}", {"state": "succeeded", "post": "yes"}).status_code == 403
    site.post("/admin/durableflow/run/", {"action": "delete_selected", "_selected_action": [str(run)], "post": "yes"})
    assert site.runs["failed"].state == "failed"
    for wrong in ("nothing", "a:b:c", f"{run}:1", str(uuid4())):
        assert site.get(f"/admin/durableflow/step/{quote(wrong)}/change/").status_code == 302
    assert site.get("/admin/durableflow/step/?run__id__exact=nonsense").status_code == 302

    person = User.objects.create_user("ana", is_staff=True)
    client = Client()
    client.force_login(person)
    assert client.get("/admin/durableflow/run/").status_code == 403
    person.user_permissions.add(Permission.objects.get(codename="view_run"))
    assert not Permission.objects.filter(content_type__app_label="durableflow").exclude(codename__startswith="view_")
    assert client.get(f"/admin/durableflow/run/{run}/change/").status_code == 200
    assert "Dead letters" not in text_of(client, f"run/{run}/change/")
    assert client.get("/admin/durableflow/step/").status_code == 403
