"""``durableflow sql``: ask a question in SQL, where there is no psql."""

import sys
from typing import Annotated, Any

import psycopg
import typer

from durableflow.cli.mistake import Mistake
from durableflow.cli.runs import DatabaseOption, print_rows
from durableflow.cli.servers import database


def sql(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="One statement that reads; - reads it from standard input")
    ],
    url: DatabaseOption = None,
) -> None:
    """Print what a SELECT gives, as a table. The transaction is read-only."""
    text = sys.stdin.read() if query == "-" else query

    def work(connection: Any) -> list[dict[str, Any]]:
        with connection.transaction(), connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            connection.execute("SET TRANSACTION READ ONLY")
            try:
                cursor.execute(text.encode())
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                raise
            except psycopg.Error as refused:
                raise Mistake(f"PostgreSQL refuses that: {str(refused).strip()}") from None

    print_rows(database(url).transact(work), "no rows")
