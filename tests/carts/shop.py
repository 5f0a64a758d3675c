"""Carts for tests, of one of the sandbox's customers whose key may order."""

from typing import Any

from accounts.models import Link, Nichandle
from accounts.ovh import ORDERING_RULES
from carts import actions, sync
from carts.actions import Wanted
from carts.models import Cart, CartItem, Checkout, Configuration
from orders.models import Intent
from tests.factories import make_import, make_order
from tests.sandboxes import Sandbox
from tests.world import sign_up

NAME = Wanted("domain", "fr", "P1Y", "create-default", domain="lavande.fr")
VPS = Wanted("vps", "vps-1-2026", "P1M")
DEBIAN = Wanted("vps", "vps-os-debian", "P1M", family="os")


def shopper(ovh: Sandbox, index: int = 0, **fields: Any) -> Nichandle:
    nichandle = sign_up(ovh, index, **fields)
    let_order(nichandle)
    return nichandle


def known_shopper(ovh: Sandbox) -> Nichandle:
    """One whose account was imported: older orders are known, so that a look for new ones finds the new one."""
    nichandle = shopper(ovh)
    make_import(nichandle)
    make_order(nichandle)
    return nichandle


def let_order(nichandle: Nichandle) -> None:
    rules = [{"method": rule.method, "path": rule.path} for rule in ORDERING_RULES]
    Link.objects.filter(nichandle=nichandle).update(rules=rules)


def open_cart(nichandle: Nichandle) -> Cart:
    return Cart.objects.get_or_create(
        nichandle=nichandle, state=Cart.State.OPEN, defaults={"subsidiary": nichandle.ovh_subsidiary}
    )[0]


def a_name(cart: Cart, domain: str = "lavande.fr", **fields: Any) -> CartItem:
    mode = fields.pop("pricing_mode", "create-default")
    return actions.add_item(cart, Wanted("domain", domain.partition(".")[2], "P1Y", mode, domain=domain, **fields))


def a_vps(cart: Cart) -> CartItem:
    item = actions.add_item(cart, VPS, [DEBIAN])
    fill_in(item, vps_datacenter="GRA")
    return item


def fill_in(item: CartItem, **values: str) -> None:
    from carts.configuring.saving import configure

    configure(item, values)


def mirror(cart: Cart) -> Cart:
    """One turn of a worker; the row as it stands then."""
    sync.mirror_due()
    cart.refresh_from_db()
    return cart


def quoted_cart(nichandle: Nichandle, domain: str = "lavande.fr") -> Cart:
    """A cart with a name, filled in and judged: ready to be ordered."""
    cart = open_cart(nichandle)
    fill_in(a_name(cart, domain), OWNER_LEGAL_AGE="true")
    mirror(cart)
    assert cart.is_quoted
    assert cart.quote["is_dry_run"]
    return cart


def problems(cart: Cart) -> dict[str, str]:
    """What OVHcloud says against labels, by label."""
    rows = Configuration.objects.filter(item__cart=cart).exclude(problem="")
    return dict(rows.values_list("label", "problem"))


def calls(ovh: Sandbox, since: int = 0) -> list[str]:
    """What OVHcloud was asked, without the time, ids and queries left out: "POST /order/cart/{}/domain"."""
    found = [route(one) for one in ovh.requests(since)]
    return [call for call in found if call != "GET /auth/time"]


def route(request: dict[str, Any]) -> str:
    """Of one entry of the log: its method and path, ids left out."""
    parts = request["path"].removeprefix("/1.0").partition("?")[0].split("/")
    path = "/".join("{}" if any(c.isdigit() for c in part) else part for part in parts)
    return f"{request['method']} {path}"


# --- Ordering ---------------------------------------------------------------------------------------------------------
def order(cart: Cart, *, waived: bool = True, pay_at_once: bool = False) -> Checkout:
    """The button was pressed; nobody has carried it yet."""
    assert cart.nichandle
    arguments = {"waived": waived, "pay_at_once": pay_at_once}
    intent = Intent.objects.create(kind=Intent.Kind.CHECKOUT, nichandle=cart.nichandle, arguments=arguments)
    Cart.objects.filter(pk=cart.pk).update(state=Cart.State.ORDERING)
    cart.refresh_from_db()
    return Checkout.objects.create(
        cart=cart,
        intent=intent,
        nichandle=cart.nichandle,
        quote=cart.quote,
        waived=waived,
        pay_at_once=pay_at_once,
        language="en",
    )


def orders_of(ovh: Sandbox, cart: Cart) -> list[int]:
    """The orders that OVHcloud made of this cart."""
    ledger = ovh.control("GET", "ledger")
    made = [entry for entry in ledger if entry["event"] == "created" and entry.get("cart") == cart.ovh_cart_id]
    return [entry["order"] for entry in made]


def checkouts(ovh: Sandbox, cart: Cart, method: str = "POST") -> int:
    """How often OVHcloud was asked to order this cart, or (GET) what that would come to."""
    path = f"/1.0/order/cart/{cart.ovh_cart_id}/checkout"
    return sum(one["path"] == path and one["method"] == method for one in ovh.requests())
