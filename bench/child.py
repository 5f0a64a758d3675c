"""Runs one case in a process of its own and prints its figures as the last line: `python -m bench.child CASE JSON`."""

import json
import os
import sys
from importlib import import_module

# Where each case is; imported when Django is ready.
_CASES = {
    "migrate": "population",
    "load": "population",
    "poll_ours": "polling",
    "poll_sequential": "polling",
    "poll_threads": "polling",
    "poll_celery": "polling",
    "lag": "polling",
    "expire_loop": "expiry",
    "expire_loop_of_fields": "expiry",
    "expire_bulk": "expiry",
    "expire_ours": "expiry",
    "expire_asking": "expiry",
    "import_ours": "importing",
    "celery_nothing": "overhead",
    "celery_rings": "overhead",
    "cookies": "listing",
    "list_queries": "listing",
}


def main() -> None:
    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    import django

    django.setup()
    case = getattr(import_module(f"bench.cases.{_CASES[name]}"), name)
    print(json.dumps(case(**arguments)))  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
