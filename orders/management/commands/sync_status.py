"""`manage.py sync_status [--json]`: how our own checking goes."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from orders.models import Intent
from orders.queries.status import SyncStatus, sync_status


class Command(BaseCommand):
    help = "Say what is due, how late it is, how often OVHcloud is called, and what waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="for tools; times in UTC")

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        status = sync_status(timezone.now())
        if as_json:
            told = asdict(status) | {"calls": status.calls, "limited": status.limited, "failed": status.failed}
            told |= {"dead": status.dead, "is_silent": status.is_silent}
            self.stdout.write(json.dumps(told, default=_json, indent=2))
            return
        for name, text in _lines(status):
            self.stdout.write(f"{name:<18}{text}")


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lines(status: SyncStatus) -> list[tuple[str, str]]:
    lag, intents = status.lag, status.intents
    last = status.minutes[-2]
    queues = "cannot be asked"
    if status.queues is not None:
        queues = ", ".join(f"{name} {depth}" for name, depth in status.queues.items())
    breaker = status.breaker
    if status.breaker_since:
        probe = f", next probe {_ahead(status, status.probe_at)}" if status.probe_at else ""
        breaker += f", failing for {_age(status, status.breaker_since)}{probe}: {status.breaker_why}"
    return [
        (
            "canary",
            f"sang {_age(status, status.sang_at)} ago" if status.sang_at else "never sang: is a worker running?",
        ),
        ("due now", f"{status.due} orders, {status.lapsed} to be marked expired"),
        ("late by", f"median {_span(lag.median)}, p95 {_span(lag.p95)}, p99 {_span(lag.p99)}"),
        ("checked", f"{status.checked} orders in the last hour"),
        ("calls", f"{status.calls} in the last hour, {last.calls} in the last whole minute"),
        ("answered 429", f"{status.limited} in the last hour"),
        ("no usable answer", f"{status.failed} in the last hour"),
        ("budget", f"{status.silenced} silenced by OVHcloud, {status.slowed} slowed, {status.held_back} calls put off"),
        ("breaker", breaker),
        ("queues", queues),
        (
            "intents",
            ", ".join(f"{state} {intents[state]}" for state in Intent.State.values if state in intents) or "none",
        ),
        ("oldest intent", _age(status, status.oldest_intent) if status.oldest_intent else "none on its way"),
        ("dead letters", f"{status.dead}"),
        ("imports", f"{status.imports} under way, {status.imports_done} of {status.imports_total} orders"),
        ("unreachable", f"{status.unreachable} accounts"),
        ("receipts to mail", f"{status.receipts}"),
    ]


def _age(status: SyncStatus, moment: datetime) -> str:
    return _span((status.at - moment).total_seconds())


def _ahead(status: SyncStatus, moment: datetime) -> str:
    return "now" if moment <= status.at else f"in {_span((moment - status.at).total_seconds())}"


def _span(seconds: float) -> str:
    seconds = max(0.0, seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
