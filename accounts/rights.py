"""
What the panel's own role may do in PostgreSQL, where another role owns the tables (DATABASE_OWNER_URL).

The owner migrates and purges; the panel reads and writes, but in append-only tables it only adds. Then not even
somebody who has the panel's password can change what was written: the triggers that refuse it are the owner's.
"""

from typing import Any

from django.conf import settings
from django.db import connection

# Bits of pg_trigger.tgtype.
_DELETE, _UPDATE = 8, 16


def after_migrate(sender: Any, **kwargs: Any) -> None:
    """Grant anew after each migration, for new tables are the owner's alone. Nothing to do where one role does all."""
    role = settings.DATABASE_APPLICATION_ROLE
    if role and sender.name == "accounts":
        grant(role)


def grant(role: str) -> None:
    """Let this role do what the panel does, and in append-only tables no more than to add."""
    name = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        schema = cursor.fetchone()[0]
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name}")
        for table, right in refused():
            cursor.execute(f"REVOKE {right} ON {schema}.{connection.ops.quote_name(table)} FROM {name}")


def refused() -> list[tuple[str, str]]:
    """Tables and rights that a trigger of ours refuses to everybody: the trigger is the one place that names them."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgtype FROM pg_trigger"
            " WHERE tgfoid = 'refuse_change()'::regprocedure AND NOT tgisinternal ORDER BY 1"
        )
        for table, kind in cursor.fetchall():
            found += [(table, right) for bit, right in ((_UPDATE, "UPDATE"), (_DELETE, "DELETE")) if kind & bit]
    return found
