"""Second factors through allauth: secrets encrypted like consumer keys, names from settings and from our own rows."""

import hashlib
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models.query import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import audit, crypto
from accounts.models import Session, User

BOUND_TO = "second factor"


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text, bound_to=BOUND_TO)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text, bound_to=BOUND_TO)

    def _get_site_name(self) -> str:
        """Where a code belongs to: what a request's Host header says must not stand in anybody's app."""
        return settings.SITE_NAME or _host()

    def _get_user_identifier(self, user: AbstractBaseUser) -> str:
        assert isinstance(user, User)  # noqa: S101  (there is no other model)
        return user.nichandle.nichandle if user.nichandle else user.email

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": _host(), "name": self._get_site_name()}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, object]:
        name = self._get_user_identifier(user)
        # A passkey carries this wherever it goes: not a number of ours.
        handle = hashlib.sha256(f"{settings.SECRET_KEY}/{user.get_username()}".encode()).digest()
        return {"id": handle, "display_name": name, "name": name}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:
        return _("Passkey %(number)s") % {"number": passkeys(user).count() + 1}


def passkeys(user: AbstractBaseUser) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN)


def reset(request: HttpRequest | None, user: User) -> tuple[int, int]:
    """
    Take the factors of somebody who lost them away, and end their sessions. Returns how many of each.

    request None: somebody at the command line did it.
    """
    with transaction.atomic():
        held = Authenticator.objects.filter(user=user)
        removed = held.exclude(type=Authenticator.Type.RECOVERY_CODES).count()
        held.delete()
        ended, _rows = Session.objects.filter(user=user).delete()
        subject = user.nichandle.nichandle if user.nichandle else ""
        audit.record(request, "factors_reset", subject=subject, target=user.username, removed=removed)
    return removed, ended


def name_of(authenticator: Authenticator) -> str:
    """What a form may say to mean this passkey, instead of a number of ours."""
    return hashlib.sha256(f"{settings.SECRET_KEY}/factor/{authenticator.pk}".encode()).hexdigest()[:20]


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or ""
