"""
Rows by prepared statements, for what the API is asked most: putting an ORM query together costs many times the answer.

Each thread has Django's own connection, so that what was just written there is read.
"""

from typing import Any, LiteralString

import psycopg
from django.db import connection


def rows(statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement with %s for its values. JSON comes as text, moments with a zone."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return psycopg.Cursor(connection.connection).execute(statement, values, prepare=True).fetchall()


def row(statement: LiteralString, *values: Any) -> tuple[Any, ...] | None:
    """Return the first row, None where there is none."""
    found = rows(statement, *values)
    return found[0] if found else None
