"""Carts: what they refuse and when, what is odd about them, and what becomes of them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandboxes import Sandbox

from .client import Signing
from .shopping import Shopping


@pytest.fixture
def shop(anna: Signing) -> Shopping:
    return Shopping(anna)


def _message(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


# --- Whose cart, and for how long ---


def test_a_cart_id_is_all_one_needs_until_it_is_assigned(anna: Signing) -> None:
    cart = Shopping(anna, assigned=False)
    unsigned = dict.fromkeys(("X-Ovh-Application", "X-Ovh-Consumer", "X-Ovh-Signature", "X-Ovh-Timestamp"))
    assert anna.call("GET", cart.at, headers=unsigned).status_code == 200
    assert anna.call("GET", f"{cart.at}/vps", headers=unsigned).status_code == 200
    assert anna.call("POST", f"{cart.at}/assign", headers=unsigned).status_code == 401
    assert anna.get("/order/cart") == []
    cart.post("/assign")
    assert anna.get("/order/cart") == [cart.id]
    cart.post("/assign")


def test_somebody_elses_cart_cannot_be_taken(sandbox: Sandbox, shop: Shopping) -> None:
    thomas = Signing(sandbox, sandbox.customer("second factor"))
    for method, path in (("POST", "/assign"), ("GET", "/checkout"), ("DELETE", ""), ("GET", "/domain?domain=a.fr")):
        assert _message(thomas.call(method, shop.at + path)) == (403, "You are not allowed")


def test_a_cart_of_another_subsidiary_is_invalid(sandbox: Sandbox, anna: Signing) -> None:
    cart = Shopping(anna, assigned=False)
    company = Signing(sandbox, sandbox.company)
    assert _message(company.call("POST", f"{cart.at}/assign")) == (404, "Invalid Cart ID")
    assert _message(anna.call("POST", "/order/cart", {"ovhSubsidiary": "XX"})) == (400, "invalid ovhSubsidiary")


@pytest.mark.parametrize("wrong", ["nonsense", str(uuid.UUID(int=1)), "%00", "1"])
def test_a_cart_that_is_none(anna: Signing, wrong: str) -> None:
    assert anna.call("GET", f"/order/cart/{wrong}").status_code in (400, 404)


def test_an_expired_cart_is_gone(anna: Signing, shop: Shopping) -> None:
    left = datetime.fromisoformat(shop.get()["expire"]) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(days=1)
    later = anna.call("PUT", shop.at, {"expire": "2999-01-01T00:00:00+00:00"})
    assert later.json()["expire"].startswith("2999-")
    anna.call("PUT", shop.at, {"expire": (datetime.now(UTC) + timedelta(minutes=5)).isoformat()})
    anna.sandbox.clock(600)
    answer = anna.call("GET", shop.at)
    assert _message(answer) == (404, "Invalid Cart ID")


# --- Names ---


@pytest.mark.parametrize(
    ("name", "modes", "orderable"),
    [
        ("lavande.fr", ["create-default"], True),
        ("premium.com", ["create-premium"], True),
        ("taken.com", ["transfer-default"], True),
        ("premium-taken.com", ["transfer-premium"], True),
        ("aftermarket.com", ["transfer-aftermarket1"], True),
        ("aftermarket2.com", ["transfer-aftermarket2"], True),
        ("several.com", ["transfer-default", "transfer-aftermarket1", "transfer-aftermarket2"], True),
        ("locked.com", ["transfer-default"], False),
        ("unavailable.com", ["create-default"], False),
        ("lavande.nowhere", [], False),
    ],
)
def test_a_name_brings_up_its_offers(shop: Shopping, name: str, modes: list[str], orderable: bool) -> None:
    offers = shop.get(f"/domain?domain={name}")
    assert [offer["pricingMode"] for offer in offers] == modes
    assert all(offer["orderable"] == orderable for offer in offers)
    assert all(offer["isTransferLocked"] == ("locked" in name) for offer in offers if offer["action"] == "transfer")
    if not orderable:
        assert shop.refused("POST", "/domain", {"domain": name})[0] == 400


def test_names_bring_up_all_twelve_labels(shop: Shopping) -> None:
    names = ("lavande.fr", "taken.fr", "config.fr", "conditions.fr", "reserved.fr", "code.fr", "brand.fr")
    labels = {
        one["label"]
        for name in names
        for offer in shop.get(f"/domain?domain={name}")
        for one in offer["configurations"]
    }
    assert labels == {
        *("OWNER_LEGAL_AGE", "OWNER_CONTACT", "ADMIN_ACCOUNT", "TECH_ACCOUNT", "DNS", "DOMAIN_CONFIG"),
        *("ACCEPT_CONDITIONS", "REASON", "PROTECTED_CODE", "CLAIMS_NOTICE", "AUTH_INFO", "KEEP_DNS"),
    }


def test_a_zone_comes_by_itself_and_goes_with_its_name(anna: Signing, shop: Shopping) -> None:
    item = shop.domain("lavande.fr")
    products = [shop.get(f"/item/{one}")["productId"] for one in shop.get("/item")]
    assert products == ["domainfr", "dns"]
    places = {line["domain"] for line in shop.get("/summary")["details"]}
    assert places == {"*001", "*001.001"}
    assert anna.call("DELETE", f"{shop.at}/item/{item}").status_code == 200
    assert shop.get("/item") == []


def test_the_sample_of_the_guides_prices_a_name(shop: Shopping) -> None:
    shop.domain("lavande.fr")
    shown = {one["label"]: one["price"]["value"] for one in shop.get(f"/item/{shop.get('/item')[0]}")["prices"]}
    assert shown == {"PRICE": 6.99, "RENEW": 6.99, "DISCOUNT": 2.0, "FEE": 0.0, "TOTAL": 4.99}
    summary = shop.get("/summary")
    gift = next(line for line in summary["details"] if line["detailType"] == "GIFT")
    assert gift["totalPrice"]["value"] == -2.0
    assert summary["prices"]["reduction"]["value"] == 0
    assert summary["contracts"] == []


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("lavande.fr", {"OWNER_LEGAL_AGE": ""}, "OWNER_LEGAL_AGE has an invalid value"),
        ("lavande.berlin", {}, "must have an address in Berlin"),
        ("lavande.fr", {"DNS": "ns1.example; ns2.example"}, "DNS has an invalid value"),
        ("config.fr", {"DOMAIN_CONFIG": "{no JSON"}, "DOMAIN_CONFIG has an invalid value"),
        ("brand.fr", {}, "there must be a field with name 'CLAIMS_NOTICE'"),
        ("brand.fr", {"CLAIMS_NOTICE": "false"}, "CLAIMS_NOTICE has an invalid value"),
        ("reserved.fr", {}, "there must be a field with name 'REASON'"),
        ("reserved.fr", {"REASON": " "}, "REASON has an invalid value"),
        ("taken.fr", {}, "there must be a field with name 'AUTH_INFO'"),
        ("lavande.fr", {"OWNER_CONTACT": "/me/contact/1"}, "OWNER_CONTACT has an invalid value"),
        ("lavande.fr", {"TECH_ACCOUNT": "nobody-ovh"}, "TECH_ACCOUNT has an invalid value"),
        ("lavande.fr", {"COLOUR": "red"}, "COLOUR is not allowed"),
    ],
)
def test_the_dry_run_refuses(shop: Shopping, name: str, values: dict[str, str], message: str) -> None:
    item = shop.post("/domain", {"domain": name})["itemId"]
    shop.configure(item, **({"OWNER_LEGAL_AGE": "true"} | values))
    status, found = shop.refused("GET", "/checkout")
    assert status == 400
    assert message in found


def test_what_is_asked_for_in_words_may_be_any(shop: Shopping) -> None:
    words = {"DOMAIN_CONFIG": "{}", "REASON": "my town", "CLAIMS_NOTICE": "read, and I go on", "DNS": "ns1.x;ns2.x"}
    shop.domain("config-reserved-brand.fr", **words)
    assert shop.get("/checkout")["details"]


def test_somebody_in_berlin_may_have_berlin(sandbox: Sandbox) -> None:
    shop = Shopping(Signing(sandbox, sandbox.customer("Germany")))
    shop.domain("muster.berlin")
    assert len(shop.get("/checkout")["contracts"]) == 2


# --- Products ---


def test_what_cannot_be_added(shop: Shopping) -> None:
    sent = {"planCode": "vps-1-2026", "duration": "P1M", "pricingMode": "default", "quantity": 1}
    for wrong in ({"planCode": "none"}, {"pricingMode": "upfront36"}, {"duration": "P0D"}, {"quantity": 0}):
        assert shop.refused("POST", "/vps", sent | wrong)[0] == 400
    assert shop.refused("POST", "/vps", {"planCode": "vps-1-2026"})[1].startswith("Missing parameter(s)")
    assert shop.refused("POST", "/vps", sent | {"color": "red"})[1].startswith("Received not described parameters")
    assert shop.get("/item") == []


def test_a_wrong_duration_is_taken_and_fails_at_the_end(shop: Shopping) -> None:
    item = shop.add("vps", "vps-1-2026", duration="P3M")
    shop.option("vps", item, "vps-os-debian")
    shop.configure(item, vps_datacenter="GRA")
    assert shop.refused("GET", "/checkout") == (503, "Service is temporarily unavailable")


def test_required_configuration_is_wrong_both_ways(shop: Shopping) -> None:
    item = shop.add("vps", "vps-1-2026")
    shop.option("vps", item, "vps-os-debian")
    asked = {one["label"]: one["required"] for one in shop.get(f"/item/{item}/requiredConfiguration")}
    assert asked == {"vps_datacenter": False, "region": True}
    message = "in customFields there must be a field with name 'vps_datacenter'"
    assert shop.refused("GET", "/checkout") == (400, message)
    shop.configure(item, vps_datacenter="GRA")
    assert shop.get("/checkout")["prices"]["withTax"]["value"] == 5.04
    shop.configure(item, vps_datacenter="SBG")
    message = "Custom field vps_datacenter is duplicated for product vps-1-2026"
    assert shop.refused("GET", "/checkout") == (400, message)


def test_options_are_mandatory_or_exclusive(shop: Shopping) -> None:
    item = shop.add("vps", "vps-1-2026")
    shop.configure(item, vps_datacenter="GRA")
    assert "mandatory" in shop.refused("GET", "/checkout")[1]
    first = shop.option("vps", item, "vps-os-debian")
    assert shop.get(f"/item/{first}")["parentItemId"] == item
    assert shop.get(f"/item/{item}")["options"] == [first]
    shop.option("vps", item, "vps-os-windows")
    assert "exclusive" in shop.refused("GET", "/checkout")[1]
    shop.signing.call("DELETE", f"{shop.at}/item/{item}")
    assert shop.get("/item") == []


def test_prices_are_of_the_subsidiary(sandbox: Sandbox) -> None:
    for customer, currency, total in (("France", "EUR", 5.04), ("Britain", "GBP", 4.32), ("Canada", "CAD", 7.73)):
        shop = Shopping(Signing(sandbox, sandbox.customer(customer)))
        shop.vps()
        price = shop.get("/summary")["prices"]["withTax"]
        assert (price["currencyCode"], price["value"]) == (currency, total)


def test_coupons_are_reductions(shop: Shopping) -> None:
    shop.vps()
    assert shop.refused("POST", "/coupon", {"coupon": "MADE-UP"})[0] == 400
    assert shop.post("/coupon", {"coupon": "WELCOME10"}) == ["WELCOME10"]
    prices = shop.get("/summary")["prices"]
    assert (prices["originalWithoutTax"]["value"], prices["reduction"]["value"]) == (4.2, 0.42)
    assert prices["withoutTax"]["value"] == 3.78


# --- Checking out ---


def test_a_cart_must_be_assigned_and_hold_something(anna: Signing, shop: Shopping) -> None:
    loose = Shopping(anna, assigned=False)
    assert loose.refused("GET", "/checkout") == (400, "This cart hasn't been assigned yet")
    assert shop.refused("POST", "/checkout") == (400, "This cart is empty")


def test_a_name_is_not_sold_with_the_right_of_withdrawal(anna: Signing, shop: Shopping) -> None:
    shop.domain("lavande.fr")
    status, message = shop.refused("POST", "/checkout", {})
    assert status == 400
    assert "waiveRetractationPeriod" in message
    misspelt = shop.refused("POST", "/checkout", {"waiveRetractionPeriod": True})
    assert misspelt[1].startswith("Received not described parameters: (waiveRetractionPeriod)")
    order = shop.check_out(pay=True, waive=True)["orderId"]
    assert anna.get(f"/me/order/{order}")["retractionDate"] is None
    assert anna.get(f"/me/order/{order}/status") != "notPaid"


def test_checking_out_closes_the_cart_and_is_not_idempotent(anna: Signing, shop: Shopping) -> None:
    item = shop.vps()
    before = anna.get("/me/order")
    made = anna.call("POST", f"{shop.at}/checkout").json()
    assert set(anna.get("/me/order")) - set(before) == {made["orderId"]}
    assert shop.get()["readOnly"] is True
    assert shop.refused("POST", "/checkout")[0] == 400
    assert shop.refused("DELETE", f"/item/{item}")[0] == 400
    order = anna.get(f"/me/order/{made['orderId']}")
    assert order["url"] == made["url"]
    assert order["priceWithTax"] == made["prices"]["withTax"]
    assert anna.get(f"/me/order/{made['orderId']}/status") == "notPaid"
    again = Shopping(anna)
    again.vps()
    assert again.check_out()["orderId"] != made["orderId"]


def test_a_checkout_whose_answer_is_lost_was_made(anna: Signing, shop: Shopping) -> None:
    shop.vps()
    before = anna.get("/me/order")
    anna.sandbox.arm("accept_then_reset", "POST", "/order/cart/*/checkout", count=1)
    with pytest.raises(OSError, match="Connection"):
        anna.call("POST", f"{shop.at}/checkout")
    assert shop.get()["readOnly"] is True
    assert len(anna.get("/me/order")) == len(before) + 1


def test_without_a_method_an_order_by_autopay_waits_unpaid(sandbox: Sandbox) -> None:
    signing = Signing(sandbox, sandbox.customer("without orders"))
    shop = Shopping(signing)
    shop.vps()
    order = shop.check_out(pay=True)["orderId"]
    assert signing.get(f"/me/order/{order}/status") == "notPaid"


def test_a_free_order_is_paid_with_points(anna: Signing, shop: Shopping) -> None:
    shop.add("sslGateway", "ssl-gateway-free")
    order = shop.check_out()["orderId"]
    assert anna.get(f"/me/order/{order}/availableRegisteredPaymentMean") == [{"paymentMean": "fidelityAccount"}]
    paid = anna.call("POST", f"/me/order/{order}/payWithRegisteredPaymentMean", {"paymentMean": "fidelityAccount"})
    assert paid.status_code == 200
    assert anna.get(f"/me/order/{order}/payment")["paymentType"] == "free"


def test_the_order_that_pays_a_debt_pays_it(sandbox: Sandbox) -> None:
    german = Signing(sandbox, sandbox.customer("Germany"))
    orders = german.get("/me/order")
    debts = {one: german.call("GET", f"/me/order/{one}/debt") for one in orders}
    owed = next(one for one, answer in debts.items() if answer.ok and answer.json()["status"] == "UNPAID")
    deposit = german.call("POST", f"/me/order/{owed}/debt/pay").json()
    assert deposit["priceWithTax"] == debts[owed].json()["dueAmount"]
    assert german.call("POST", f"/me/order/{owed}/debt/pay").json()["orderId"] == deposit["orderId"]
    method = german.get("/me/payment/method?default=true")[0]
    paid = german.call("POST", f"/me/order/{deposit['orderId']}/pay", {"paymentMethod": {"id": method}})
    assert paid.status_code == 200
    settled = german.get(f"/me/order/{owed}/debt")
    assert (settled["status"], settled["dueAmount"]["value"]) == ("PAID", 0)
    assert len(german.get(f"/me/order/{owed}/debt/operation?depositOrderId={deposit['orderId']}")) == 1
    assert german.call("POST", f"/me/order/{owed}/debt/pay").status_code == 400


def test_what_the_schema_lets_be_null_may_be_null(anna: Signing, shop: Shopping) -> None:
    """The Python client sends an argument of None as null."""
    nothing = dict.fromkeys(("duration", "planCode", "pricingMode", "quantity", "offerId"))
    item = shop.post("/domain", {"domain": "rien-de-plus.fr"} | nothing)
    assert (item["settings"]["pricingMode"], item["duration"]) == ("create-default", "P1Y")
    answer = anna.call("POST", f"{shop.at}/domain", {"domain": None})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "[domain] Given data (null) is not valid for type string",
    )


def test_a_cart_makes_one_order_unless_it_is_told_to_repeat(anna: Signing, shop: Shopping) -> None:
    shop.vps()
    first = shop.check_out()["orderId"]
    assert shop.refused("POST", "/checkout", {})[0] == 400
    anna.sandbox.settings(checkout_repeats=True)
    second = shop.check_out()["orderId"]
    assert {first, second} <= set(anna.get("/me/order"))
    assert first != second
    assert shop.refused("POST", "/vps", {"planCode": "vps-1-2026"})[0] == 400
