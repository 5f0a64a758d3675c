"""Loads the signed-in person with what every page needs of them, in one query."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef

from accounts.models import Link, User


class Backend(AuthenticationBackend):
    def get_user(self, user_id: Any) -> User | None:
        others = Link.objects.filter(user=OuterRef("pk")).exclude(nichandle=OuterRef("nichandle"))
        factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
        revoked = Link.objects.filter(user=OuterRef("pk"), nichandle=OuterRef("nichandle"), state=Link.State.REVOKED)
        return (
            User.objects.filter(pk=user_id, is_active=True)
            .select_related("nichandle")
            .annotate(key_is_revoked=Exists(revoked), has_linked=Exists(others), has_factor=Exists(factors))
            .first()
        )
