"""Worlds to begin with. Each is told from a seed and from now, so that its dates stay near."""

from collections.abc import Callable

from django.db import connection
from django.db.models import Model

from .. import world
from ..models import Application, Belonging, Bill, Cart, Credential, Customer, Detail, LedgerEntry, Order, PaymentMethod
from .demo import demo
from .empty import empty
from .story import Story

SEED = 1
_TOLD: dict[str, Callable[[Story], None]] = {"demo": demo, "empty": empty}
NAMES = tuple(_TOLD)

# The one application that the sandbox knows. Its secret guards an invented world, and is in the ready file.
APPLICATION = {
    "application_id": 80001,
    "key": "SandboxAppKey001",
    "secret": "SandboxApplicationSecret00000001",
    "name": "Order panel",
}
_REPLACED: tuple[type[Model], ...] = (Cart, Belonging, LedgerEntry, PaymentMethod, Bill, Detail, Order)
# Above this, emptying a table beats deleting its rows; below, it costs a file each.
_MANY_ORDERS = 20_000


def load(name: str, seed: int = SEED) -> None:
    """
    Replace the world by a scenario.

    Keys that customers granted stay, so that nobody has to sign in again; tools' keys are valid again. Orders made
    later get numbers that no world before had.
    """
    with world.gate.replace():
        world.begin(name, seed)
        story = Story(seed)
        _TOLD[name](story)
        _empty()
        _store(story)


def _empty() -> None:
    if Order.objects.count() > _MANY_ORDERS:
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in _REPLACED)
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {tables}")
        return
    for model in _REPLACED:
        model._default_manager.all()._raw_delete("default")


def _store(story: Story) -> None:
    names = [customer.nichandle for customer in story.customers]
    Credential.objects.filter(of_scenario=True).delete()
    Customer.objects.exclude(pk__in=names).delete()
    application, _ = Application.objects.update_or_create(
        application_id=APPLICATION["application_id"], defaults=APPLICATION
    )
    Customer.objects.bulk_create(
        story.customers,
        update_conflicts=True,
        unique_fields=["nichandle"],
        update_fields=["about", "password", "totp_secret", "profile", "position", "quirks"],
    )
    Credential.objects.bulk_create(
        Credential(
            application=application,
            customer=customer,
            consumer_key=tools_key(customer),
            token=f"tools-{customer.nichandle}",
            status="validated",
            rules=[{"method": method, "path": "/*"} for method in ("GET", "POST", "PUT", "DELETE", "PATCH")],
            creation=world.now(),
            of_scenario=True,
        )
        for customer in story.customers
    )
    Order.objects.bulk_create(story.orders)
    Detail.objects.bulk_create(story.details)
    Bill.objects.bulk_create(story.bills)
    PaymentMethod.objects.bulk_create(story.payment_methods)
    Belonging.objects.bulk_create(story.belongings)
    LedgerEntry.objects.bulk_create(story.ledger)


def tools_key(customer: Customer) -> str:
    """Return the consumer key that the sandbox has validated for tools, 32 letters and digits."""
    return ("Tools" + "".join(filter(str.isalnum, customer.nichandle)) + "0" * 32)[:32]
