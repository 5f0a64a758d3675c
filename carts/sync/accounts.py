"""What follows for carts from what happens to an account."""

from django.utils import timezone

from accounts.models import Nichandle
from carts.models import Cart, Checkout, Contact, ContactReading, DomainCheck


def key_granted(nichandle: Nichandle) -> None:
    """
    There is a key, perhaps with more rights: go on with what waited for one.

    No page goes on asking for what was just given, and a turn that began before it does not have the last word.
    """
    now = timezone.now()
    mine = Cart.objects.filter(nichandle=nichandle, state=Cart.State.OPEN)
    mine.filter(lease__isnull=False).update(next_mirror_at=now)
    waiting = mine.filter(trouble__in=(Cart.Trouble.KEY, Cart.Trouble.RIGHTS))
    waiting.update(next_mirror_at=now, failures=0, trouble="", message="")
    failed = DomainCheck.objects.filter(nichandle=nichandle, state=DomainCheck.State.FAILED)
    failed.filter(answered_at=None, asked_at__gt=now - DomainCheck.FRESH).update(
        state=DomainCheck.State.WAITING, next_attempt_at=now, failures=0
    )
    Contact.objects.filter(nichandle=nichandle, path="", next_attempt_at=None).update(next_attempt_at=now)
    ContactReading.objects.filter(nichandle=nichandle, read_at=None, next_read_at=None).update(next_read_at=now)


def erase(nichandle: Nichandle) -> int:
    """Delete all that somebody who asks to be forgotten chose, filled in and ordered here; nothing of it must stay."""
    Checkout.objects.filter(nichandle=nichandle).delete()
    Cart.objects.filter(nichandle=nichandle).delete()
    Contact.objects.filter(nichandle=nichandle).delete()
    ContactReading.objects.filter(nichandle=nichandle).delete()
    DomainCheck.objects.filter(nichandle=nichandle).delete()
    return 0
