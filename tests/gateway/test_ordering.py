"""The calls of ordering against the sandbox, and what is made of answers that are odd."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway import (
    AnswerLost,
    Application,
    CartItemRecord,
    ContactRecord,
    CredentialRevoked,
    DomainOfferRecord,
    Gateway,
    NotFound,
    OvhRefused,
    OvhUnavailable,
    QuoteRecord,
    RequirementRecord,
    UnusableAnswer,
)
from tests.sandboxes import Sandbox

PRICE = {"currencyCode": "EUR", "priceInUcents": 499000000, "text": "4.99 €", "value": 4.99}
PRICES = {"withTax": PRICE, "withoutTax": PRICE, "tax": PRICE, "originalWithoutTax": None, "reduction": None}


@pytest.fixture
def application(sandbox: Sandbox) -> Application:
    return Application("ovh-eu", sandbox.api_base, sandbox.application_key, sandbox.application_secret)


@pytest.fixture
def anna(sandbox: Sandbox, application: Application) -> Gateway:
    return Gateway(application, sandbox.anna["consumer_key"])


@pytest.fixture
def cart(anna: Gateway) -> str:
    made = anna.make_cart("FR")
    anna.assign_cart(made.cart_id)
    return made.cart_id


def add_vps(anna: Gateway, cart: str) -> int:
    item = anna.add_product(cart, "vps", plan_code="vps-1-2026", duration="P1M", pricing_mode="default", quantity=1)
    anna.add_option(
        cart, "vps", item.item_id, plan_code="vps-os-debian", duration="P1M", pricing_mode="default", quantity=1
    )
    anna.configure(cart, item.item_id, "vps_datacenter", "GRA")
    return item.item_id


def calls(sandbox: Sandbox, since: int) -> list[str]:
    return [f"{one['method']} {one['path']}" for one in sandbox.requests(since) if "/auth/time" not in one["path"]]


def test_a_cart_lives_a_day_can_be_kept_longer_and_forgotten(anna: Gateway) -> None:
    made = anna.make_cart("FR", "of a test")
    assert (made.description, made.items, made.read_only) == ("of a test", (), False)
    assert made.expire is not None
    assert timedelta(hours=23) < made.expire - datetime.now(UTC) <= timedelta(days=1)
    later = made.expire + timedelta(days=2)
    assert anna.keep_cart_until(made.cart_id, later).expire == later
    anna.assign_cart(made.cart_id)
    anna.delete_cart(made.cart_id)
    with pytest.raises(NotFound, match="Invalid Cart ID"):
        anna.cart(made.cart_id)
    with pytest.raises(ValueError, match="zone"):
        anna.make_cart("FR", expire=datetime(2030, 1, 1))  # noqa: DTZ001


def test_without_a_key_only_the_open_routes_are_called(sandbox: Sandbox, application: Application) -> None:
    nobody = Gateway(application)
    made = nobody.make_cart("GB")
    plans = nobody.product_offers(made.cart_id, "vps")
    assert [plan.plan_code for plan in plans] == ["vps-1-2026", "vps-2-2026"]
    assert plans[0].prices[0].price.currency_code == "GBP"
    assert nobody.registry_rule("lavande.berlin", "create")["and"]
    before = sandbox.last_request()
    with pytest.raises(CredentialRevoked):
        nobody.domain_offers(made.cart_id, "lavande.fr")
    with pytest.raises(CredentialRevoked):
        nobody.check_out(made.cart_id, pay_at_once=False, waive_withdrawal=True)
    assert calls(sandbox, before) == []


def test_offers_of_a_name(anna: Gateway, cart: str) -> None:
    (offer,) = anna.domain_offers(cart, "lavande.fr")
    assert (offer.action, offer.pricing_mode, offer.orderable, offer.phase) == ("create", "create-default", True, "ga")
    assert offer.durations == ("P1Y",)
    assert offer.recommended_duration == "P1Y"
    assert {label: price.value for label, price in offer.prices.items()} == {
        "PRICE": Decimal("6.99"),
        "RENEW": Decimal("6.99"),
        "DISCOUNT": Decimal(2),
        "FEE": Decimal(0),
        "TOTAL": Decimal("4.99"),
    }
    assert offer.configurations[0] == RequirementRecord("OWNER_LEGAL_AGE", "bool", True, None, ("true", "false"))
    assert [one.pricing_mode for one in anna.domain_offers(cart, "several.com")] == [
        *("transfer-default", "transfer-aftermarket1", "transfer-aftermarket2")
    ]
    assert anna.domain_offers(cart, "lavande.nowhere") == ()
    assert [one.plan_code for one in anna.domain_options(cart, "lavande.fr")] == ["domain-dnssec", "domain-start10m"]


def test_plans_and_their_options(anna: Gateway, cart: str) -> None:
    plan = anna.product_offers(cart, "webHosting")[1]
    assert [(one.duration, one.pricing_mode, one.capacities) for one in plan.prices][:2] == [
        ("P1Y", "default", ("installation", "renew")),
        ("P1Y", "default", ("renew",)),
    ]
    family = {
        one.plan_code: (one.family, one.mandatory, one.exclusive)
        for one in anna.product_options(cart, "vps", "vps-1-2026")
    }
    assert family["vps-os-debian"] == ("os", True, True)
    assert family["vps-backup"] == ("backup", False, False)
    with pytest.raises(NotFound):
        anna.product_options(cart, "vps", "nothing")


def test_items_are_added_changed_and_taken_out(anna: Gateway, cart: str) -> None:
    item = anna.add_domain(cart, "lavande.fr", duration="P1Y", plan_code="fr", pricing_mode="create-default")
    assert (item.domain, item.plan_code, item.quantity, item.parent_item_id) == ("lavande.fr", "fr", 1, None)
    first, zone = anna.cart_item_ids(cart)
    assert first == item.item_id
    assert anna.cart_item(cart, zone).product_id == "dns"
    vps = add_vps(anna, cart)
    assert len(anna.cart_item(cart, vps).options) == 1
    assert anna.change_cart_item(cart, vps, quantity=3).quantity == 3
    anna.delete_cart_item(cart, vps)
    assert anna.cart(cart).items == (first, zone)
    with pytest.raises(NotFound):
        anna.cart_item(cart, vps)


def test_what_is_filled_in_twice_is_there_twice(anna: Gateway, cart: str) -> None:
    item = anna.add_domain(cart, "taken.fr", duration="P1Y", plan_code="fr", pricing_mode="transfer-default").item_id
    assert "AUTH_INFO" in [one.label for one in anna.required_configuration(cart, item)]
    made = anna.configure(cart, item, "AUTH_INFO", "a code of no use")
    anna.configure(cart, item, "AUTH_INFO", "another")
    assert "code of no use" not in repr(made)
    assert len(anna.configuration_ids(cart, item, "AUTH_INFO")) == 2
    assert anna.configuration(cart, item, made.configuration_id).value == "a code of no use"
    with pytest.raises(OvhRefused, match="Custom field AUTH_INFO is duplicated"):
        anna.try_check_out(cart)
    anna.delete_configuration(cart, item, made.configuration_id)
    assert len(anna.configuration_ids(cart, item)) == 1


def test_coupons(anna: Gateway, cart: str) -> None:
    with pytest.raises(OvhRefused, match="not valid"):
        anna.add_coupon(cart, "NOTHING")
    assert anna.add_coupon(cart, "WELCOME10") == ["WELCOME10"] == anna.cart_coupons(cart)
    add_vps(anna, cart)
    line = anna.cart_summary(cart).lines[0]
    assert line.reductions[0].value.value == Decimal("0.42")
    assert line.total_price.value == Decimal("3.78")
    anna.delete_coupon(cart, "WELCOME10")
    assert anna.cart_coupons(cart) == []


def test_summary_dry_run_and_order(sandbox: Sandbox, anna: Gateway, cart: str) -> None:
    item = anna.add_domain(cart, "lavande.fr", duration="P1Y", plan_code="fr", pricing_mode="create-default").item_id
    assert anna.cart_summary(cart).contracts == ()
    with pytest.raises(OvhRefused, match="there must be a field with name 'OWNER_LEGAL_AGE'"):
        anna.try_check_out(cart)
    anna.configure(cart, item, "OWNER_LEGAL_AGE", "true")
    quote = anna.try_check_out(cart)
    assert quote.order_id is None
    assert [contract.name for contract in quote.contracts][1].endswith("noms de domaine")
    assert quote.with_tax.value == Decimal("5.99")
    with pytest.raises(OvhRefused, match="waiveRetractationPeriod"):
        anna.check_out(cart, pay_at_once=False, waive_withdrawal=False)
    placed = anna.check_out(cart, pay_at_once=False, waive_withdrawal=True)
    assert placed.order_id
    assert (placed.lines, placed.with_tax) == (quote.lines, quote.with_tax)
    assert anna.order(placed.order_id).price_with_tax.value == Decimal("5.99")
    assert anna.cart(cart).read_only
    # What opens the order's document stays at OVHcloud.
    assert "http" not in repr(placed).replace("https://contracts.example.invalid", "")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "accept_then_reset"}, AnswerLost),
        ({"kind": "reset"}, AnswerLost),
        ({"kind": "status", "status": 503}, UnusableAnswer),
        ({"kind": "html"}, UnusableAnswer),
    ],
)
def test_an_order_is_asked_for_once(
    sandbox: Sandbox, anna: Gateway, cart: str, fault: dict[str, Any], error: type[OvhUnavailable]
) -> None:
    add_vps(anna, cart)
    sandbox.arm(method="POST", path="/order/cart/*/checkout", count=5, **fault)
    before = sandbox.last_request()
    with pytest.raises(error):
        anna.check_out(cart, pay_at_once=False, waive_withdrawal=False)
    assert calls(sandbox, before) == [f"POST /1.0/order/cart/{cart}/checkout"]


def test_offers_are_read_again_while_they_fail(sandbox: Sandbox, anna: Gateway, cart: str) -> None:
    sandbox.arm("status", path="/order/cart/*/domain", status=500, count=2)
    assert anna.domain_offers(cart, "lavande.fr")


def test_contacts_of_both_kinds(anna: Gateway) -> None:
    facts = {
        "firstName": "Anna",
        "lastName": "Martin",
        "email": "anna@example.com",
        "language": "fr_FR",
        "legalForm": "individual",
        "phone": "+33.600000000",
        "address": {"line1": "1 rue des Fleurs", "city": "Lille", "zip": "59000", "country": "FR"},
    }
    made = anna.new_contact(facts)
    assert made.path.startswith("/me/contact/")
    assert int(made.path.rpartition("/")[2]) in anna.me_contact_ids()
    assert anna.contact(made.path).facts["lastName"] == "Martin"
    assert "Martin" not in repr(made)
    assert anna.change_contact(made.path, {"lastName": "Petit"}).facts["lastName"] == "Petit"
    assert {one.field_name for one in anna.contact_fields(made.path) if one.mandatory} >= {"address", "lastName"}
    other = anna.new_contact(facts, "/domain/contact")
    assert other.path in [contact.path for contact in anna.domain_contacts()]
    for wrong in ("/me/contact/", "/me/contact/../1", "/me/api/credential/1", "/me/contact/1?x=1", ""):
        with pytest.raises(NotFound):
            anna.contact(wrong)
        with pytest.raises(NotFound):
            anna.change_contact(wrong, {})


def test_what_a_registry_asks_is_tried(anna: Gateway) -> None:
    with pytest.raises(OvhRefused):
        anna.check_registry_rule("lavande.fr", "create", {})


# --- Odd answers ---


def test_fields_that_may_be_missing() -> None:
    offer = DomainOfferRecord.from_api({"action": "create", "pricingMode": "create-default", "prices": None})
    assert (offer.prices, offer.durations, offer.is_transfer_locked, offer.nameservers) == ({}, (), None, None)
    item = CartItemRecord.from_api({"itemId": 1, "settings": None, "configurations": None})
    assert (item.quantity, item.domain, item.prices) == (None, "", {})
    requirement = RequirementRecord.from_api({"label": "DNS", "type": "String"})
    assert (requirement.required, requirement.allowed_values) == (False, None)


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (QuoteRecord.from_api, {"details": [], "contracts": []}),
        (QuoteRecord.from_api, {"details": [{}], "contracts": [], "prices": PRICES}),
        (QuoteRecord.placed, {"details": [], "contracts": [], "prices": PRICES, "orderId": None}),
        (CartItemRecord.from_api, {"itemId": "1"}),
        (CartItemRecord.from_api, {"itemId": 1, "prices": [{"price": PRICE}]}),
        (DomainOfferRecord.from_api, {"action": "create"}),
        (DomainOfferRecord.from_api, {"action": "create", "pricingMode": "x", "duration": ["P1Y", 1]}),
        (lambda raw: ContactRecord.of("/me/contact", raw), {"id": "1"}),
    ],
)
def test_what_has_not_the_promised_shape_is_no_answer(parse: Any, raw: Any) -> None:
    with pytest.raises(UnusableAnswer):
        parse(raw)


def test_names_of_contracts_lose_their_tab() -> None:
    raw = {"prices": PRICES, "contracts": [{"name": "Terms\t", "url": "", "content": "\0"}], "details": None}
    (contract,) = QuoteRecord.from_api(raw).contracts
    assert (contract.name, contract.content) == ("Terms", "\ufffd")


def test_a_contact_nested_too_deep_is_no_answer() -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = {"and": deep}
    assert ContactRecord.of("/me/contact", {"id": 1, "address": {"city": "Li\0lle"}}).facts["address"]["city"]
    with pytest.raises(UnusableAnswer):
        ContactRecord.of("/me/contact", {"id": 1, "more": deep})
