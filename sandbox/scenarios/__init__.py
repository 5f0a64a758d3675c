"""Worlds to begin with. Each is told from a seed and from now, so that its dates stay near."""

from collections.abc import Callable, Container, Sequence

from django.db import connection, transaction
from django.db.models import AutoField, Model

from .. import untouched, world
from ..callers import forget_once_committed
from ..models import Application, Belonging, Bill, Cart, Credential, Customer, Detail, LedgerEntry, Order, PaymentMethod
from .demo import demo
from .empty import empty as _nothing
from .story import Story

SEED = 1
_TOLD: dict[str, Callable[[Story], None]] = {"demo": demo, "empty": _nothing}
NAMES = tuple(_TOLD)

# The one application that the sandbox knows. Its secret guards an invented world, and is in the ready file.
APPLICATION = {
    "application_id": 80001,
    "key": "SandboxAppKey001",
    "secret": "SandboxApplicationSecret00000001",
    "name": "Order panel",
}
# Children first.
REPLACED: tuple[type[Model], ...] = (
    *(Cart, Belonging, LedgerEntry, PaymentMethod, Bill, Detail, Order),
    *(Credential, Customer),
)
# Above so many rows, emptying a table beats deleting them; below, it costs a file each.
_MANY = 20_000
ALL_RIGHTS = [{"method": method, "path": "/*"} for method in ("GET", "POST", "PUT", "DELETE", "PATCH")]


def load(name: str, seed: int = SEED) -> None:
    """
    Replace the world by a scenario, unless it is that scenario, told just now, and nothing was written since.

    Keys that customers granted stay, so that nobody has to sign in again; tools' keys are valid again. Orders made
    later get numbers that no world before had.
    """
    with world.gate.replace():
        if untouched.stands(name, seed):
            return
        world.begin(name, seed)
        story = Story(seed)
        _TOLD[name](story)
        granted = empty({customer.nichandle for customer in story.customers})
        _store(story)
        Credential.objects.bulk_create(granted)
        transaction.on_commit(lambda: untouched.told(name, seed))


def empty(staying: Container[str], *, for_many: bool = False) -> list[Credential]:
    """
    Empty the world. Returns what is to be put back: requests, and what accounts granted that are staying.

    for_many: a million rows follow, which PostgreSQL stores sooner in tables that are new to it.
    """
    granted = [
        credential
        for credential in Credential.objects.filter(of_scenario=False)
        if credential.customer_id is None or credential.customer_id in staying
    ]
    # A row so far from the first is found without counting.
    if for_many or any(
        model._default_manager.all()[_MANY : _MANY + 1].exists() for model in (Order, LedgerEntry, Customer)
    ):
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in REPLACED)
        with connection.cursor() as cursor:
            # A table that was filled just now is being vacuumed. Who waits for that ends it, but after a second each.
            cursor.execute("SELECT current_setting('is_superuser')")
            if cursor.fetchone()[0] == "on":
                cursor.execute("SET LOCAL deadlock_timeout = '10ms'")
            cursor.execute(f"TRUNCATE {tables}")
    else:
        for model in REPLACED:
            model._default_manager.all()._raw_delete("default")
    forget_once_committed()
    return granted


def known_application() -> Application:
    return Application.objects.update_or_create(application_id=APPLICATION["application_id"], defaults=APPLICATION)[0]


def _store(story: Story) -> None:
    application = known_application()
    Customer.objects.bulk_create(story.customers)
    Credential.objects.bulk_create(
        Credential(
            application=application,
            customer=customer,
            consumer_key=tools_key(customer.nichandle),
            token=f"tools-{customer.nichandle}",
            status="validated",
            rules=ALL_RIGHTS,
            creation=world.now(),
            of_scenario=True,
        )
        for customer in story.customers
    )
    for rows in (
        *(story.orders, story.details, story.bills),
        *(story.payment_methods, story.belongings, story.ledger),
    ):
        copy_in(rows)


def copy_in(rows: Sequence[Model]) -> None:
    """Store rows of one table by COPY: every test begins with a scenario, and INSERT took most of its time."""
    if not rows:
        return
    meta = type(rows[0])._meta
    columns = [field for field in meta.concrete_fields if not isinstance(field, AutoField)]
    names = ", ".join(connection.ops.quote_name(field.column) for field in columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {connection.ops.quote_name(meta.db_table)} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in columns])


def tools_key(nichandle: str) -> str:
    """Return the consumer key that the sandbox has validated for tools, 32 letters and digits."""
    return ("Tools" + "".join(filter(str.isalnum, nichandle)) + "0" * 32)[:32]
