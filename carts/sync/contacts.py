"""
Contacts that names are registered to: read from OVHcloud, and those that were written here sent there.

Making one is not idempotent, so before it is made OVHcloud's are read: one that says the same and is not known to us
is what an answer that was lost had made.
"""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actions import note_revoked
from accounts.breaker import BreakerOpen
from accounts.crypto import KeyUnreadable
from accounts.models import Nichandle
from accounts.ovh import NoKey, gateway_for
from carts.models import Contact, ContactReading
from gateway import ContactRecord, CredentialRevoked, Gateway, NotFound, OvhError, OvhRefused, RateLimited

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
TASK_SECONDS = 25
AFTER_TROUBLE = timedelta(seconds=10)
# More than anybody chooses among, and each of /me/contact is a call.
CONTACTS_AT_MOST = 50


def carry_contacts_due(limit: int = 20) -> int:
    """Send what is to be sent, read what is to be read. Returns how many rows were taken up."""
    begun = time.monotonic()
    for taken in range(limit):
        late = time.monotonic() - begun > TASK_SECONDS
        row = None if late else _claim(Contact, "next_attempt_at") or _claim(ContactReading, "next_read_at")
        if row is None:
            return taken
        try:
            _carry(row)
        except Exception:
            # Its lease runs out; the others go on.
            log.exception("a contact could not be carried")
    return limit


def _claim(model: Any, due_at: str) -> Any:
    now = timezone.now()
    with transaction.atomic():
        due = model.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), **{f"{due_at}__lte": now})
        due = due.select_for_update(skip_locked=True, of=("self",)).select_related("nichandle").order_by(due_at)
        row = due.first()
        if row is not None:
            model.objects.filter(pk=row.pk).update(leased_until=now + LEASE)
    return row


def _carry(row: Any) -> None:
    asked_at = timezone.now()
    end, again = (_sent, _send_again) if isinstance(row, Contact) else (_was_read, _read_again)
    try:
        gateway = gateway_for(row.nichandle, ordering=True)
        if isinstance(row, Contact):
            _send(gateway, row)
        else:
            _read(gateway, row)
    except (NoKey, KeyUnreadable):
        end(row, "")
    except RateLimited as error:
        again(row, timedelta(seconds=max(error.retry_after, 1)))
    except BreakerOpen as error:
        again(row, max(error.retry_at - timezone.now(), timedelta(seconds=1)))
    except OvhRefused as error:
        if isinstance(error, CredentialRevoked):
            note_revoked(row.nichandle, asked_at)
        end(row, error.message)
    except OvhError:
        again(row, AFTER_TROUBLE)


def _sent(row: Contact, problem: str) -> None:
    Contact.objects.filter(pk=row.pk).update(problem=problem, next_attempt_at=None, leased_until=None)


def _send_again(row: Contact, wait: timedelta) -> None:
    Contact.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now() + wait, leased_until=None)


def _was_read(row: ContactReading, message: str) -> None:
    ContactReading.objects.filter(pk=row.pk).update(message=message, next_read_at=None, leased_until=None)


def _read_again(row: ContactReading, wait: timedelta) -> None:
    ContactReading.objects.filter(pk=row.pk).update(next_read_at=timezone.now() + wait, leased_until=None)


# --- Reading ----------------------------------------------------------------------------------------------------------
def _read(gateway: Gateway, reading: ContactReading) -> None:
    asked_at = timezone.now()
    numbers = gateway.me_contact_ids()
    found = [*_whole(gateway, numbers[-CONTACTS_AT_MOST:]), *gateway.domain_contacts()[-CONTACTS_AT_MOST:]]
    with transaction.atomic():
        own = Contact.objects.filter(nichandle=reading.nichandle)
        for record in found:
            _keep(reading.nichandle, record)
        paths = [record.path for record in found]
        # What is on its way there, or came while we read, is not gone.
        own.filter(next_attempt_at=None, read_at__lt=asked_at).exclude(path__in=paths).delete()
        ContactReading.objects.filter(pk=reading.pk).update(
            read_at=timezone.now(), next_read_at=None, leased_until=None, message=""
        )


def _whole(gateway: Gateway, numbers: list[int]) -> list[ContactRecord]:
    found = []
    for number in numbers:
        try:
            found.append(gateway.contact(f"/me/contact/{number}"))
        except NotFound:
            continue
    return found


def _keep(nichandle: Nichandle, record: ContactRecord) -> None:
    """Changes of ours that are still to be sent are not overwritten."""
    values = {"facts": dict(record.facts), "read_at": timezone.now()}
    row, made = Contact.objects.get_or_create(nichandle=nichandle, path=record.path, defaults=values)
    if not made:
        Contact.objects.filter(pk=row.pk, next_attempt_at=None, problem="").update(**values)


# --- Sending ----------------------------------------------------------------------------------------------------------
def _send(gateway: Gateway, contact: Contact) -> None:
    facts = {name: value for name, value in contact.facts.items() if name != "id"}
    if contact.path:
        record = gateway.change_contact(contact.path, facts)
    else:
        record = _made_before(gateway, contact) or gateway.new_contact(facts)
    with transaction.atomic():
        rows = Contact.objects.filter(pk=contact.pk)
        # A reading may have brought it already.
        Contact.objects.filter(nichandle=contact.nichandle, path=record.path).exclude(pk=contact.pk).delete()
        rows.update(path=record.path, read_at=timezone.now(), leased_until=None)
        # Written anew meanwhile, it is sent again.
        rows.filter(facts=contact.facts).update(facts=dict(record.facts), problem="", next_attempt_at=None)


def _made_before(gateway: Gateway, contact: Contact) -> ContactRecord | None:
    """One that OVHcloud has, we do not know, and that says what this one says."""
    known = set(Contact.objects.filter(nichandle=contact.nichandle).exclude(path="").values_list("path", flat=True))
    unknown = [number for number in gateway.me_contact_ids() if f"/me/contact/{number}" not in known]
    same = [one for one in _whole(gateway, unknown[-CONTACTS_AT_MOST:]) if _says(one.facts, contact.facts)]
    return same[0] if same else None


def _says(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Whether everything that is filled in here stands there, too."""
    for name, value in here.items():
        if name == "id" or value in (None, ""):
            continue
        other = there.get(name)
        same = _says(other, value) if isinstance(value, dict) and isinstance(other, dict) else other == value
        if not same:
            return False
    return True
