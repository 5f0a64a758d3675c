"""What the list of orders asks of PostgreSQL, and cookies of signed-in customers."""

import time
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from bench.machine import Figures


def cookies(accounts: list[int]) -> Figures:
    """Sign customers in, and return their cookies."""
    found = []
    for account in accounts:
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.get(pk=account))
        found.append(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
    return {"cookies": found}


def list_queries(account: int, times: int) -> Figures:
    """How many queries one page makes and how long they take, those that count apart."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(pk=account))
    spent: list[tuple[bool, float]] = []

    def timed(execute: Any, query: str, parameters: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(query, parameters, many, context)
        finally:
            spent.append(("count(" in query.lower(), time.perf_counter() - began))

    client.get("/orders/")
    with connection.execute_wrapper(timed):
        for _ in range(times):
            assert client.get("/orders/").status_code == 200  # noqa: S101
    counting = sum(seconds for counts, seconds in spent if counts)
    return {
        "queries": len(spent) / times,
        "queries_ms": sum(seconds for _, seconds in spent) / times * 1e3,
        "counting_ms": counting / times * 1e3,
    }
