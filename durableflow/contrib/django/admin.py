"""The admin's pages over durableflow's views: lists, and what is in a row. Nothing can be written from them.

Whoever has the permission ``durableflow.view_run`` (and so on, one a model) sees a page. Lists ask only for what they
show, and count up to 10,000: the tables behind may be large.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Field, ForeignKey, JSONField, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from durableflow.contrib.django import df, models
from durableflow.contrib.django.fields import Key

MOST = 10_000
"""Rows that a list counts."""

SHOWN = 50
"""Rows of each kind on the page of a run; links lead to the rest."""


class CappedPaginator(Paginator):
    """Counts no further than anybody leafs."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[:MOST].count())


class WorkflowFilter(admin.SimpleListFilter):
    """The workflows that this project defines: to ask the view which there are would read all of it."""

    title = "workflow"
    parameter_name = "workflow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(workflow.name for workflow in df.registry.workflows)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset if self.value() is None else queryset.filter(workflow=self.value())


class List(ChangeList):
    """A list asks only for what it shows: documents may be large."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        wide = [field.name for field in self.model._meta.concrete_fields if _is_wide(field)]
        return super().get_queryset(request, exclude_parameters).defer(*wide)


class ViewAdmin(admin.ModelAdmin):
    """One view. search_columns: what a search looks for a part of; a whole run id is always found."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count every row, once for each filter
    sortable_by = ()  # the order of the tables' own keys; any other would read them whole
    paginator = CappedPaginator
    search_columns: Sequence[str] = ()

    class Media:
        css = {"all": ["durableflow/admin.css"]}  # noqa: RUF012 - as Django has it

    def __init__(self, model: Any, site: admin.AdminSite) -> None:
        super().__init__(model, site)
        self._shown: dict[str, str] = {}
        for field in model._meta.concrete_fields:
            show = self._display_of(field)
            if show is not None:
                self._shown[field.name] = f"{field.name}_shown"
                setattr(self, f"{field.name}_shown", admin.display(description=field.verbose_name)(show))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return List

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = [field for field in self.model._meta.concrete_fields if not isinstance(field, Key)]
        return [self._shown.get(field.name, field.name) for field in fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        key = self.model._meta.pk
        try:
            wanted = key.conditions(object_id) if isinstance(key, Key) else {"pk": key.to_python(object_id)}
        except ValidationError:
            return None
        return self.get_queryset(request).filter(**wanted).first()

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        return self.search_columns  # without any, there is no box

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        names = {field.name for field in self.model._meta.concrete_fields}
        for word in search_term.split():
            try:
                wanted = Q(**{"run" if "run" in names else "pk": UUID(word)})
            except ValueError:
                wanted = Q()
                for column in self.search_columns:
                    wanted |= Q(**{f"{column}__icontains": word})
            queryset = queryset.filter(wanted)
        return queryset, False

    def _display_of(self, field: Field) -> Callable[[Any], str] | None:
        """How a column is shown, where not as Django would."""
        if isinstance(field, JSONField):
            return lambda row: _text(_pretty(getattr(row, field.name)))
        if field.name in ("traceback", "source_line"):
            return lambda row: _text(getattr(row, field.name))
        if isinstance(field, ForeignKey):
            return lambda row: self.link_to(field.related_model, getattr(row, field.attname))
        if field.name in ("state", "outcome", "run_state"):
            return lambda row: _state(getattr(row, field.name))
        return None

    def link_to(self, model: Any, key: Any, text: str | None = None) -> str:
        """A link to the page of a row. text: instead of its key."""
        if key is None:
            return self.get_empty_value_display()
        address = reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_change",
            args=(quote(key),),
            current_app=self.admin_site.name,
        )
        return format_html('<a href="{}">{}</a>', address, text or key)


class OfRuns(ViewAdmin):
    """A view whose rows are about runs."""

    search_columns: Sequence[str] = ("name",)


class RunAdmin(ViewAdmin):
    """Where each run is, and what it waits for; on its page, what became of its steps."""

    list_display = ("id", "workflow", "key", "state_shown", "waiting_for", "created_at", "finished_at")
    list_filter = (
        "state",
        WorkflowFilter,
        ("parked_reason", admin.EmptyFieldListFilter),
        "created_at",
    )
    search_columns = ("key", "workflow")
    search_help_text = "A run's id, or a part of a key or of a workflow's name"
    first = ("workflow", "key", "state", "waiting_for", "waiting_since", "parked_reason")
    place = ("source_file", "line", "source_line", "stack")
    documents = ("variables", "input", "output", "error", "labels")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        groups = {None: self.first, "Where it stands": self.place, "Values": self.documents}
        shown = {title: [self._shown.get(name, name) for name in names] for title, names in groups.items()}
        rest = [name for name in self.get_fields(request, obj) if not any(name in names for names in shown.values())]
        return [
            *((title, {"fields": names}) for title, names in shown.items()),
            ("More", {"fields": rest, "classes": ["collapse"]}),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> Any:
        run = options.get("obj")
        if run is not None:
            context["durableflow_tables"] = [
                table for table in self._tables(run) if request.user.has_perm(f"durableflow.view_{table['model']}")
            ]
        return super().render_change_form(request, context, **options)

    def _tables(self, run: models.Run) -> Iterator[dict[str, Any]]:
        """What else there is to see of a run: title, model, columns and rows, and where to see all."""
        for title, rows, columns in (
            ("Steps", run.steps, ("row_key", "name", "kind", "state", "attempt", "started_at", "finished_at", "error")),
            ("Dead letters", run.dead_letters, ("row_key", "name", "attempts", "failed_at", "error")),
            ("Waits for events", run.inbox, ("row_key", "name", "kind", "waiting_since", "waiting_until")),
            ("Events", run.events, ("row_key", "name", "state", "sent_by", "sent_at", "payload")),
            ("Children", run.children, ("id", "workflow", "key", "state", "created_at", "finished_at")),
            ("Checkpoints", run.checkpoints, ("row_key", "kind", "line", "source_line", "created_at")),
        ):
            shown = list(rows.all().only(*columns)[: SHOWN + 1])
            if shown:
                model = rows.model
                listed = reverse(
                    f"admin:durableflow_{model._meta.model_name}_changelist", current_app=self.admin_site.name
                )
                yield {
                    "title": title,
                    "model": model._meta.model_name,
                    "columns": ["", *(name.replace("_", " ") for name in columns[1:])],
                    "rows": [self._row(model, row, columns) for row in shown[:SHOWN]],
                    "all": f"{listed}?{rows.field.name}__id__exact={run.id}",
                    "more": len(shown) > SHOWN,
                }

    def _row(self, model: Any, row: Any, columns: Sequence[str]) -> list[Any]:
        within = str(row.pk).removeprefix(f"{getattr(row, 'run_id', '')}:")
        first = self.link_to(model, row.pk, within)
        return [first, *(self._cell(name, getattr(row, name)) for name in columns[1:])]

    def _cell(self, name: str, value: Any) -> Any:
        if name == "state":
            return _state(value)
        if isinstance(value, dict | list):
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= 200 else f"{text[:200]}..."
        return self.get_empty_value_display() if value is None else value


class StepAdmin(OfRuns):
    list_display = ("row_key", "name", "run_shown", "kind", "state_shown", "attempt", "started_at", "finished_at")
    list_filter = ("state", "kind", "started_at")


class AttemptAdmin(OfRuns):
    list_display = ("row_key", "name", "run_shown", "attempt", "outcome_shown", "hostname", "started_at", "finished_at")
    list_filter = ("outcome", "finished_at")


class CheckpointAdmin(OfRuns):
    list_display = ("row_key", "workflow", "run_shown", "kind", "line", "created_at")
    list_filter = ("kind", WorkflowFilter, "created_at")
    search_columns = ("workflow",)


class DeadLetterAdmin(OfRuns):
    list_display = ("row_key", "name", "workflow", "key", "run_shown", "run_state_shown", "attempts", "failed_at")
    list_filter = (WorkflowFilter, "failed_at")
    search_columns = ("name", "workflow", "key")


class WorkerAdmin(ViewAdmin):
    list_display = ("id", "hostname", "pid", "state_shown", "leads", "steps_running", "seen_at", "started_at")
    list_filter = ("state",)
    search_columns = ("hostname",)


class EventAdmin(OfRuns):
    list_display = ("row_key", "name", "run_shown", "state_shown", "sent_by", "sent_at", "received_at")
    list_filter = ("state", "sent_at")
    search_columns = ("name", "sent_by")


class WaitAdmin(OfRuns):
    list_display = ("row_key", "name", "kind", "workflow", "key", "run_shown", "waiting_since", "waiting_until")
    list_filter = ("kind", WorkflowFilter)
    search_columns = ("name", "workflow", "key")


class ScheduleAdmin(ViewAdmin):
    list_display = ("name", "workflow", "expression", "tz", "state_shown", "next_at", "last_at", "last_run_shown")
    list_filter = ("state",)
    search_columns = ("name", "workflow")


class TickAdmin(OfRuns):
    list_display = ("row_key", "schedule_shown", "at", "state_shown", "run_shown", "run_state_shown", "reason")
    list_filter = ("state", "at")
    search_columns = ("schedule__name",)


def _is_wide(field: Field) -> bool:
    return isinstance(field, JSONField) or field.name in ("traceback", "source_line")


def _pretty(document: Any) -> str | None:
    return None if document is None else json.dumps(document, indent=2, ensure_ascii=False)


def _text(text: str | None) -> str:
    return format_html('<pre class="durableflow-text">{}</pre>', text) if text is not None else "-"


def _state(state: str | None) -> str:
    return format_html('<span class="durableflow-state durableflow-{}">{}</span>', state, state) if state else "-"


_PAGES = {
    models.Run: RunAdmin,
    models.Step: StepAdmin,
    models.Attempt: AttemptAdmin,
    models.Checkpoint: CheckpointAdmin,
    models.DeadLetter: DeadLetterAdmin,
    models.Worker: WorkerAdmin,
    models.Event: EventAdmin,
    models.Wait: WaitAdmin,
    models.Schedule: ScheduleAdmin,
    models.Tick: TickAdmin,
}

if df.home.alias is not None:  # of a database that is none of Django's, it cannot show anything
    for model, page in _PAGES.items():
        admin.site.register(model, page)
