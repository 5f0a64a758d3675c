"""
Items of the copy: those that nobody knows are matched with ours or taken out, changed ones changed, missing ones added.

An answer that is lost leaves an item at OVHcloud that we do not know; so a turn that follows trouble reads every item
again (`reread`), and only then adds anything.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from carts.models import Cart, CartItem
from carts.sync import kept
from carts.sync.copies import LeaseLost, forget_items, held
from gateway import CartItemRecord, Gateway, NotAdmitted, NotFound, OvhRefused

# No call begins later in a turn; what is left is the next one's.
TURN_SECONDS = 25.0


class OutOfTime(Exception):
    """The turn has lasted long enough; nothing went wrong."""


@dataclass
class Work:
    """
    One turn with one cart. problems: OVHcloud's words by item, and by item and label; written when the turn ends.

    reread: something may be at OVHcloud that we do not know of. was_judged: the dry run was asked; settled: items that
    OVHcloud took or changed, so that what it said against them before is over.
    """

    cart: Cart
    gateway: Gateway
    revision: int
    reread: bool
    ends: float = field(default_factory=lambda: time.monotonic() + TURN_SECONDS)
    item_problems: dict[int, str] = field(default_factory=dict)
    label_problems: dict[tuple[int, str], str] = field(default_factory=dict)
    coupon_problems: dict[str, str] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    was_judged: bool = False
    message: str = ""
    query_id: str = ""

    @property
    def id(self) -> str:
        return self.cart.ovh_cart_id

    def items(self) -> list[CartItem]:
        return list(self.cart.items.order_by("pk"))

    def before_a_write(self) -> None:
        """
        Raises:
            OutOfTime, LeaseLost: see there.
        """
        if time.monotonic() > self.ends:
            raise OutOfTime
        if not held(self.cart).exists():
            raise LeaseLost

    def refused(self, item: CartItem, error: OvhRefused) -> None:
        """Keep why; what says nothing of the item itself is raised on."""
        if isinstance(error, NotAdmitted | NotFound):
            raise error
        self.item_problems[item.pk] = error.message
        self.query_id = error.query_id


def copy_items(work: Work, remote: Collection[int]) -> None:
    """remote: the items that OVHcloud's cart has."""
    rows = work.items()
    vanished = [row for row in rows if row.ovh_item_id is not None and row.ovh_item_id not in remote]
    _forget(vanished)
    unknown = set(remote) - {row.ovh_item_id for row in rows}
    for item_id in sorted(unknown):
        _take_in(work, rows, item_id)
    for row in rows:
        if row.ovh_item_id is not None and (work.reread or not row.prices):
            _compare(work, rows, row)
    tops = [row for row in rows if row.parent_id is None and row.ovh_item_id is None and not row.came_by_itself]
    for row in tops:
        _add(work, rows, row)
    if any(row.product == "domain" and row.ovh_item_id is not None for row in tops):
        _find_zones(work, rows)
    rows = work.items()
    for row in rows:
        if row.parent_id is not None and row.ovh_item_id is None:
            _add(work, rows, row)


def _forget(rows: list[CartItem]) -> None:
    if rows:
        forget_items(rows)
    for row in rows:
        row.ovh_item_id, row.prices = None, {}


# --- What is there and nobody knows -----------------------------------------------------------------------------------
def _take_in(work: Work, rows: list[CartItem], item_id: int, *, came_now: bool = False) -> None:
    """came_now: nothing but names was added since OVHcloud was asked what it has."""
    try:
        record = work.gateway.cart_item(work.id, item_id)
    except NotFound:
        return
    row = _ours(rows, record)
    if row is None and record.parent_item_id is None and (came_now or _is_zone(record)):
        row = _zone_row(work, rows, record)
    if row is None:
        _take_out(work, item_id)
        return
    # What is filled in there belongs to a turn that nobody knows the end of: it is filled in anew.
    for configuration_id in record.configurations:
        work.before_a_write()
        _without(work, item_id, configuration_id)
    _know(row, record)


def _ours(rows: list[CartItem], record: CartItemRecord) -> CartItem | None:
    """Our row that waits for just this item."""
    parents = {row.pk: row.ovh_item_id for row in rows}
    for row in rows:
        if row.ovh_item_id is not None or row.came_by_itself:
            continue
        parent = parents.get(row.parent_id) if row.parent_id is not None else None
        if (row.parent_id is None) != (record.parent_item_id is None) or parent != record.parent_item_id:
            continue
        same = row.plan_code == record.plan_code and row.pricing_mode == record.pricing_mode
        if same and (row.domain == record.domain or row.parent_id is not None):
            return row
    return None


def _zone_row(work: Work, rows: list[CartItem], record: CartItemRecord) -> CartItem | None:
    """The row of a DNS zone that came by itself: of the name that was added last before it and has none yet."""
    with_zone = {row.domain for row in rows if row.came_by_itself and row.ovh_item_id is not None}
    names = [
        row
        for row in rows
        if row.product == "domain" and row.parent_id is None and row.domain not in with_zone
        if row.ovh_item_id is not None and row.ovh_item_id < record.item_id
    ]
    owner = max(names, key=lambda row: row.ovh_item_id or 0, default=None)
    if owner is None or owner.without_zone:
        return None
    row = next((row for row in rows if row.came_by_itself and row.domain == owner.domain), None)
    if row is None:
        row = CartItem.objects.create(
            cart=work.cart,
            product="dns" if _is_zone(record) else record.product_id[:40],
            plan_code=record.plan_code[:100],
            domain=owner.domain,
            pricing_mode=record.pricing_mode[:60] or "default",
            duration=record.duration[:10],
            quantity=record.quantity or 1,
            came_by_itself=True,
            chosen_at_prices=kept.prices(record.prices),
        )
        rows.append(row)
    return row


def _is_zone(record: CartItemRecord) -> bool:
    return record.product_id.startswith("dns") or "zone" in (record.product_id, record.plan_code)


def _find_zones(work: Work, rows: list[CartItem]) -> None:
    """Names were added: their zones came with them. A zone that did not come is not shown."""
    known = {row.ovh_item_id for row in rows}
    for item_id in sorted(set(work.gateway.cart_item_ids(work.id)) - known):
        _take_in(work, rows, item_id, came_now=not work.reread)
    for row in rows:
        if row.came_by_itself and row.ovh_item_id is None:
            CartItem.objects.filter(pk=row.pk).delete()


def _take_out(work: Work, item_id: int) -> None:
    work.before_a_write()
    try:
        work.gateway.delete_cart_item(work.id, item_id)
    except NotFound:
        return


def _without(work: Work, item_id: int, configuration_id: int) -> None:
    try:
        work.gateway.delete_configuration(work.id, item_id, configuration_id)
    except NotFound:
        return


# --- What both have ---------------------------------------------------------------------------------------------------
def _compare(work: Work, rows: list[CartItem], row: CartItem) -> None:
    assert row.ovh_item_id is not None  # noqa: S101  (asked by the caller)
    try:
        record = work.gateway.cart_item(work.id, row.ovh_item_id)
    except NotFound:
        _forget([row])
        return
    if row.came_by_itself:
        _know(row, record, follow=True)
    elif _is_another(record, row):
        # Neither can be changed: it goes, its options with it, and all come back.
        _take_out(work, row.ovh_item_id)
        _forget([one for one in rows if row.pk in (one.pk, one.parent_id)])
        return
    else:
        record = _changed(work, row, record)
        _know(row, record)
    known = set(row.configurations.exclude(ovh_configuration_id=None).values_list("ovh_configuration_id", flat=True))
    for configuration_id in set(record.configurations) - known:
        work.before_a_write()
        _without(work, record.item_id, configuration_id)
    lost = known - set(record.configurations)
    row.configurations.filter(ovh_configuration_id__in=lost).update(ovh_configuration_id=None, is_mirrored=False)


def _is_another(record: CartItemRecord, row: CartItem) -> bool:
    """What OVHcloud does not tell is as it was."""
    return record.plan_code not in ("", row.plan_code) or record.pricing_mode not in ("", row.pricing_mode)


def _changed(work: Work, row: CartItem, record: CartItemRecord) -> CartItemRecord:
    wanted: dict[str, Any] = {}
    if record.duration and record.duration != row.duration:
        wanted["duration"] = row.duration
    if record.quantity is not None and record.quantity != row.quantity:
        wanted["quantity"] = row.quantity
    if not wanted:
        return record
    work.before_a_write()
    try:
        changed = work.gateway.change_cart_item(work.id, record.item_id, **wanted)
    except OvhRefused as error:
        work.refused(row, error)
        return record
    work.settled.add(row.pk)
    return changed


# --- What is missing there --------------------------------------------------------------------------------------------
def _add(work: Work, rows: list[CartItem], row: CartItem) -> None:
    work.before_a_write()
    try:
        record = _added(work, rows, row)
    except OvhRefused as error:
        work.refused(row, error)
        return
    if record is not None:
        work.settled.add(row.pk)
        _know(row, record)


def _added(work: Work, rows: list[CartItem], row: CartItem) -> CartItemRecord | None:
    gateway, wanted = work.gateway, {"plan_code": row.plan_code, "duration": row.duration}
    wanted["pricing_mode"] = row.pricing_mode
    if row.parent_id is not None:
        parent = next((one for one in rows if one.pk == row.parent_id), None)
        if parent is None or parent.ovh_item_id is None:
            return None
        return gateway.add_option(work.id, parent.product, parent.ovh_item_id, quantity=row.quantity, **wanted)
    if row.product == "domain":
        # The deprecated way to name an offer.
        offer_id = row.offer_id if row.pricing_mode == "default" else ""
        return gateway.add_domain(work.id, row.domain, offer_id=offer_id, **wanted)
    return gateway.add_product(work.id, row.product, quantity=row.quantity, **wanted)


def _know(row: CartItem, record: CartItemRecord, *, follow: bool = False) -> None:
    """
    Keep which item it is, and what it costs; not its price where the row wants something else by now.

    follow: nobody chose it, so it is as OVHcloud has it.
    """
    row.ovh_item_id, row.prices = record.item_id, kept.prices(record.prices)
    rows = CartItem.objects.filter(pk=row.pk)
    rows.update(ovh_item_id=record.item_id)
    if follow:
        rows.update(prices=row.prices)
        return
    same = rows.filter(quantity=row.quantity, duration=row.duration, pricing_mode=row.pricing_mode)
    same.update(prices=row.prices)
    if not row.chosen_at_prices:
        same.filter(chosen_at_prices={}).update(chosen_at_prices=row.prices)
