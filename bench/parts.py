"""The parts of the bench: each starts its services, runs its cases in interleaved rounds, and returns tables."""

from collections.abc import Callable
from functools import partial

from bench import world
from bench.machine import Figures, cpu_seconds, interleaved
from bench.report import Column, Goal, Table, number, percent, times
from bench.sizes import Size
from bench.stack import Stack

SEQUENTIAL = "plain client, one after another"
THREADS = "plain client, pool of 64 threads"
MORE_THREADS = "plain client, pool of 128 threads"
CELERY = "one Celery task an order, prefork 2"
CELERY_THREADS = "one Celery task an order, 64 threads"
OURS = "our engine"


def poll(size: Size, rounds: int) -> list[Table]:
    """Checking orders that are all due, and orders that fall due as the policy has it."""
    population = world.active(size.active)
    with Stack(population) as stack:
        stack.make_base("active", population)
        return [_throughput(stack, size, rounds), _lag(stack, size, rounds)]


def _throughput(stack: Stack, size: Size, rounds: int) -> Table:
    def case(name: str, **arguments: object) -> Figures:
        stack.answers(*size.answer_ms)
        with stack.copy_of("active") as database:
            figures = stack.child(name, database, **arguments)
        return _with_calls(stack, figures)

    a_celery = partial(case, "poll_celery", seconds=size.slice_s)
    # As many tasks as the slice can use up, and some more.
    most = int(size.slice_s * 900) + 100
    rows = interleaved(
        {
            SEQUENTIAL: partial(case, "poll_sequential", seconds=size.slice_s),
            CELERY: partial(a_celery, orders=min(most // 10, size.active), pool="prefork", concurrency=2),
            CELERY_THREADS: partial(a_celery, orders=min(most, size.active), pool="threads", concurrency=64),
            THREADS: partial(case, "poll_threads", seconds=size.slice_s),
            MORE_THREADS: partial(case, "poll_threads", seconds=size.slice_s, threads=128),
            OURS: partial(case, "poll_ours", seconds=size.ours_s),
        },
        rounds,
    )
    ours, plain = rows[OURS], rows[SEQUENTIAL]
    per_check = ours["cpu_us"] + ours["postgres_us"]
    low, high = size.answer_ms
    return Table(
        f"Checking {size.active:,} active orders, all due, answers after {low:.0f}–{high:.0f} ms",
        rows,
        [
            Column("checks/s", number("per_second")),
            Column("× one after another", times("per_second", plain)),
            Column("calls an order", number("calls_each", 2)),
            Column("CPU µs a check", number("cpu_us")),
            Column("PostgreSQL µs", number("postgres_us")),
            Column("checks a CPU second", number("per_core")),
            Column("core busy", percent("core_busy")),
            Column("most calls of a key in 60 s", number("most_in_a_minute")),
            Column("spread", percent("spread")),
            Column("others' cores", number("others", 2)),
        ],
        [
            _goal(
                "≥ 100× one after another, single calls, official client", ours["per_second"] / plain["per_second"], 100
            ),
            _goal("≤ 350 µs CPU a check with claim and write-back (panel's process)", ours["cpu_us"], 350, least=False),
            _goal("≤ 30 µs of PostgreSQL an order", ours["postgres_us"], 30, least=False),
        ],
        [
            f"Ours checked {ours['done']:,.0f} orders in {ours['seconds']:.1f} s; the plain ways were measured for "
            f"{size.slice_s:.0f} s each. {per_check:.0f} µs a check with PostgreSQL's share.",
            f"The budget of its key made {ours['held_back']:,.0f} of them wait for more than that. "
            f"An order of ours waited {ours['wait_median_s']:.1f} s (median), {ours['wait_p99_s']:.1f} s (99 %) from "
            "the moment when all were due at once.",
        ],
    )


def _with_calls(stack: Stack, figures: Figures) -> Figures:
    counts = stack.calls()
    if counts.get("bad signatures") or counts.get("strangers") or counts.get("unknown routes"):
        raise AssertionError(f"the API refused calls: {counts}")
    calls = counts.get("calls", 0) + counts.get("time", 0)
    done = figures.get("asked") or figures["done"]
    return figures | {
        "calls_each": calls / max(done, 1),
        "most_in_a_minute": counts.get("most in a minute", 0),
        "calls": counts,
    }


def _lag(stack: Stack, size: Size, rounds: int) -> Table:
    def case(way: str) -> Figures:
        stack.answers(*size.answer_ms)
        with stack.copy_of("active") as database:
            return stack.child("lag", database, way=way, seconds=size.lag_s, lead=size.lead_s)

    ways = {SEQUENTIAL: "sequential", CELERY_THREADS: "celery", THREADS: "threads", OURS: "ours"}
    rows = interleaved({name: partial(case, way) for name, way in ways.items()}, rounds)
    return Table(
        f"How late a check is, orders falling due as the policy has it while all {size.active // 20:,} accounts are "
        f"looked at, for {size.lag_s:.0f} s",
        rows,
        [
            Column("lag median s", number("lag_median_s", 2)),
            Column("95 %", number("lag_p95_s", 2)),
            Column("99 %", number("lag_p99_s", 2)),
            Column("due a second", number("due_a_second")),
            Column("checked of those due", percent("checked_of_due")),
            Column("core busy", percent("core_busy")),
            Column("others' cores", number("others", 2)),
        ],
        notes=[
            "Ours is the worker and beat of README.md, prefork 2; the plain ways are rung every 2 s, too. An order not "
            "checked by the end counts as late as the end, which flatters who falls behind."
        ],
    )


LOOP = "ORM loop, save() and event, a transaction each"
MARKING = "our chunks: the marking"


def expire(size: Size, rounds: int) -> list[Table]:
    """Marking unpaid orders whose time is over, each with its event."""
    population = world.lapsed(size.lapsed)

    def case(name: str, **arguments: object) -> Figures:
        stack.answers(*size.answer_ms)
        with stack.copy_of("lapsed") as database:
            figures = stack.child(name, database, **arguments)
        if figures["events"] != figures["marked"] or figures.get("of", figures["marked"]) != figures["marked"]:
            raise AssertionError(f"{name}: not every order was marked with its event: {figures}")
        return _with_calls(stack, figures)

    def asking(forgets: bool) -> Figures:
        stack.answers(*size.answer_ms, forgets=forgets)
        with stack.copy_of("just_lapsed") as database:
            return _with_calls(stack, stack.child("expire_asking", database, seconds=size.slice_s))

    with Stack(population) as stack:
        stack.make_base("lapsed", population)
        stack.make_base("just_lapsed", world.lapsed(min(size.lapsed, 20_000)))
        sample = min(size.sample, population.orders)
        rows = interleaved(
            {
                LOOP: partial(case, "expire_loop", sample=sample),
                "ORM loop, update_fields, one transaction": partial(case, "expire_loop_of_fields", sample=sample),
                "bulk_update and bulk_create by 1,000": partial(case, "expire_bulk", sample=sample),
                MARKING: partial(case, "expire_ours"),
                "ours, asked once more: still unpaid": partial(asking, forgets=False),
                "ours, asked once more: 404": partial(asking, forgets=True),
            },
            rounds,
        )
    ours, loop = rows[MARKING], rows[LOOP]
    table = Table(
        f"Expiring {population.orders:,} unpaid orders, an event row each",
        rows,
        [
            Column("µs an order", number("us_each", 1)),
            Column("× the loop", _inverse("us_each", loop)),
            Column("orders marked", number("marked")),
            Column("in s", number("seconds", 1)),
            Column("longest lock ms", number("longest_ms")),
            Column("99 % of them", number("lock_p99_ms")),
            Column("CPU µs", number("cpu_us", 1)),
            Column("PostgreSQL µs", number("postgres_us", 1)),
            Column("calls an order", number("calls_each", 2)),
            Column("spread", percent("spread")),
            Column("others' cores", number("others", 2)),
        ],
        [
            _goal("≥ 70× the loop", loop["us_each"] / ours["us_each"], 70),
            _goal("no lock over 50 ms", ours["longest_ms"], 50, least=False),
        ],
        [
            f"The loops were measured on {sample:,} of the orders, ours marked all. Longest lock: the longest a "
            "transaction held its rows, from its first statement to its commit.",
            f"Asking once more was measured for {size.slice_s:.0f} s on accounts with a hundred lapsed orders each, as "
            "far as the budget of each key let it; asked is whether the order was paid, prolonged or forgotten.",
        ],
    )
    return [table]


def import_(size: Size, rounds: int) -> list[Table]:
    """Importing one large account for the first time."""
    population = world.imported(size.imported)

    def case(expanded: bool, budget: bool) -> Figures:
        stack.answers(*size.answer_ms, expanded=expanded)
        with stack.copy_of("import") as database:
            figures = stack.child("import_ours", database, seconds=size.import_s, budget=budget)
        return _with_calls(stack, figures)

    with Stack(population) as stack:
        stack.make_base("import", population)
        rows = interleaved(
            {
                "objects by the list, budget lifted": partial(case, expanded=True, budget=False),
                "objects by the list, budget of R9": partial(case, expanded=True, budget=True),
                "one by one, budget lifted": partial(case, expanded=False, budget=False),
                "one by one, budget of R9": partial(case, expanded=False, budget=True),
            },
            rounds,
        )
    whole, held = rows["objects by the list, budget lifted"], rows["objects by the list, budget of R9"]
    low, high = size.answer_ms
    needed = whole["calls_each"] * population.orders
    table = Table(
        f"Importing an account of {population.orders:,} orders, answers after {low:.0f}–{high:.0f} ms",
        rows,
        [
            Column("first 20 rows s", number("first_rows_s", 2)),
            Column("rows", number("rows")),
            Column("in s", number("seconds", 1)),
            Column("rows/s", number("per_second")),
            Column("calls an order", number("calls_each", 2)),
            Column("calls", lambda figures: f"{figures['calls'].get('calls', 0):,}"),
            Column("CPU µs an order", number("cpu_us")),
            Column("PostgreSQL µs", number("postgres_us")),
            Column("spread", percent("spread")),
        ],
        [
            _goal("first 20 rows within 3 s, budget on", held["first_rows_s"] or size.import_s, 3, least=False),
            _goal("calls an order ≤ 1.1", whole["calls_each"], 1.1, least=False),
        ],
        [
            f"With the budget, {size.import_s:.0f} s were measured. A bucket of 60 refilled by 60 a minute lets "
            f"{needed:,.0f} calls through in {max(needed - 60, 0) / 60:,.0f} min, at the ceiling of 120 in about half.",
        ],
    )
    return [table]


def celery(size: Size, rounds: int) -> list[Table]:
    """What Celery costs an order: a task each, and tasks that claim."""
    population = world.active(min(size.active, 10_000))

    def case(name: str) -> Figures:
        with stack.copy_of("active") as database:
            return stack.child(name, database, tasks_each=size.tasks)

    with Stack(population) as stack:
        stack.make_base("active", population)
        rows = interleaved(
            {
                "one order a task, the task empty": partial(case, "celery_nothing"),
                "our rings, nothing due": partial(case, "celery_rings"),
            },
            rounds,
        )
    for figures in rows.values():
        figures["claims"] = figures.get("claims", 1)
        figures["order_us"] = figures["task_us"] / figures["claims"]
    single, ours = rows.values()
    table = Table(
        "Celery's own cost an order",
        rows,
        [
            Column("CPU µs a task", number("task_us")),
            Column("of it handing in", number("published_us")),
            Column("PostgreSQL µs a task", number("postgres_us")),
            Column("orders a task", number("claims")),
            Column("µs an order", number("order_us", 1)),
            Column("spread", percent("spread")),
            Column("others' cores", number("others", 2)),
        ],
        [_goal("≤ 8 µs an order", ours["order_us"], 8, least=False)],
        [
            "The ring's own query for what is due is counted in. A ring that finds fewer orders costs more an order: "
            f"this is a full one. One order a task costs {single['order_us'] / ours['order_us']:,.0f} times it.",
        ],
    )
    return [table]


def pages(size: Size, rounds: int) -> list[Table]:
    """The list of orders, signed in, beside the least that one can cost; and how it grows with a customer's orders."""
    populations = world.listed(size.listed)
    customers, *growing = populations
    few = list(customers.account_numbers())[:: max(customers.accounts // 200, 1)]
    with Stack() as stack:
        stack.make_base("listed", *populations)
        with stack.copy_of("listed") as database:
            cookies = stack.child("cookies", database, accounts=few)["cookies"]
            grown = stack.child("cookies", database, accounts=[one.first for one in growing])["cookies"]
            with (
                stack.web(database, "panel.settings") as (panel, panel_port),
                stack.web(database, "bench.floor_settings") as (floor, floor_port),
            ):

                def case(process: int, port: int, who: list[str], connections: int) -> Figures:
                    seconds = min(size.slice_s, 5)
                    stack.load(port, "/orders/", who, 1, connections)
                    before = cpu_seconds(process), cpu_seconds(stack.postgres.pid or 0)
                    figures = stack.load(port, "/orders/", who, seconds, connections)
                    after = cpu_seconds(process), cpu_seconds(stack.postgres.pid or 0)
                    each = 1e3 / figures["requests"]
                    own = (after[0] - before[0]) * each
                    return figures | {"cpu_ms": own, "postgres_ms": (after[1] - before[1]) * each}

                rows = interleaved(
                    {
                        FLOOR: partial(case, floor, floor_port, cookies, 8),
                        LIST: partial(case, panel, panel_port, cookies, 8),
                    },
                    rounds,
                )
                growth = interleaved(
                    {
                        f"{one.orders:,} orders": partial(case, panel, panel_port, [cookie], 2)
                        for one, cookie in zip(growing, grown, strict=True)
                    },
                    rounds,
                )
            for one, figures in zip(growing, growth.values(), strict=True):
                figures |= stack.child("list_queries", database, account=one.first, times=5)
            rows[LIST] |= stack.child("list_queries", database, account=few[0], times=5)
    return [_pages_table(size, rows), _growth_table(size, growth)]


FLOOR = "one query and a short template, same middleware"
LIST = "our list of orders"
_PAGE_COLUMNS = [
    Column("p50 ms", number("p50_ms", 1)),
    Column("p99 ms", number("p99_ms", 1)),
    Column("requests/s", number("per_second")),
    Column("CPU ms", number("cpu_ms", 2)),
    Column("PostgreSQL ms", number("postgres_ms", 2)),
    Column("queries", number("queries", 1)),
    Column("in them ms", number("queries_ms", 1)),
    Column("counting ms", number("counting_ms", 1)),
    Column("spread", percent("spread")),
    Column("others' cores", number("others", 2)),
]


def _pages_table(size: Size, rows: dict[str, Figures]) -> Table:
    floor, ours = rows[FLOOR], rows[LIST]
    return Table(
        f"The list of orders, 100 orders a customer, signed in, {2 * size.listed:,} orders in the table, granian",
        rows,
        _PAGE_COLUMNS,
        [_goal("≥ 0.8× the bare floor in requests a second", ours["per_second"] / floor["per_second"], 0.8)],
        [
            "The floor of goals.md renders with Jinja2 and shows rows only; this one with Django's templates, in the "
            "panel's own frame. Eight connections, one worker on one core."
        ],
    )


def _growth_table(size: Size, rows: dict[str, Figures]) -> Table:
    small, *_, large = rows.values()
    return Table(
        "How the list grows with one customer's orders",
        rows,
        [Column("× the smallest", times("p50_ms", small, 2)), *_PAGE_COLUMNS],
        [_goal("≤ 1.05× from 20 orders to the most", large["p50_ms"] / small["p50_ms"], 1.05, least=False)],
        ["Two connections. What counts for the presets is in `counting`."],
    )


def _inverse(name: str, base: Figures) -> Callable[[Figures], str]:
    """How many times quicker than `base` a row is."""

    def show(figures: Figures) -> str:
        return f"×{base[name] / figures[name]:,.1f}" if figures.get(name) and figures.get("marked") else "–"

    return show


def _goal(text: str, got: float, wanted: float, *, least: bool = True) -> Goal:
    met = got >= wanted if least else got <= wanted
    return Goal(text, f"{got:,.1f}", met)


PARTS: dict[str, Callable[[Size, int], list[Table]]] = {
    "poll": poll,
    "expire": expire,
    "import": import_,
    "celery": celery,
    "list": pages,
}
