"""What a database has of durableflow, as text: for comparison with the metadata, and with the dump on record.

``DURABLEFLOW_TEST_DATABASE_URL=... python -m tests.schema.catalog`` writes the dump anew, from a fresh database.
"""

import os
from pathlib import Path
from typing import Any

import psycopg

GOLDEN = Path(__file__).with_name("golden.txt")

_COLUMNS = """
SELECT n.nspname || '.' || c.relname,
       format('%%s %%s%%s%%s', a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull AND c.relkind = 'r' THEN ' NOT NULL' ELSE '' END,
              CASE WHEN a.attidentity <> '' THEN ' IDENTITY ' || a.attidentity::text
                   ELSE coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') END)
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, a.attnum
"""

# PostgreSQL 18 lists NOT NULL among the constraints: it is with the columns here.
_CONSTRAINTS = """
SELECT n.nspname || '.' || c.relname, 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND k.contype <> 'n'
ORDER BY 1, 2
"""

_INDEXES = """
SELECT n.nspname || '.' || t.relname, 'index ' || pg_get_indexdef(i.indexrelid)
FROM pg_index AS i
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE n.nspname = ANY(%s) AND t.relkind = 'r'
ORDER BY 1, 2
"""

_STORAGE = """
SELECT n.nspname || '.' || c.relname, 'with ' || o
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, unnest(c.reloptions) AS o
WHERE n.nspname = ANY(%s) AND c.relkind = 'r'
ORDER BY 1, 2
"""

_FUNCTIONS = """
SELECT n.nspname || '.' || p.proname,
       format('function (%%s) returns %%s, %%s%%s', pg_get_function_identity_arguments(p.oid),
              format_type(p.prorettype, NULL), p.provolatile, CASE WHEN p.prosecdef THEN ', definer' ELSE '' END)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY(%s)
ORDER BY 1, 2
"""

TABLES = (_COLUMNS, _CONSTRAINTS, _INDEXES, _STORAGE)
EVERYTHING = (*TABLES, _FUNCTIONS)


def describe(
    connection: psycopg.Connection[tuple[Any, ...]],
    *schemas: str,
    what: tuple[str, ...] = EVERYTHING,
    without: tuple[str, ...] = (),
) -> str:
    """Every object of these schemas, by name, with its parts in a fixed order. without: names to leave out."""
    parts: dict[str, list[str]] = {}
    for query in what:
        for name, line in connection.execute(query, (list(schemas),)).fetchall():
            if name not in without:
                parts.setdefault(name, []).append(line)
    return "\n".join(f"{name}\n" + "".join(f"    {line}\n" for line in parts[name]) for name in sorted(parts))


def main() -> None:
    from tests.support.databases import database, migrate

    with database(os.environ["DURABLEFLOW_TEST_DATABASE_URL"]) as url:
        migrate(url)
        with psycopg.connect(url) as connection:
            GOLDEN.write_text(describe(connection, "durableflow_core", "durableflow"))


if __name__ == "__main__":
    main()
