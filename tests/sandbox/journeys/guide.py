"""
The guide's whole journey with OVHcloud's own Python client, unmodified.

    python -m sandbox --port 0 --ready-file sandbox.json &
    python tests/sandbox/journeys/guide.py sandbox.json

Cart, offers, item, required configuration, configuration, summary, assignment, dry run, checkout, payment, tracking,
withdrawal; each step is printed. A domain name goes first and a VPS second, for nobody can withdraw from a name.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import ovh
import ovh.client

_PATIENCE_S = 30


def client_of(ready: dict[str, Any], customer: dict[str, Any]) -> ovh.Client:
    ovh.client.ENDPOINTS["sandbox"] = ready["api"]["base"]
    return ovh.Client(
        endpoint="sandbox",
        application_key=ready["api"]["application_key"],
        application_secret=ready["api"]["application_secret"],
        consumer_key=customer["consumer_key"],
        timeout=10,
    )


def order_domain(client: ovh.Client, say: Callable[[str], None]) -> int:
    """Order a domain name, paid by the account's default method, and return the order's number."""
    cart = _cart(client, say)
    offers = client.get(f"/order/cart/{cart}/domain", domain="lavande-du-voyage.fr")
    offer = next(one for one in offers if one["orderable"])
    say(f"offer {offer['offerId']}, {offer['pricingMode']}")
    item = client.post(f"/order/cart/{cart}/domain", domain="lavande-du-voyage.fr", duration=offer["duration"][0])
    _configure(client, cart, item["itemId"], {"OWNER_LEGAL_AGE": "true"}, say)
    return _finish(client, cart, say, autoPayWithPreferredPaymentMethod=True, waiveRetractationPeriod=True)


def order_vps(client: ovh.Client, say: Callable[[str], None]) -> int:
    """Order a VPS with its mandatory option, unpaid, and return the order's number."""
    cart = _cart(client, say)
    plan = client.get(f"/order/cart/{cart}/vps")[0]
    pricing = next(one for one in plan["prices"] if "installation" in one["capacities"])
    wanted = {"duration": pricing["duration"], "pricingMode": pricing["pricingMode"], "quantity": 1}
    item = client.post(f"/order/cart/{cart}/vps", planCode=plan["planCode"], **wanted)["itemId"]
    for option in client.get(f"/order/cart/{cart}/vps/options", planCode=plan["planCode"]):
        if option["mandatory"]:
            client.post(f"/order/cart/{cart}/vps/options", itemId=item, planCode=option["planCode"], **wanted)
            say(f"option {option['planCode']}")
            break
    _configure(client, cart, item, {"vps_datacenter": "GRA"}, say)
    return _finish(client, cart, say)


def _cart(client: ovh.Client, say: Callable[[str], None]) -> str:
    me = client.get("/me")
    cart: str = client.post("/order/cart", ovhSubsidiary=me["ovhSubsidiary"], description="guide")["cartId"]
    say(f"cart {cart} of {me['nichandle']}")
    return cart


def _configure(client: ovh.Client, cart: str, item: int, values: dict[str, str], say: Callable[[str], None]) -> None:
    asked = client.get(f"/order/cart/{cart}/item/{item}/requiredConfiguration")
    say(f"asked for {', '.join(one['label'] for one in asked)}")
    for label, value in values.items():
        client.post(f"/order/cart/{cart}/item/{item}/configuration", label=label, value=value)


def _finish(client: ovh.Client, cart: str, say: Callable[[str], None], **wanted: bool) -> int:
    say(f"summary {client.get(f'/order/cart/{cart}/summary')['prices']['withTax']['text']}")
    client.post(f"/order/cart/{cart}/assign")
    say("assigned")
    tried = client.get(f"/order/cart/{cart}/checkout")
    say(f"dry run with {len(tried['contracts'])} contracts")
    order = client.post(f"/order/cart/{cart}/checkout", **wanted)
    assert order["prices"]["withTax"] == tried["prices"]["withTax"]
    assert client.get(f"/order/cart/{cart}")["readOnly"]
    say(f"order {order['orderId']}")
    number: int = order["orderId"]
    return number


def pay(client: ovh.Client, order_id: int, say: Callable[[str], None]) -> None:
    """Pay an order by the account's default method."""
    method = client.get("/me/payment/method", default=True)[0]
    client.post(f"/me/order/{order_id}/pay", paymentMethod={"id": method})
    say(f"paid, {client.get(f'/me/order/{order_id}/payment')['paymentType']}")


def follow(client: ovh.Client, order_id: int, until: tuple[str, ...], say: Callable[[str], None]) -> None:
    """Wait for a status and say what tracking tells."""
    end = time.monotonic() + _PATIENCE_S
    while (status := client.get(f"/me/order/{order_id}/status")) not in until:
        assert time.monotonic() < end, f"order {order_id} stays {status}"
        time.sleep(0.1)
    steps = client.get(f"/me/order/{order_id}/followUp")
    say(f"{status}: " + ", ".join(f"{step['step']} {step['status']}" for step in steps))


def withdraw(client: ovh.Client, order_id: int, say: Callable[[str], None]) -> None:
    assert client.get(f"/me/order/{order_id}")["retractionDate"] is not None
    client.post(f"/me/order/{order_id}/retraction", reason="other", comment="The guide says so")
    follow(client, order_id, ("cancelling", "cancelled"), say)


def journey(client: ovh.Client, say: Callable[[str], None]) -> list[int]:
    """Go the whole way and return the two orders' numbers. The world's pace should be quick."""
    domain, vps = order_domain(client, say), order_vps(client, say)
    pay(client, vps, say)
    for order_id in (domain, vps):
        follow(client, order_id, ("delivered",), say)
    withdraw(client, vps, say)
    return [domain, vps]


def main() -> None:
    import requests

    with open(sys.argv[1], encoding="utf-8") as file:
        ready = json.load(file)
    requests.post(f"{ready['sandbox']}/_control/pace", json={"speed": 60}, timeout=10).raise_for_status()
    journey(client_of(ready, ready["customers"][0]), lambda text: sys.stdout.write(text + "\n"))


if __name__ == "__main__":
    main()
