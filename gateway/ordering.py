"""The calls of ordering: carts, offers, configuration, checking out, contacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from . import errors
from ._fields import as_integers, as_list, as_text
from ._paths import filled, query_of
from ._transport import Answer, Call
from .ordering_records import (
    CONTACT_PATH,
    CartItemRecord,
    CartRecord,
    ConfigurationRecord,
    ContactFieldRecord,
    ContactRecord,
    DomainOfferRecord,
    ProductRecord,
    QuoteRecord,
    RequirementRecord,
    rule_of,
)

T = TypeVar("T")

_AT = "/order/cart/{}"
_ITEM = f"{_AT}/item/{{}}"


class Ordering:
    """
    The part of a Gateway that orders. Until a cart is assigned most of its routes need no key and are called without
    one where there is none; whoever knows its id may call them.

    A cart that has expired, or is of another subsidiary, is NotFound ("Invalid Cart ID").
    """

    if TYPE_CHECKING:
        _consumer_key: str

        def _answer(self, call: Call) -> Answer: ...

        def _parsed(self, answer: Answer, parse: Callable[[Any], T]) -> T: ...

    # The cart

    def make_cart(self, subsidiary: str, description: str = "", expire: datetime | None = None) -> CartRecord:
        """
        Make an empty cart. Not idempotent: a second call makes a second one, which expires by itself.

        Source: POST /order/cart, open. subsidiary: the account's. expire: a day from now unless told otherwise.
        Raises ValueError for a naive datetime.
        """
        body = {"ovhSubsidiary": subsidiary, "description": description, "expire": _moment(expire)}
        return self._open("POST", CartRecord.from_api, "/order/cart", body=_given(body))

    def cart(self, cart_id: str) -> CartRecord:
        """
        Return a cart.

        Source: GET /order/cart/{cartId}, open. Raises NotFound.
        """
        return self._open("GET", CartRecord.from_api, _AT, cart_id)

    def keep_cart_until(self, cart_id: str, expire: datetime) -> CartRecord:
        """
        Move a cart's end.

        Source: PUT /order/cart/{cartId}, open. Raises ValueError for a naive datetime.
        """
        return self._open("PUT", CartRecord.from_api, _AT, cart_id, body={"expire": _moment(expire)})

    def assign_cart(self, cart_id: str) -> None:
        """
        Make the cart this account's; again is harmless.

        Source: POST /order/cart/{cartId}/assign, signed.
        """
        self._signed("POST", _nothing, f"{_AT}/assign", cart_id)

    def delete_cart(self, cart_id: str) -> None:
        """
        Forget a cart.

        Source: DELETE /order/cart/{cartId}, signed. Raises NotFound.
        """
        self._signed("DELETE", _nothing, _AT, cart_id)

    # Offers

    def domain_offers(self, cart_id: str, domain: str) -> tuple[DomainOfferRecord, ...]:
        """
        Return the ways to have a name, none where nobody here sells such.

        Source: GET /order/cart/{cartId}/domain, signed. domain: ASCII (punycode).
        """
        return self._signed(
            "GET", _each(DomainOfferRecord.from_api), f"{_AT}/domain", cart_id, query={"domain": domain}
        )

    def domain_options(self, cart_id: str, domain: str) -> tuple[ProductRecord, ...]:
        """
        Return the options of a name.

        Source: GET /order/cart/{cartId}/domain/options, open.
        """
        return self._open(
            "GET", _each(ProductRecord.from_api), f"{_AT}/domain/options", cart_id, query={"domain": domain}
        )

    def product_offers(self, cart_id: str, product: str) -> tuple[ProductRecord, ...]:
        """
        Return the plans of a kind of product.

        Source: GET /order/cart/{cartId}/{product}, open. product: the API's segment ("vps", "webHosting").
        """
        return self._open("GET", _each(ProductRecord.from_api), f"{_AT}/{{}}", cart_id, product)

    def product_options(self, cart_id: str, product: str, plan_code: str) -> tuple[ProductRecord, ...]:
        """
        Return the options of a plan.

        Source: GET /order/cart/{cartId}/{product}/options, open. Raises NotFound for a plan that is none.
        """
        path = f"{_AT}/{{}}/options"
        return self._open("GET", _each(ProductRecord.from_api), path, cart_id, product, query={"planCode": plan_code})

    # Items. Adding is not idempotent: after a lost answer, look at the cart's items before anything else.

    def add_domain(
        self, cart_id: str, domain: str, *, duration: str, plan_code: str, pricing_mode: str, offer_id: str = ""
    ) -> CartItemRecord:
        """
        Add a name; its DNS zone comes by itself, as an item of its own. Not idempotent.

        Source: POST /order/cart/{cartId}/domain, signed.
        """
        body: dict[str, Any] = {"domain": domain, "duration": duration, "planCode": plan_code}
        body |= {"pricingMode": pricing_mode, "quantity": 1, "offerId": offer_id or None}
        return self._signed("POST", CartItemRecord.from_api, f"{_AT}/domain", cart_id, body=_given(body))

    def add_product(
        self, cart_id: str, product: str, *, plan_code: str, duration: str, pricing_mode: str, quantity: int
    ) -> CartItemRecord:
        """
        Add a product. Not idempotent.

        Source: POST /order/cart/{cartId}/{product}, open.
        """
        body = {"planCode": plan_code, "duration": duration, "pricingMode": pricing_mode, "quantity": quantity}
        return self._open("POST", CartItemRecord.from_api, f"{_AT}/{{}}", cart_id, product, body=body)

    def add_option(
        self,
        cart_id: str,
        product: str,
        item_id: int,
        *,
        plan_code: str,
        duration: str,
        pricing_mode: str,
        quantity: int,
    ) -> CartItemRecord:
        """
        Add an option of an item. Not idempotent.

        Source: POST /order/cart/{cartId}/{product}/options, open. product: the item's segment, "domain" included.
        """
        body = {"itemId": item_id, "planCode": plan_code, "duration": duration}
        body |= {"pricingMode": pricing_mode, "quantity": quantity}
        return self._open("POST", CartItemRecord.from_api, f"{_AT}/{{}}/options", cart_id, product, body=body)

    def cart_item_ids(self, cart_id: str) -> list[int]:
        """
        Return the ids of all items, options and what came by itself included.

        Source: GET /order/cart/{cartId}/item, open.
        """
        return self._open("GET", lambda raw: as_integers(raw, "items"), f"{_AT}/item", cart_id)

    def cart_item(self, cart_id: str, item_id: int) -> CartItemRecord:
        """
        Return one item with its prices of now.

        Source: GET /order/cart/{cartId}/item/{itemId}, open.
        """
        return self._open("GET", CartItemRecord.from_api, _ITEM, cart_id, item_id)

    def change_cart_item(
        self, cart_id: str, item_id: int, *, duration: str | None = None, quantity: int | None = None
    ) -> CartItemRecord:
        """
        Change how long, or how many.

        Source: PUT /order/cart/{cartId}/item/{itemId}, open.
        """
        body = _given({"duration": duration, "quantity": quantity})
        return self._open("PUT", CartItemRecord.from_api, _ITEM, cart_id, item_id, body=body)

    def delete_cart_item(self, cart_id: str, item_id: int) -> None:
        """
        Take an item out, with its options and what came with it.

        Source: DELETE /order/cart/{cartId}/item/{itemId}, open. Raises NotFound.
        """
        self._open("DELETE", _nothing, _ITEM, cart_id, item_id)

    # What an item still wants to know

    def required_configuration(self, cart_id: str, item_id: int) -> tuple[RequirementRecord, ...]:
        """
        Return the labels that an item knows.

        Source: GET /order/cart/{cartId}/item/{itemId}/requiredConfiguration, open.
        """
        path = f"{_ITEM}/requiredConfiguration"
        return self._open("GET", _each(RequirementRecord.from_api), path, cart_id, item_id)

    def configuration_ids(self, cart_id: str, item_id: int, label: str | None = None) -> list[int]:
        """
        Return the ids of what is filled in for an item, or for one label of it.

        Source: GET /order/cart/{cartId}/item/{itemId}/configuration, open.
        """
        path, query = f"{_ITEM}/configuration", {"label": label}
        return self._open("GET", lambda raw: as_integers(raw, "configurations"), path, cart_id, item_id, query=query)

    def configuration(self, cart_id: str, item_id: int, configuration_id: int) -> ConfigurationRecord:
        """
        Return what is filled in.

        Source: GET /order/cart/{cartId}/item/{itemId}/configuration/{configurationId}, open.
        """
        path = f"{_ITEM}/configuration/{{}}"
        return self._open("GET", ConfigurationRecord.from_api, path, cart_id, item_id, configuration_id)

    def configure(self, cart_id: str, item_id: int, label: str, value: str) -> ConfigurationRecord:
        """
        Fill in a label. Anything is taken, and twice is a duplicate: both come out when it is checked out.

        Source: POST /order/cart/{cartId}/item/{itemId}/configuration, open.
        """
        body = {"label": label, "value": value}
        return self._open("POST", ConfigurationRecord.from_api, f"{_ITEM}/configuration", cart_id, item_id, body=body)

    def delete_configuration(self, cart_id: str, item_id: int, configuration_id: int) -> None:
        """
        Take back what was filled in.

        Source: DELETE /order/cart/{cartId}/item/{itemId}/configuration/{configurationId}, open. Raises NotFound.
        """
        self._open("DELETE", _nothing, f"{_ITEM}/configuration/{{}}", cart_id, item_id, configuration_id)

    # Coupons

    def cart_coupons(self, cart_id: str) -> list[str]:
        """
        Return the coupons of a cart.

        Source: GET /order/cart/{cartId}/coupon, open.
        """
        return self._open("GET", _texts, f"{_AT}/coupon", cart_id)

    def add_coupon(self, cart_id: str, coupon: str) -> list[str]:
        """
        Add a coupon; returns all of them. OvhRefused for one that is not valid.

        Source: POST /order/cart/{cartId}/coupon, open.
        """
        return self._open("POST", _texts, f"{_AT}/coupon", cart_id, body={"coupon": coupon})

    def delete_coupon(self, cart_id: str, coupon: str) -> None:
        """
        Take a coupon out.

        Source: DELETE /order/cart/{cartId}/coupon, open. Raises NotFound.
        """
        self._open("DELETE", _nothing, f"{_AT}/coupon", cart_id, query={"coupon": coupon})

    # What it comes to

    def cart_summary(self, cart_id: str) -> QuoteRecord:
        """
        Return what the cart comes to, without judging it and without contracts.

        Source: GET /order/cart/{cartId}/summary, open.
        """
        return self._open("GET", QuoteRecord.from_api, f"{_AT}/summary", cart_id)

    def try_check_out(self, cart_id: str) -> QuoteRecord:
        """
        Return what checking out would come to, with its contracts; nothing is made.

        Source: GET /order/cart/{cartId}/checkout, signed, of an assigned cart. OvhRefused: what is wrong with it.
        """
        return self._signed("GET", QuoteRecord.from_api, f"{_AT}/checkout", cart_id)

    def check_out(self, cart_id: str, *, pay_at_once: bool, waive_withdrawal: bool) -> QuoteRecord:
        """
        Make the purchase order: the one call here that costs money. Never repeat it unless NotConnected; look at the
        cart's read_only, then at the orders since just before.

        Source: POST /order/cart/{cartId}/checkout, signed, of an assigned cart.
        pay_at_once: with the account's default method. waive_withdrawal: must be true for some products.
        Raises:
            OvhRefused: no order was made; `message` says why.
            NotConnected: OVHcloud never heard of it.
            OvhUnavailable, otherwise: it may have been made.
        """
        body = {"autoPayWithPreferredPaymentMethod": pay_at_once, "waiveRetractationPeriod": waive_withdrawal}
        return self._signed("POST", QuoteRecord.placed, f"{_AT}/checkout", cart_id, body=body)

    # Contacts, and what registries ask of them

    def me_contact_ids(self) -> list[int]:
        """
        Return the ids of the account's contacts.

        Source: GET /me/contact.
        """
        return self._signed("GET", lambda raw: as_integers(raw, "contacts"), "/me/contact")

    def domain_contacts(self) -> tuple[ContactRecord, ...]:
        """
        Return the account's contacts of domain names, whole.

        Source: GET /domain/contact.
        """
        return self._signed("GET", _each(lambda raw: ContactRecord.of("/domain/contact", raw)), "/domain/contact")

    def contact(self, path: str) -> ContactRecord:
        """
        Return one contact. path: "/me/contact/1234" or "/domain/contact/1234".

        Source: GET of it. Raises NotFound, also for a path that is none.
        """
        route = _contact_route(path)
        return self._signed("GET", lambda raw: ContactRecord.of(route, raw), path)

    def contact_fields(self, path: str) -> tuple[ContactFieldRecord, ...]:
        """
        Return which fields of a /me/contact/… must be filled in and which cannot be changed.

        Source: GET /me/contact/{contactId}/fields. Raises NotFound.
        """
        _contact_route(path)
        return self._signed("GET", _each(ContactFieldRecord.from_api), f"{path}/fields")

    def new_contact(self, facts: Mapping[str, Any], route: str = "/me/contact") -> ContactRecord:
        """
        Make a contact. Not idempotent: a second call makes a second one.

        Source: POST /me/contact or POST /domain/contact, whichever route names.
        """
        _contact_route(f"{route}/1")
        return self._signed("POST", lambda raw: ContactRecord.of(route, raw), route, body=dict(facts))

    def change_contact(self, path: str, facts: Mapping[str, Any]) -> ContactRecord:
        """
        Change fields of a contact.

        Source: PUT of its path. Raises NotFound.
        """
        route = _contact_route(path)
        return self._signed("PUT", lambda raw: ContactRecord.of(route, raw), path, body=dict(facts))

    def registry_rule(self, domain: str, action: str) -> Mapping[str, Any]:
        """
        Return what the registry asks of whoever wants a name, a tree of the API's own fields.

        Source: GET /domain/configurationRule, open. action: "create", "transfer", ….
        """
        query = {"domain": domain, "action": action}
        return self._open("GET", rule_of, "/domain/configurationRule", query=query)

    def check_registry_rule(self, domain: str, action: str, facts: Mapping[str, Any]) -> None:
        """
        Try data against what the registry asks; OvhRefused says what does not do.

        Source: POST /domain/configurationRule/check, signed.
        """
        query = {"domain": domain, "action": action}
        self._signed("POST", _nothing, "/domain/configurationRule/check", query=query, body=dict(facts))

    # Below the methods

    def _signed(
        self,
        method: str,
        parse: Callable[[Any], T],
        template: str,
        *ids: int | str,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        signed: bool = True,
    ) -> T:
        call = Call(method, filled(template, *ids) + query_of(query or {}), body, signed=signed)
        return self._parsed(self._answer(call), parse)

    def _open(self, method: str, parse: Callable[[Any], T], template: str, *ids: int | str, **more: Any) -> T:
        """As `_signed`, for a route that asks for no key: signed only if there is one."""
        return self._signed(method, parse, template, *ids, signed=bool(self._consumer_key), **more)


def _contact_route(path: str) -> str:
    if not CONTACT_PATH.fullmatch(path):
        raise errors.NotFound(detail="not the path of a contact")
    return path.rpartition("/")[0]


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a datetime without its zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _nothing(raw: Any) -> None:
    return None


def _texts(raw: Any) -> list[str]:
    return [as_text(item, "coupon") for item in as_list(raw, "coupons")]


def _each(parse: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """For a list of objects; null elements are dropped."""

    def parsed(raw: Any) -> tuple[T, ...]:
        return tuple(parse(item) for item in as_list(raw, "list") if item is not None)

    return parsed
