"""
pytest plugin: of a long table of cases, `make test` tries some rows and `make prove` all.

    pytestmark = pytest.mark.rows(6)     # six of each test's rows, the same ones each time
"""

import os
import random

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("PROVE") == "1":
        return
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("rows"):
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left: set[pytest.Item] = set()
    for name, rows in tables.items():
        marker = rows[0].get_closest_marker("rows")
        assert marker is not None
        wanted = min(marker.args[0], len(rows))
        left |= set(rows) - set(random.Random(name.rpartition("::")[2]).sample(rows, wanted))
    if left:
        config.hook.pytest_deselected(items=[item for item in items if item in left])
        items[:] = [item for item in items if item not in left]
