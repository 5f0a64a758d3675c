"""Contacts: read from OVHcloud, written here and sent there, each made once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Link, Nichandle
from accounts.ovh import gateway_for
from carts import sync
from carts.models import Contact, ContactReading
from tests.carts.shop import calls, let_order, shopper
from tests.sandboxes import Sandbox
from tests.world import forget_trouble

pytestmark = pytest.mark.django_db

FACTS: dict[str, Any] = {
    "firstName": "Zoé",
    "lastName": "Durand",
    "email": "zoe@example.com",
    "legalForm": "individual",
    "language": "fr_FR",
    "phone": "+33.612345678",
    "address": {"line1": "2 rue du Port", "city": "Brest", "zip": "29200", "country": "FR"},
}


@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    return shopper(ovh)


def read(anna: Nichandle) -> None:
    ContactReading.objects.update_or_create(
        nichandle=anna, defaults={"next_read_at": timezone.now(), "leased_until": None}
    )
    sync.carry_contacts_due()


def write(anna: Nichandle, **facts: Any) -> Contact:
    """As the editor does."""
    return Contact.objects.create(nichandle=anna, facts=FACTS | facts, next_attempt_at=timezone.now())


def carry(contact: Contact) -> Contact:
    forget_trouble()
    due = Contact.objects.filter(pk=contact.pk, next_attempt_at__isnull=False)
    due.update(next_attempt_at=timezone.now(), leased_until=None)
    sync.carry_contacts_due()
    contact.refresh_from_db()
    return contact


def names_at_ovh(anna: Nichandle) -> list[str]:
    gateway = gateway_for(anna)
    found = [gateway.contact(f"/me/contact/{number}") for number in gateway.me_contact_ids()]
    return sorted(str(one.facts["lastName"]) for one in found)


def test_both_kinds_are_read(anna: Nichandle) -> None:
    gateway = gateway_for(anna)
    paths = {gateway.new_contact(FACTS).path, gateway.new_contact(FACTS, "/domain/contact").path}
    read(anna)
    assert paths <= set(Contact.objects.values_list("path", flat=True))
    reading = ContactReading.objects.get()
    assert reading.read_at
    assert (reading.next_read_at, reading.leased_until, reading.message) == (None, None, "")
    assert Contact.objects.get(path=min(paths)).facts["lastName"] == "Durand"


def test_what_is_gone_there_is_gone_here_but_not_what_is_on_its_way(anna: Nichandle) -> None:
    gone = Contact.objects.create(
        nichandle=anna, path="/me/contact/1", facts=FACTS, read_at=timezone.now() - timedelta(hours=1)
    )
    waiting = Contact.objects.create(
        nichandle=anna, facts=FACTS, next_attempt_at=timezone.now() + timedelta(hours=1), read_at=None
    )
    read(anna)
    assert not Contact.objects.filter(pk=gone.pk).exists()
    assert Contact.objects.filter(pk=waiting.pk).exists()


def test_a_new_one_is_sent_and_gets_its_path(ovh: Sandbox, anna: Nichandle) -> None:
    contact = carry(write(anna))
    assert contact.path.startswith("/me/contact/")
    assert (contact.next_attempt_at, contact.problem) == (None, "")
    assert "Durand" in names_at_ovh(anna)
    before = ovh.last_request()
    sync.carry_contacts_due()
    assert calls(ovh, before) == []


def test_a_change_is_sent(anna: Nichandle) -> None:
    contact = carry(write(anna))
    contact.facts["lastName"] = "Petit"
    contact.next_attempt_at = timezone.now()
    contact.save()
    carry(contact)
    assert "Petit" in names_at_ovh(anna)
    assert "Durand" not in names_at_ovh(anna)


@pytest.mark.parametrize("kind", ["accept_then_reset", "truncated", "html", "reset"])
def test_a_contact_whose_answer_was_lost_is_made_once(ovh: Sandbox, anna: Nichandle, kind: str) -> None:
    read(anna)
    ovh.arm(kind, method="POST", path="/me/contact", count=1)
    contact = carry(write(anna))
    assert contact.next_attempt_at is not None
    contact = carry(contact)
    assert contact.path
    assert names_at_ovh(anna).count("Durand") == 1


def test_what_ovhcloud_refuses_says_why(anna: Nichandle) -> None:
    contact = carry(write(anna, legalForm="nonsense"))
    assert contact.problem
    assert (contact.path, contact.next_attempt_at) == ("", None)


def test_a_change_is_not_overwritten_by_a_reading(anna: Nichandle) -> None:
    contact = carry(write(anna))
    facts = contact.facts | {"lastName": "Petit"}
    Contact.objects.update(facts=facts, next_attempt_at=timezone.now() + timedelta(hours=1))
    read(anna)
    contact.refresh_from_db()
    assert contact.facts["lastName"] == "Petit"


def test_without_rights_it_waits_for_them(anna: Nichandle) -> None:
    Link.objects.update(rules=[])
    contact = carry(write(anna))
    read(anna)
    assert (contact.path, contact.next_attempt_at) == ("", None)
    let_order(anna)
    sync.key_granted(anna)
    contact = carry(contact)
    assert contact.path
    assert ContactReading.objects.get().read_at
