"""manage.py poll_plan [--try delivering=60 …]: what the policy costs now, and what a change of it would."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders import policy
from orders.plan import Plan, plan


class Command(BaseCommand):
    help = "Print calls per hour and expected staleness by line of the policy, for the orders there are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--try",
            action="append",
            default=[],
            dest="tries",
            metavar="LINE=SECONDS",
            help="show what another wait of a line would cost; may be given several times",
        )

    def handle(self, *, tries: list[str], **options: Any) -> None:
        now = plan()
        self.stdout.write(_table(now))
        if tries:
            self.stdout.write("\nWith " + ", ".join(tries) + ":\n")
            other = plan(_changed(tries))
            self.stdout.write(_table(other))
            self.stdout.write(f"\n{now.calls_per_hour:,.0f} → {other.calls_per_hour:,.0f} calls per hour")


def _changed(tries: list[str]) -> tuple[policy.Line, ...]:
    waits = {}
    for entry in tries:
        name, _equals, seconds = entry.partition("=")
        try:
            waits[name] = float(seconds)
        except ValueError:
            raise CommandError(f"not LINE=SECONDS: {entry}") from None
        if waits[name] <= 0:
            raise CommandError(f"a wait takes more than nothing: {entry}")
    try:
        return policy.changed(waits)
    except KeyError as error:
        names = ", ".join(line.name for line in policy.TABLE if line.looked_at)
        raise CommandError(f"no line that waits is called {error.args[0]}; there are {names}") from None


def _table(plan: Plan) -> str:
    rows = [("line", "looked at", "else", "orders", "calls/h", "age, median", "age, worst")]
    for share in plan.shares:
        line = share.line
        waits = (policy.in_words(line.looked_at), policy.in_words(line.away))
        ages = (_age(share.median), _age(share.worst)) if share.orders else ("", "")
        rows.append((line.name, *waits, f"{share.orders:,}", f"{share.calls_per_hour:,.0f}", *ages))
    rows.append(("all", "", "", f"{plan.orders:,}", f"{plan.calls_per_hour:,.0f}", "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    part = plan.calls_per_hour / plan.budget_per_hour if plan.budget_per_hour else 0
    lines.append(f"{plan.keys:,} keys allow {plan.budget_per_hour:,.0f} calls an hour; this uses {part:.1%} of them.")
    return "\n".join(lines)


def _age(age: timedelta | None) -> str:
    return policy.in_words(age)
