"""What the copy comes to, and where a refusal of the dry run belongs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from carts.configuring.labels import is_filled, missing
from carts.models import CartItem
from carts.sync import kept
from carts.sync.codes import hide_codes
from carts.sync.copying import Work
from carts.sync.filling import fill_in_anew
from gateway import NotAdmitted, NotFound, OvhRefused

# "in customFields there must be a field with name 'dedicated_datacenter'"
_WANTED = re.compile(r"field with name ['\"]([^'\"]+)['\"]")
# "Custom field dedicated_datacenter is duplicated for product 26skle01"
_SAID = re.compile(r"custom field ['\"]?([\w.-]+?)['\"]? (?:is|has|must)\b", re.IGNORECASE)
_TWICE = re.compile(r"\bduplicated\b", re.IGNORECASE)


def quote(work: Work) -> dict[str, Any] | None:
    """
    Ask what the copy comes to, by the dry run where nothing is known to be missing. What it refuses is kept in `work`.
    None: not all of the cart is there, so no sum would be its sum.
    """
    items = list(work.cart.items.order_by("pk").prefetch_related("configurations"))
    if not items or any(item.ovh_item_id is None for item in items):
        return None
    is_dry_run = False
    if any(missing(item, item.configurations.all()) for item in items):
        answer = work.gateway.cart_summary(work.id)
    else:
        work.was_judged = True
        try:
            answer = _try(work, items)
            is_dry_run = True
        except OvhRefused as error:
            if isinstance(error, NotAdmitted | NotFound):
                raise
            _place(work, items, error)
            answer = work.gateway.cart_summary(work.id)
    keys = {item.ovh_item_id: str(item.key) for item in items if item.ovh_item_id is not None}
    return kept.quote(answer, keys, places(items), is_dry_run=is_dry_run)


def _try(work: Work, items: list[CartItem]) -> Any:
    try:
        return work.gateway.try_check_out(work.id)
    except OvhRefused as error:
        label = _label_of(error.message)
        twice = [item for item in _named(error.message, items) or items if label in _labels(item)]
        if not (label and twice and _TWICE.search(error.message)):
            raise
    for item in twice:
        fill_in_anew(work, item, label)
    return work.gateway.try_check_out(work.id)


def _place(work: Work, items: list[CartItem], error: OvhRefused) -> None:
    """OVHcloud's words onto the item and the label they are about; onto the cart, where that cannot be told."""
    where = placed(error.message, items)
    hide_codes(work.cart, error)
    for item, label in where:
        if label:
            work.label_problems[item.pk, label] = error.message
        else:
            work.item_problems[item.pk] = error.message
    if not where:
        work.message = error.message
    work.query_id = error.query_id


def placed(message: str, items: Sequence[CartItem]) -> list[tuple[CartItem, str]]:
    """What a refusal is about: items, each with a label or ""; nothing where it does not tell."""
    label, named = _label_of(message), _named(message, items)
    if not label:
        return [(item, "") for item in named]
    if named:
        return [(item, label) for item in named]
    if _WANTED.search(message):
        # No item is named: every one that knows the label and has not filled it in.
        knowing = [item for item in items if label in _known(item) and label not in _labels(item)]
        tops = [item for item in items if item.parent_id is None and not item.came_by_itself]
        return [(item, label) for item in knowing or (tops if len(tops) == 1 else [])]
    return [(item, label) for item in items if label in _labels(item)]


def _label_of(message: str) -> str:
    found = _WANTED.search(message) or _SAID.search(message)
    return found[1][:100] if found else ""


def _named(message: str, items: Iterable[CartItem]) -> list[CartItem]:
    """Items whose domain name or plan stands in the message as a word of its own; names before plans."""

    def stands(name: str) -> bool:
        return bool(name) and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", message) is not None

    of_names = [item for item in items if item.product == "domain" and not item.parent_id and stands(item.domain)]
    # An extension is a plan's code, too, and a word like any other.
    return of_names or [item for item in items if item.product != "domain" and stands(item.plan_code)]


def _known(item: CartItem) -> set[str]:
    return {requirement["label"] for requirement in item.requirements or ()}


def _labels(item: CartItem) -> set[str]:
    return {one.label for one in item.configurations.all() if is_filled(one)}


def places(items: Sequence[CartItem]) -> Mapping[str, str]:
    """
    Our items by the `domain` that lines of a quote have: *001 the first product, *001.001 what belongs to it. Lines
    of domain names are told apart by that alone.
    """
    found: dict[str, str] = {}
    tops = [item for item in items if item.parent_id is None and not item.came_by_itself]
    for number, top in enumerate(sorted(tops, key=_by_number), 1):
        _put(found, items, top, f"*{number:03}")
    return found


def _put(found: dict[str, str], items: Sequence[CartItem], item: CartItem, place: str) -> None:
    found[place] = str(item.key)
    below = [one for one in items if one.parent_id == item.pk or _is_zone_of(one, item)]
    for number, one in enumerate(sorted(below, key=_by_number), 1):
        _put(found, items, one, f"{place}.{number:03}")


def _is_zone_of(zone: CartItem, item: CartItem) -> bool:
    return zone.came_by_itself and item.product == "domain" and not item.parent_id and zone.domain == item.domain


def _by_number(item: CartItem) -> int:
    return item.ovh_item_id or 0
