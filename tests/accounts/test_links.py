"""Several accounts in one pair of hands: linking, switching, forms that cannot mix them up, ending a link."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import actions, notices, sync
from accounts.models import AuditEvent, DroppedKey, Link, Nichandle, Notice, User
from accounts.ovh import application
from gateway import CredentialRevoked, Gateway
from tests.accounts.test_sign_in import come_back, sign_in
from tests.factories import make_customer, make_nichandle, make_order

pytestmark = pytest.mark.django_db


def link_another(client: Client, ovh: Any, other: dict[str, Any]) -> Any:
    """Walk the journey as somebody who is signed in; returns the answer to the last yes."""
    assert client.post("/account/link/").status_code == 302
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    page = come_back(client, ovh.validate(url, other))
    assert "Link the account of" in page.content.decode()
    return client.post("/sign-in/confirm/")


def hold(user: User, nichandle: Any) -> Link:
    """A link that stands already."""
    link = Link(user=user, nichandle=nichandle)
    link.keep_key("a key of no use")
    link.save()
    return link


def test_a_second_account_is_linked_with_a_key_of_its_own_and_the_page_is_about_it(client, ovh):
    first, second = ovh.customers[:2]
    sign_in(client, ovh, first)
    answer = link_another(client, ovh, second)
    assert answer.status_code == 302
    mine = Link.objects.filter(user__nichandle__nichandle=first["nichandle"])
    assert {link.nichandle.nichandle for link in mine} == {first["nichandle"], second["nichandle"]}
    assert len({link.consumer_key() for link in mine}) == 2
    assert client.get("/orders/").context["nichandle"].nichandle == second["nichandle"]
    assert AuditEvent.objects.filter(action="link", subject=second["nichandle"]).count() == 1


def test_signing_in_as_a_linked_account_opens_its_own_user_never_the_one_who_linked_it(client, ovh):
    first, second = ovh.customers[:2]
    sign_in(client, ovh, first)
    link_another(client, ovh, second)
    owner = Client()
    sign_in(owner, ovh, second)
    user = User.objects.get(pk=owner.session["_auth_user_id"])
    assert user.nichandle is not None
    assert user.nichandle.nichandle == second["nichandle"]
    assert not user.links.filter(nichandle__nichandle=first["nichandle"]).exists()


def test_the_owner_is_told_on_the_page_and_by_mail_and_can_end_the_link(client, ovh):
    first, second = ovh.customers[:2]
    owner = Client()
    sign_in(owner, ovh, second)
    sign_in(client, ovh, first)
    link_another(client, ovh, second)
    assert notices.send_due() == 1
    assert first["nichandle"] in mail.outbox[0].body
    page = owner.get("/account/").content.decode()
    assert first["nichandle"] in page
    end = f"/account/links/{second['nichandle']}/{first['nichandle']}/end/"
    assert end in page
    key = Link.objects.get(user__nichandle__nichandle=first["nichandle"], nichandle__nichandle=second["nichandle"])
    used = key.consumer_key()
    assert owner.post(end).status_code == 302
    assert not Link.objects.filter(pk=key.pk).exists()
    sync.drop_keys()
    assert not DroppedKey.objects.exists()
    with pytest.raises(CredentialRevoked):
        Gateway(application(), used).me()
    assert client.get("/orders/").context["nichandle"].nichandle == first["nichandle"]
    assert Notice.objects.filter(kind="unlinked", to__nichandle=first["nichandle"]).exists()


def test_a_journey_to_link_begun_by_one_person_is_not_finished_by_another(client, ovh):
    first, second, third = ovh.customers[:3]
    sign_in(client, ovh, first)
    client.post("/account/link/")
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    redirection = ovh.validate(url, second)
    # The same browser, another person meanwhile: the journey belongs to nobody who is here.
    begun = client.session["sign_in"]
    client.post("/sign-out/")
    client.force_login(make_customer())
    session = client.session
    session["sign_in"] = begun
    session.save()
    assert come_back(client, redirection).status_code == 400
    assert client.post("/sign-in/confirm/").status_code == 400
    assert Link.objects.filter(nichandle__nichandle=second["nichandle"]).count() == 0


def test_linking_asks_first_who_is_there_once_the_sign_in_is_some_time_ago(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    session = client.session
    session["shown_at"] -= 16 * 60
    session.save()
    answer = client.post("/account/link/")
    assert answer.url == "/account/sure/?next=%2Faccount%2Flink%2F"
    before = client.session.session_key
    client.post("/account/sure/", {"next": "/account/link/"})
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    come_back(client, ovh.validate(url, ovh.customers[0]))
    assert client.post("/sign-in/confirm/").url == "/account/link/"
    assert client.session.session_key != before
    assert client.get("/account/link/").status_code == 200
    # The key of that journey is good for nothing else and is given back.
    assert Link.objects.count() == 1
    assert DroppedKey.objects.filter(reason="only showed who is there").count() == 1


def test_somebody_else_coming_back_shows_nothing(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    session = client.session
    session["shown_at"] -= 16 * 60
    session.save()
    client.post("/account/sure/", {"next": "/account/link/"})
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    come_back(client, ovh.validate(url, ovh.customers[1]))
    assert client.post("/sign-in/confirm/").status_code == 400
    assert client.get("/account/link/").status_code == 302
    assert DroppedKey.objects.filter(reason="only showed who is there").count() == 1


def test_a_form_acts_on_the_account_its_page_was_written_for(customer, customer_client):
    other = make_nichandle("other9-ovh")
    hold(customer, other)
    mine, theirs = make_order(customer.nichandle), make_order(other)
    first_tab = customer_client.get(f"/orders/{mine.order_id}/").content.decode()
    assert f'name="account" value="{customer.nichandle.nichandle}"' in first_tab
    customer_client.post("/account/switch/", {"to": "other9-ovh"})
    assert customer_client.get("/orders/").context["nichandle"] == other
    answer = customer_client.post(f"/orders/{mine.order_id}/check/", {"account": customer.nichandle.nichandle})
    assert answer.status_code == 302
    # The other tab's account does not reach into this one.
    assert customer_client.post(f"/orders/{mine.order_id}/check/", {"account": "other9-ovh"}).status_code == 404
    assert customer_client.post(f"/orders/{theirs.order_id}/check/", {"account": "other9-ovh"}).status_code == 302


@pytest.mark.parametrize("account", [None, "", "stranger1-ovh", "x\0y", "o" * 5000])
def test_a_form_that_names_no_account_one_holds_does_nothing(customer, customer_client, account):
    hold(customer, make_nichandle("other9-ovh"))
    order = make_order(customer.nichandle)
    sent = {} if account is None else {"account": account}
    assert customer_client.post(f"/orders/{order.order_id}/check/", sent).status_code == 409
    order.refresh_from_db()
    assert order.check_asked_at is None


def test_an_order_of_another_account_i_hold_opens_and_says_whose_it_is(customer, customer_client):
    other = make_nichandle("other9-ovh", firstname="Olga", name="Weber")
    order = make_order(other)
    assert customer_client.get(f"/orders/{order.order_id}/").status_code == 404
    hold(customer, other)
    page = customer_client.get(f"/orders/{order.order_id}/")
    assert page.status_code == 200
    assert "This order belongs to Olga Weber (other9-ovh)" in page.content.decode()
    assert 'name="account" value="other9-ovh"' in page.content.decode()
    # The rest of the browser stays where it was.
    assert customer_client.get("/orders/").context["nichandle"] == customer.nichandle


def test_nobody_switches_to_or_ends_what_they_do_not_hold(customer, customer_client):
    stranger = make_customer("stranger1-ovh")
    third = make_customer("third1-ovh")
    hold(third, stranger.nichandle)
    assert customer_client.post("/account/switch/", {"to": "stranger1-ovh"}).status_code == 404
    for address in ("stranger1-ovh/third1-ovh", "stranger1-ovh/stranger1-ovh", "none/none"):
        assert customer_client.post(f"/account/links/{address}/end/").status_code == 404
    own = f"{customer.nichandle.nichandle}/{customer.nichandle.nichandle}"
    assert customer_client.post(f"/account/links/{own}/end/").status_code == 404
    assert Link.objects.count() == 4


def test_whoever_signs_in_comes_back_to_the_page_they_wanted(client, ovh):
    wanted = "/orders/?status=delivered"
    answer = client.get(wanted)
    assert answer.url == "/?next=%2Forders%2F%3Fstatus%3Ddelivered"
    page = client.get(answer.url).content.decode()
    assert 'name="next" value="/orders/?status=delivered"' in page
    client.post("/sign-in/", {"next": wanted})
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    come_back(client, ovh.validate(url, ovh.customers[0]))
    assert client.post("/sign-in/confirm/").url == wanted


@pytest.mark.parametrize(
    "target",
    ["//e.test/", "/\\e.test", "https:e.test", "/%09/e.test", "\0/e", "javascript:1", "/sign-out/", "x" * 3000],
)
def test_a_way_in_leads_nowhere_else(client, ovh, target):
    client.post("/sign-in/", {"next": target})
    url = str(client.get("/sign-in/continue/").context["validation_url"])
    come_back(client, ovh.validate(url, ovh.customers[0]))
    assert client.post("/sign-in/confirm/").url == "/orders/"


# --- Keys that end ----------------------------------------------------------------------------------------------------
def test_a_key_taken_back_at_ovhcloud_ends_every_session_of_its_owner(customer, customer_client):
    other = Client()
    other.force_login(customer)
    Link.objects.update(renewed_at=timezone.now() - timedelta(hours=1))
    actions.note_revoked(customer.nichandle, timezone.now())
    page = customer_client.get("/orders/?status=delivered")
    assert page.status_code == 401
    assert "no longer lets this panel act for you" in page.content.decode()
    # The way back in leads to where one was.
    assert 'name="next" value="/orders/?status=delivered"' in page.content.decode()
    # Said once; and the same in the other browser.
    assert customer_client.get("/orders/").status_code == 302
    assert other.get("/account/").status_code == 401


def test_a_key_that_a_link_held_ends_nobodys_session(customer, customer_client):
    other = make_nichandle("other9-ovh")
    hold(customer, other)
    Link.objects.update(renewed_at=timezone.now() - timedelta(hours=1))
    actions.note_revoked(other, timezone.now())
    assert customer_client.get("/orders/").status_code == 200
    customer_client.post("/account/switch/", {"to": "other9-ovh"})
    assert "no longer lets this panel act for you" in customer_client.get("/orders/").content.decode()


def test_a_key_that_runs_out_soon_is_announced_once_and_renewed_by_one_button(customer, customer_client):
    Link.objects.update(expiration=timezone.now() + timedelta(days=5))
    Nichandle.objects.update(language="en_GB")
    assert notices.tell_of_lapsing_keys() == 1
    assert notices.tell_of_lapsing_keys() == 0
    notices.send_due()
    assert "runs out within days" in mail.outbox[0].body
    page = customer_client.get("/orders/").content.decode()
    assert "runs out within days" in page
    assert 'action="/sign-in/"' in page


def test_a_key_that_ran_out_shows_the_page_that_says_so(customer, customer_client):
    Link.objects.update(expiration=timezone.now() - timedelta(minutes=1))
    assert "no longer lets this panel act for you" in customer_client.get("/orders/").content.decode()


def test_a_mail_server_that_refuses_is_tried_again(customer, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1
    notices.tell_holders(customer.nichandle, Notice.Kind.LINKED, make_customer())
    notices.send_due()
    waiting = Notice.objects.get()
    assert waiting.attempts == 1
    assert waiting.next_attempt_at is not None
    assert waiting.next_attempt_at > timezone.now() + timedelta(minutes=1)


def test_a_link_is_ended_also_while_this_browser_is_about_another_account(client, ovh):
    first, second = ovh.customers[:2]
    sign_in(client, ovh, first)
    link_another(client, ovh, second)
    client.post("/account/switch/", {"to": first["nichandle"]})
    end = f"/account/links/{second['nichandle']}/{first['nichandle']}/end/"
    assert client.post(end).url == "/account/"
    assert not Link.objects.filter(nichandle__nichandle=second["nichandle"]).exists()
