"""Columns of durableflow's views that Django has no fields for."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import Col
from django.utils.functional import cached_property


class Names(models.Field):
    """A list of texts: as ArrayField, which wants ``django.contrib.postgres`` to be installed."""

    def db_type(self, connection: Any) -> str:
        return "text[]"


class Key(models.TextField):
    """A primary key made of several columns, for models over views that have no other.

    Django's admin wants one value in an address, and refuses CompositePrimaryKey. So the columns are joined with
    colons, by PostgreSQL, where the key is selected. To find one row, take the key apart (``conditions``): a comparison
    with the joined text would read every row. columns: the names of the model's fields, by attribute, as ``run_id``.
    """

    def __init__(self, *args: Any, columns: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.columns = columns

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, options | {"columns": self.columns}

    def get_col(self, alias: str, output_field: Any = None) -> Col:
        return _Joined(alias, self, output_field)

    @cached_property
    def cached_col(self) -> Col:
        return _Joined(self.model._meta.db_table, self)

    def conditions(self, key: str) -> dict[str, Any]:
        """The key taken apart, for ``filter``. Raises ValidationError where it is not one."""
        parts = key.split(":", len(self.columns) - 1)
        if len(parts) != len(self.columns):
            raise ValidationError(f"{key!r} is not a key of {self.model._meta.verbose_name}")
        fields = {field.attname: field for field in self.model._meta.concrete_fields}
        return {column: fields[column].to_python(part) for column, part in zip(self.columns, parts, strict=True)}


class _Joined(Col):
    """The columns of a key, joined, wherever the key is named in SQL."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        fields = {field.attname: field for field in self.target.model._meta.concrete_fields}
        parts = (Col(self.alias, fields[column]) for column in self.target.columns)
        columns = ", ".join(part.as_sql(compiler, connection)[0] for part in parts)
        return f"concat_ws(':', {columns})", []
