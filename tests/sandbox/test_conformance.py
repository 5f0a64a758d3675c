"""Every operation of the official schemas that the sandbox serves: called, and its answer held to the schema."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandboxes import Sandbox

from . import official
from .client import Signing
from .walk import Walk, served

# As docs/sandbox.md lists them, with the reasons.
_LEFT_OUT = re.compile(
    r"(GET|POST) /order/cart/\{cartId\}/(?!item|coupon|summary|checkout|assign|domain/|vps|webHosting)\w+(/options)?"
)

CONTACT = {
    "firstName": "Anna",
    "lastName": "Martin",
    "email": "anna.martin@example.com",
    "language": "fr_FR",
    "legalForm": "individual",
    "phone": "+33.900000001",
    "address": {"line1": "1 rue de l'Exemple", "city": "Lille", "zip": "59000", "country": "FR"},
}


def _account(walk: Walk) -> None:
    me = walk.take("GET /me")
    walk.take("PUT /me", sent={"city": "Roubaix", "spareEmail": None})
    walk.take("PUT /me", sent=me)
    walk.take("GET /auth/time")
    walk.take("GET /auth/currentCredential")
    walk.take("GET /auth/details")
    walk.take("POST /auth/token")
    rules = [{"method": "GET", "path": "/me"}]
    walk.take("POST /auth/credential", sent={"accessRules": rules, "redirection": None, "allowedIPs": None})
    walk.take("GET /me/fidelityAccount")
    walk.take("PUT /me/fidelityAccount", sent={"alertThreshold": 10})
    account = walk.each("GET /me/ovhAccount")[0]
    walk.take("PUT /me/ovhAccount/{ovhAccountId}", account, sent={"alertThreshold": 5})
    walk.each("GET /me/ovhAccount")


def _contacts(walk: Walk) -> None:
    made = walk.take("POST /me/contact", sent=CONTACT)
    walk.take("PUT /me/contact/{contactId}", made["id"], sent=made | {"lastName": "Durand", "vat": None})
    walk.take("GET /me/contact/{contactId}/fields", made["id"])
    assert walk.each("GET /me/contact") == [made["id"]]
    made = walk.take("POST /domain/contact", sent=CONTACT)
    walk.take("PUT /domain/contact/{contactId}", made["id"], sent={"birthCity": "Lille"})
    walk.take("GET /domain/contact/{contactId}", made["id"])
    assert len(walk.take("GET /domain/contact")) == 1
    for action in ("create", "transfer"):
        for domain in ("lavande.fr", "lavande.berlin", "lavande.com"):
            walk.take("GET /domain/configurationRule", query=f"?domain={domain}&action={action}")
    owner = {name: CONTACT[name] for name in ("firstName", "lastName", "email", "phone", "address")}
    walk.take("POST /domain/configurationRule/check", query="?domain=lavande.fr&action=create", sent={"owner": owner})


_ORDER = "/me/order/{orderId}"


def _orders(walk: Walk) -> None:
    for order_id in walk.each("GET /me/order"):
        for suffix in (
            "status",
            "associatedObject",
            "availableRegisteredPaymentMean",
            "paymentMethods",
            "paymentMeans",
        ):
            walk.take(f"GET {_ORDER}/{suffix}", order_id)
        walk.take(f"GET {_ORDER}/followUp", order_id, absent=True)
        walk.take(f"GET {_ORDER}/payment", order_id, absent=True)
        for detail_id in walk.each(f"GET {_ORDER}/details", order_id):
            walk.take(f"GET {_ORDER}/details/{{orderDetailId}}/extension", order_id, detail_id, absent=True)


def _acts(walk: Walk, sandbox: Sandbox) -> None:
    customer = walk.signing.customer
    order_id, other = (sandbox.make_order(customer) for _ in range(2))
    method = walk.take("GET /me/payment/method", query="?default=true")[0]
    walk.take(f"POST {_ORDER}/pay", order_id, sent={"paymentMethod": {"id": method}})
    known = walk.take("GET /me/payment/method/{paymentMethodId}", method)
    word = {"CREDIT_CARD": "creditCard", "SEPA_DIRECT_DEBIT": "bankAccount"}[known["paymentType"]]
    card = {"paymentMean": word, "paymentMeanId": known["paymentMeanId"]}
    walk.take(f"POST {_ORDER}/payWithRegisteredPaymentMean", other, sent=card)
    if walk.take("GET /me")["legalform"] == "individual":
        walk.take(f"POST {_ORDER}/retraction", order_id, sent={"reason": "other", "comment": "too many"})
        walk.take(f"POST {_ORDER}/waiveRetraction", other)
    for _ in range(3):
        walk.take(f"GET {_ORDER}/consumption/details", order_id, query="?fileFormat=csv")


def _debts(walk: Walk) -> None:
    debts = [
        order_id for order_id in walk.take("GET /me/order") if walk.take(f"GET {_ORDER}/debt", order_id, absent=True)
    ]
    for order_id in debts:
        for operation in walk.each(f"GET {_ORDER}/debt/operation", order_id):
            walk.take(f"GET {_ORDER}/debt/operation/{{operationId}}/associatedObject", order_id, operation)
    if debts:
        deposit = walk.take(f"POST {_ORDER}/debt/pay", debts[-1])
        walk.take(f"POST {_ORDER}/balance", deposit["orderId"], sent={"balanceName": "WELCOME"})
        name = walk.each(f"GET {_ORDER}/balance", deposit["orderId"])[0]
        walk.take(f"DELETE {_ORDER}/balance/{{balanceName}}", deposit["orderId"], name)


def _bills(walk: Walk) -> None:
    for kind in ("bill", "refund"):
        for number in walk.each(f"GET /me/{kind}"):
            walk.each(f"GET /me/{kind}/{{{kind}Id}}/details", number)
            walk.take(f"GET /me/{kind}/{{{kind}Id}}/payment", number)


def _payment(walk: Walk) -> None:
    walk.take("GET /me/payment/availableMethods")
    walk.each("GET /me/payment/transaction")
    methods = walk.each("GET /me/payment/method")
    one = "/me/payment/method/{paymentMethodId}"
    walk.take(f"PUT {one}", methods[-1], sent={"default": True, "description": "Of the house"})
    for kind in ("bankAccount", "creditCard", "paypal", "deferredPaymentAccount"):
        at = f"/me/paymentMean/{kind}"
        for number in walk.each(f"GET {at}"):
            walk.take(f"PUT {at}/{{id}}", number, sent={"description": "Old words"})
            walk.take(f"POST {at}/{{id}}/chooseAsDefaultPaymentMean", number)
    walk.take(f"PUT {one}", methods[0], sent={"default": True})
    for kind in ("bankAccount", "creditCard", "paypal"):
        at = f"/me/paymentMean/{kind}"
        for number in walk.take(f"GET {at}"):
            if not walk.take(f"GET {at}/{{id}}", number)["defaultPaymentMean"]:
                walk.take(f"DELETE {at}/{{id}}", number)
    for number in walk.take("GET /me/payment/method", query="?status=VALID"):
        walk.take(f"DELETE {one}", number)


_CALLBACKS = {name: f"https://tool.example/{name}" for name in ("success", "failure", "error", "cancel", "pending")}


def _registering(walk: Walk) -> None:
    offered = {one["paymentType"] for one in walk.take("GET /me/payment/availableMethods") if one["registerable"]}
    at = "/me/payment/method"
    sent = {"paymentType": "CREDIT_CARD", "callbackUrl": _CALLBACKS, "description": None}
    first, second = (walk.take(f"POST {at}", sent=sent)["paymentMethodId"] for _ in range(2))
    walk.take(f"GET {at}/{{paymentMethodId}}", first)
    walk.take(f"POST {at}/{{paymentMethodId}}/details", first, sent={"details": "x"})
    walk.take(f"POST {at}/{{paymentMethodId}}/finalize", first, sent={"expirationMonth": 2, "expirationYear": 2030})
    walk.take(f"POST {at}/{{paymentMethodId}}/challenge", second, sent={"challenge": "1234"})
    words = {"CREDIT_CARD": "creditCard", "PAYPAL": "paypal", "SEPA_DIRECT_DEBIT": "bankAccount"}
    account = {"iban": "FR7630006000011234567890189", "bic": "XXXXFRPP", "ownerName": "A", "ownerAddress": "B"}
    for kind, word in words.items():
        if kind in offered:
            made = walk.take(f"POST /me/paymentMean/{word}", sent=account if word == "bankAccount" else {})["id"]
            walk.take(f"POST /me/paymentMean/{word}/{{id}}/challenge", made, sent={"challenge": "1234"})
            walk.take(f"GET /me/paymentMean/{word}/{{id}}", made)


_CART = "/order/cart/{cartId}"
_PRODUCTS = {"vps": "P1M", "webHosting": "P1Y", "emailpro": "P1M", "sslGateway": "P1M", "dns": "P1Y"}


def _cart(walk: Walk) -> None:
    subsidiary = walk.take("GET /me")["ovhSubsidiary"]
    cart = walk.take("POST /order/cart", sent={"ovhSubsidiary": subsidiary, "description": "A walk"})["cartId"]
    walk.take(f"PUT {_CART}", cart, sent={"description": "The walk"})
    walk.take(f"POST {_CART}/assign", cart)
    assert walk.take("GET /order/cart", query="?description=The%20walk") == [cart]
    _products(walk, cart)
    _domains(walk, cart)
    walk.take(f"GET {_CART}", cart)
    walk.take(f"POST {_CART}/coupon", cart, sent={"coupon": "WELCOME10"})
    walk.take(f"GET {_CART}/summary", cart)
    walk.take(f"GET {_CART}/checkout", cart)
    walk.take(f"GET {_CART}/coupon", cart)
    walk.take(f"DELETE {_CART}/coupon", cart, query="?coupon=WELCOME10")
    made = walk.take(f"POST {_CART}/checkout", cart, sent={"waiveRetractationPeriod": True})
    walk.take(f"GET {_ORDER}", made["orderId"])
    walk.take(f"DELETE {_CART}", cart)


def _products(walk: Walk, cart: str) -> None:
    for segment, duration in _PRODUCTS.items():
        at = f"{_CART}/{segment}"
        codes = [offer["planCode"] for offer in walk.take(f"GET {at}", cart)]
        sent = {"planCode": codes[0], "duration": duration, "pricingMode": "default", "quantity": 1}
        item = walk.take(f"POST {at}", cart, sent=sent)["itemId"]
        options = {}
        for code in codes:
            options[code] = walk.take(f"GET {at}/options", cart, query=f"?planCode={code}")
        if segment == "vps":
            label = {"label": "vps_datacenter", "value": "GRA"}
            walk.take(f"POST {_CART}/item/{{itemId}}/configuration", cart, item, sent=label)
        if segment == "sslGateway":
            walk.take(f"DELETE {_CART}/item/{{itemId}}", cart, item)
            code, item = codes[1], walk.take(f"POST {at}", cart, sent=sent | {"planCode": codes[1]})["itemId"]
            label = {"label": "domain", "value": "lavande.example"}
            walk.take(f"POST {_CART}/item/{{itemId}}/configuration", cart, item, sent=label)
            options[codes[0]] = options[code]
        for option in options[codes[0]][:1]:
            more = {"itemId": item, "planCode": option["planCode"]}
            walk.take(f"POST {at}/options", cart, sent=sent | more)


def _domains(walk: Walk, cart: str) -> None:
    words = ("", "taken", "locked", "premium", "premium-taken", "aftermarket", "aftermarket2", "several", "config")
    for word in (*words, "conditions", "reserved", "code", "brand", "unavailable"):
        for extension in ("fr", "com", "berlin", "gov.uk"):
            walk.take(f"GET {_CART}/domain", cart, query=f"?domain={word}lavande.{extension}")
    item = walk.take(f"POST {_CART}/domain", cart, sent={"domain": "lavande.com", "duration": "P2Y"})["itemId"]
    option = walk.take(f"GET {_CART}/domain/options", cart, query="?domain=lavande.com")[0]["planCode"]
    sent = {"itemId": item, "planCode": option, "duration": "P1Y", "pricingMode": "default", "quantity": 1}
    walk.take(f"POST {_CART}/domain/options", cart, sent=sent)
    for each in walk.each(f"GET {_CART}/item", cart):
        walk.take(f"GET {_CART}/item/{{itemId}}/requiredConfiguration", cart, each)
    walk.take(f"PUT {_CART}/item/{{itemId}}", cart, item, sent={"duration": "P1Y", "quantity": 1})
    at = f"{_CART}/item/{{itemId}}/configuration"
    walk.take(f"POST {at}", cart, item, sent={"label": "OWNER_LEGAL_AGE", "value": "true"})
    wrong = walk.take(f"POST {at}", cart, item, sent={"label": "DNS", "value": "ns1.example"})["id"]
    walk.each(f"GET {at}", cart, item)
    walk.take(f"DELETE {at}/{{configurationId}}", cart, item, wrong)


def _catalogues(walk: Walk) -> None:
    for segment in ("domain", *_PRODUCTS):
        for subsidiary in ("FR", "GB"):
            walk.take(f"GET /order/catalog/public/{segment}", query=f"?ovhSubsidiary={subsidiary}")


def _whole(walk: Walk, sandbox: Sandbox) -> None:
    _account(walk)
    _contacts(walk)
    _orders(walk)
    _bills(walk)
    _cart(walk)
    _catalogues(walk)
    _acts(walk, sandbox)
    _debts(walk)
    _registering(walk)
    _payment(walk)


def test_every_operation_served_is_called_and_follows_its_schema(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    walks = [Walk(Signing(sandbox, sandbox.customers[position])) for position in (0, 1, 5)]
    for walk in walks:
        _whole(walk, sandbox)
    walks[0].take("POST /auth/logout")
    seen = sum((walk.seen for walk in walks), walks[0].seen.__class__())
    with capsys.disabled():
        print(f"\n{len(seen)} of {len(official.operations())} operations, {seen.total()} samples")  # noqa: T201 - the figure is asked for
    assert [fault for walk in walks for fault in walk.wrong] == []
    left_out = set(official.operations()) - served(walks[1].signing)
    assert [operation for operation in sorted(left_out) if not _LEFT_OUT.fullmatch(operation)] == []
    assert served(walks[1].signing) - set(seen) == set(), json.dumps(sorted(served(walks[1].signing) - set(seen)))


# --- The walk itself: bent answers must not pass ---


def _bent(answer: dict[str, Any], model: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bend an answer against its model in every way that matters to who reads it."""
    for name, one in official.models()[model]["properties"].items():
        yield f"{name} left out", {key: value for key, value in answer.items() if key != name}
        if not one["canBeNull"]:
            yield f"{name} null", answer | {name: None}
        yield f"{name} of another type", answer | {name: [{}]}
        if answer[name] is not None and one.get("fullType", one.get("type")) == "datetime":
            yield f"{name} without its zone", answer | {name: answer[name][:19]}
        if "enum" in official.models().get(one.get("fullType", one.get("type")), {}):
            yield f"{name} of no known word", answer | {name: "awaitingMoonlight"}
    yield "a field that nobody described", answer | {"surprise": 1}


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/me", "nichandle.Nichandle"),
        ("/me/order", "billing.Order"),
        ("/me/bill", "billing.Bill"),
        ("/me/payment/method", "me.payment.PaymentMethod"),
        ("/auth/currentCredential", "auth.ApiCredential"),
    ],
)
def test_an_answer_bent_in_any_way_is_noticed(anna: Signing, path: str, model: str) -> None:
    found = anna.get(path)
    answer = found if isinstance(found, dict) else anna.get(f"{path}/{found[-1]}")
    assert official.faults_in(answer, model) == []
    bent = dict(_bent(answer, model))
    assert len(bent) > 15
    assert [how for how, one in bent.items() if not official.faults_in(one, model)] == []


def test_a_walk_over_answers_that_leave_the_schemas_finds_it(sandbox: Sandbox) -> None:
    """The account whose answers are odd on purpose, and a status that no success has."""
    odd = Walk(Signing(sandbox, sandbox.customer("odd")))
    _orders(odd)
    assert {"priceInUcents", "awaitingMoonlight", "metadatas"} <= {
        word for fault in odd.wrong for word in re.findall(r"\w+", fault)
    }
    sandbox.arm("status", "GET", "/me", status=500, count=1)
    with pytest.raises(AssertionError, match="500"):
        odd.take("GET /me")


def test_an_operation_served_and_not_called_is_noticed(sandbox: Sandbox) -> None:
    walk = Walk(Signing(sandbox, sandbox.company))
    _account(walk)
    missing = served(walk.signing) - set(walk.seen)
    assert "GET /me/order" in missing
    assert "GET /me" not in missing


def test_documents_hold_what_is_served_and_the_models_it_needs(anna: Signing) -> None:
    index = anna.get("/")
    assert [api["path"] for api in index["apis"]] == ["/auth", "/domain", "/me", "/order"]
    for api in index["apis"]:
        document = anna.get(f"{api['path']}.json")
        assert document["resourcePath"] == api["path"]
        assert document["apis"]
        named = set(re.findall(r'"(?:fullType|responseType)": "([^"\[]+)', json.dumps(document)))
        missing = {name for name in named if name in official.models()} - set(document["models"])
        assert missing == set(), api["path"]
        for one in document["apis"]:
            assert all(operation["apiStatus"]["value"] for operation in one["operations"])
    assert anna.call("GET", "/cloud.json").json()["message"] == "Got an invalid (or empty) URL"
    for name in ("vps", "domain", "webHosting", "emailpro", "sslGateway"):
        paths = {one["path"] for one in anna.get("/order.json")["apis"]}
        assert f"/order/cart/{{cartId}}/{name}" in paths
    assert "/order/cart/{cartId}/kubernetes" not in paths
