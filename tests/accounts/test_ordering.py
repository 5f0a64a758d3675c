"""More rights for ordering and paying: asked by name, given by the right person only, kept when a key is renewed."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import sync
from accounts.models import AuditEvent, DroppedKey, Link, SignIn
from accounts.ordering import may_order
from accounts.ovh import ORDERING_RULES, SIGN_IN_RULES, NoKey, application, covers, usable_link
from gateway import CredentialRevoked, Gateway
from tests.accounts.test_links import hold, link_another
from tests.accounts.test_sign_in import come_back, sign_in
from tests.factories import make_customer, make_nichandle, make_staff

pytestmark = pytest.mark.django_db


def allow(client: Client, ovh: Any, who: dict[str, Any], sent: dict[str, str] | None = None) -> Any:
    """Walk the journey to the wider rights; returns the answer to the last yes."""
    assert client.post("/account/rights/", sent or {"next": "/orders/"}).status_code == 302
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    come_back(client, ovh.validate(url, who))
    return client.post("/sign-in/confirm/")


def rules_of(link: Link) -> set[tuple[str, str]]:
    link.refresh_from_db()
    return {(rule["method"], rule["path"]) for rule in link.rules}


def test_a_sign_in_asks_for_neither_ordering_nor_paying(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    link = Link.objects.get()
    assert rules_of(link) == {(rule.method, rule.path) for rule in SIGN_IN_RULES}
    assert not may_order(link)


def test_nothing_wider_than_was_said_is_asked():
    asked = {(rule.method, rule.path) for rule in ORDERING_RULES}
    assert not {path for _method, path in asked if path in ("/*", "/me/*", "*")}
    assert ("POST", "/me/order/*/payWithRegisteredPaymentMean") in asked
    assert ("DELETE", "/me/contact/*") not in asked


def test_the_page_says_what_is_asked_and_goes_on_to_where_one_was(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    page = client.get("/account/rights/?next=/orders/%3Fsort%3Ddate").content.decode()
    assert "pay an order with a payment method" in page
    client.post("/account/rights/", {"next": "/orders/?sort=date"})
    before = client.get("/sign-in/continue/").content.decode()
    assert "fill carts at OVHcloud" in before
    assert "It cannot order, pay" not in before
    answer = allow(client, ovh, ovh.customers[0], {"next": "/orders/?sort=date"})
    assert answer.url == "/orders/?sort=date"


def test_the_key_is_replaced_and_the_old_one_is_dropped_at_ovhcloud(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    link = Link.objects.get()
    old = link.consumer_key()
    allow(client, ovh, ovh.customers[0])
    link.refresh_from_db()
    assert may_order(link)
    assert link.consumer_key() != old
    sync.drop_keys()
    assert not DroppedKey.objects.exists()
    with pytest.raises(CredentialRevoked):
        Gateway(application(), old).me()
    assert Gateway(application(), link.consumer_key()).me().nichandle == ovh.customers[0]["nichandle"]
    assert client.get("/account/rights/?next=/orders/").url == "/orders/", "asked once"
    assert AuditEvent.objects.filter(action="allow_ordering", result="done").count() == 1


def test_another_account_coming_back_changes_nothing(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    link = Link.objects.get()
    old = link.consumer_key()
    assert allow(client, ovh, ovh.customers[1]).status_code == 400
    link.refresh_from_db()
    assert link.consumer_key() == old
    assert not may_order(link)
    assert Link.objects.count() == 1
    assert DroppedKey.objects.filter(reason="of another account than was asked").count() == 1
    assert AuditEvent.objects.filter(action="allow_ordering", result="refused").count() == 1


def test_a_key_that_may_less_than_was_asked_is_not_taken(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    old = Link.objects.get().consumer_key()
    client.post("/account/rights/")
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    come_back(client, ovh.validate(url, ovh.customers[0]))
    SignIn.objects.filter(purpose="ordering").update(credential={"rules": WIDE[:-1], "expiration": None})
    answer = client.post("/sign-in/confirm/")
    assert (answer.status_code, "granted less" in answer.content.decode()) == (400, True)
    assert Link.objects.get().consumer_key() == old


def test_the_yes_works_once(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    allow(client, ovh, ovh.customers[0])
    key = Link.objects.get().encrypted_key
    assert client.post("/sign-in/confirm/").status_code == 400
    assert Link.objects.get().encrypted_key == key


def test_a_return_in_another_browser_widens_nothing(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    client.post("/account/rights/")
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    assert come_back(Client(), ovh.validate(url, ovh.customers[0])).status_code == 400
    assert client.post("/sign-in/confirm/").status_code in (302, 400)
    assert not may_order(Link.objects.get())
    assert not SignIn.objects.exclude(encrypted_key="").exists()


def test_a_link_ended_meanwhile_is_not_made_anew(client, ovh):
    first, second = ovh.customers[:2]
    sign_in(client, ovh, first)
    link_another(client, ovh, second)
    client.post("/account/rights/", {"for": second["nichandle"]})
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    come_back(client, ovh.validate(url, second))
    Link.objects.filter(nichandle__nichandle=second["nichandle"]).delete()
    assert client.post("/sign-in/confirm/").status_code == 400
    assert not Link.objects.filter(nichandle__nichandle=second["nichandle"]).exists()


def test_a_linked_account_is_widened_for_itself_alone(client, ovh):
    first, second = ovh.customers[:2]
    sign_in(client, ovh, first)
    link_another(client, ovh, second)
    assert allow(client, ovh, second, {"for": second["nichandle"]}).status_code == 302
    assert may_order(Link.objects.get(nichandle__nichandle=second["nichandle"]))
    assert not may_order(Link.objects.get(nichandle__nichandle=first["nichandle"]))


def test_nobody_asks_for_an_account_they_do_not_hold(customer_client):
    make_customer("stranger1-ovh")
    assert customer_client.get("/account/rights/?for=stranger1-ovh").status_code == 404
    assert customer_client.post("/account/rights/", {"for": "stranger1-ovh"}).status_code == 404


def test_staff_have_no_such_page(client):
    client.force_login(make_staff())
    assert client.get("/account/rights/").status_code in (302, 404)
    assert client.post("/account/rights/").status_code in (302, 404)


# --- Renewing keeps them ----------------------------------------------------------------------------------------------
def test_signing_in_again_leaves_the_wider_key_where_it_is(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    allow(client, ovh, ovh.customers[0])
    key = Link.objects.get().consumer_key()
    client.post("/sign-out/")
    sign_in(Client(), ovh, ovh.customers[0])
    assert Link.objects.get().consumer_key() == key
    sync.drop_keys()
    assert Gateway(application(), key).me().nichandle == ovh.customers[0]["nichandle"]


@pytest.mark.parametrize("change", [{"state": "revoked"}, {"expiration": timezone.now() - timedelta(days=1)}])
def test_a_wider_key_that_is_no_longer_good_is_replaced(client, ovh, change):
    sign_in(client, ovh, ovh.customers[0])
    allow(client, ovh, ovh.customers[0])
    key = Link.objects.get().consumer_key()
    Link.objects.update(**change)
    sign_in(Client(), ovh, ovh.customers[0])
    assert Link.objects.get().consumer_key() != key
    assert Link.objects.get().is_usable


def test_renewing_a_wider_key_while_signed_in_asks_for_as_much(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    allow(client, ovh, ovh.customers[0])
    Link.objects.update(expiration=timezone.now() + timedelta(days=5))
    old = Link.objects.get().consumer_key()
    client.post("/sign-in/")
    page = client.get("/sign-in/continue/")
    assert "fill carts at OVHcloud" in page.content.decode()
    come_back(client, ovh.validate(str(page.context["validation_url"]), ovh.customers[0]))
    client.post("/sign-in/confirm/")
    link = Link.objects.get()
    assert link.consumer_key() != old
    assert may_order(link)


# --- Which key speaks -------------------------------------------------------------------------------------------------
WIDE = [{"method": rule.method, "path": rule.path} for rule in ORDERING_RULES]


def test_only_a_key_that_may_is_used_for_ordering():
    account = make_nichandle("holder1-ovh")
    make_customer(account)
    own = account.links.get()
    with pytest.raises(NoKey):
        usable_link(account, ordering=True)
    other = hold(make_customer("other1-ovh"), account)
    Link.objects.filter(pk=other.pk).update(rules=WIDE)
    assert usable_link(account, ordering=True).pk == other.pk
    Link.objects.filter(pk=own.pk).update(rules=WIDE)
    assert usable_link(account, ordering=True).pk == own.pk


@pytest.mark.parametrize(
    ("rules", "enough"),
    [
        (WIDE, True),
        (WIDE[:-1], False),
        ([{"method": method, "path": "/*"} for method in ("GET", "POST", "PUT", "DELETE")], True),
        ([{"method": "GET", "path": "/*"}], False),
        ([], False),
    ],
)
def test_rules_cover_what_is_needed(rules, enough):
    assert covers(rules, ORDERING_RULES) is enough
