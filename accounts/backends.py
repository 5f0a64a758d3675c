"""Loads the signed-in person with what every page needs of them, in one query."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Link, User


class Backend(AuthenticationBackend):
    def get_user(self, user_id: Any) -> User | None:
        others = Link.objects.filter(user=OuterRef("pk")).exclude(nichandle=OuterRef("nichandle"))
        factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
        now = timezone.now()
        own = Link.objects.filter(user=OuterRef("pk"), nichandle=OuterRef("nichandle"))
        revoked = own.filter(Q(state=Link.State.REVOKED) | Q(expiration__lte=now))
        lapsing = own.filter(state=Link.State.VALID, expiration__gt=now, expiration__lt=now + Link.SOON)
        return (
            User.objects.filter(pk=user_id, is_active=True)
            .select_related("nichandle")
            .annotate(key_is_revoked=Exists(revoked), has_linked=Exists(others), has_factor=Exists(factors))
            .annotate(key_lapses=Exists(lapsing))
            .first()
        )
