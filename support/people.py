"""
What an administrator does about staff: invite, change a role, switch off, reset factors. Never about customers' orders.

Each is one transaction with its line in the trail. Nobody does it to themselves, and somebody stays who can do it.
"""

import smtplib

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.db.models.query import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, factors
from accounts.http import StaffRequest
from accounts.models import Session, User
from support import invitations
from support.models import Invitation


class NotYourself(Exception):
    """Nobody changes or switches off themself: a slip would lock them out."""


class LastAdministrator(Exception):
    """Without this one nobody could invite or let in anybody."""


class NotStaff(Exception):
    """This address is taken by somebody who is no member of staff."""


class MailRefused(Exception):
    """The mail server did not take the invitation; what else was done stands."""


def staff() -> QuerySet[User]:
    """Everybody who is or was staff, by name: with `has_factor`, `is_invited` and `used_at`, their last use."""
    shown_by = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    invited = Invitation.objects.open().filter(user=OuterRef("pk"))
    people = User.objects.filter(role__in=User.STAFF)
    annotated = people.annotate(
        has_factor=Exists(shown_by), is_invited=Exists(invited), used_at=Max("sessions__used_at")
    )
    return annotated.order_by("-is_active", "username")


def invite(request: StaffRequest, email: str, role: str) -> User:
    """
    Make a staff account and mail its link, which works once; who is staff already gets a new link.

    Raises:
        NotStaff, MailRefused: see there.
    """
    with transaction.atomic():
        user = User.objects.filter(username=email).first()
        if user is not None and (user.role not in User.STAFF or not user.is_active):
            raise NotStaff
        if user is None:
            user = User.objects.make_staff(email, role)
            audit.record(request, "staff_add", target=email, role=role)
        link = invitations.invite(user)
        audit.record(request, "staff_invite", target=email)
    _mail(user, link)
    return user


def change_role(request: StaffRequest, user: User, role: str) -> None:
    """Their sessions end, so that nothing goes on with what they might do before. Raises: NotYourself, Last…"""
    with transaction.atomic():
        user = _locked(request, user)
        if role == user.role:
            return
        _keep_one(user)
        audit.record(request, "staff_role", target=user.username, before=user.role, role=role)
        user.role = role
        user.save(update_fields=["role"])
        Session.objects.filter(user=user).delete()


def switch_off(request: StaffRequest, user: User) -> None:
    """At once and everywhere: sessions and open invitations end with it. Raises: NotYourself, LastAdministrator."""
    with transaction.atomic():
        user = _locked(request, user)
        _keep_one(user)
        user.is_active = False
        user.save(update_fields=["is_active"])
        ended, _rows = Session.objects.filter(user=user).delete()
        Invitation.objects.filter(user=user, used_at=None).update(used_at=timezone.now())
        audit.record(request, "staff_off", target=user.username, sessions=ended)


def switch_on(request: StaffRequest, user: User) -> None:
    """They may sign in again, by the password and factor they had. Raises: NotYourself."""
    with transaction.atomic():
        user = _locked(request, user)
        user.is_active = True
        user.save(update_fields=["is_active"])
        audit.record(request, "staff_on", target=user.username)


def reset_factors(request: StaffRequest, user: User) -> None:
    """Take lost factors away and end their sessions. Raises: NotYourself."""
    with transaction.atomic():
        factors.reset(request, _locked(request, user))


def _locked(request: HttpRequest, user: User) -> User:
    if user.pk == request.user.pk:
        raise NotYourself
    # All of them, in one order: else two administrators could switch each other off at once.
    everybody = User.objects.select_for_update().filter(role__in=User.STAFF).order_by("pk")
    return next(person for person in everybody if person.pk == user.pk)


def _keep_one(leaving: User) -> None:
    if leaving.role != User.Role.ADMINISTRATOR:
        return
    others = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exclude(pk=leaving.pk)
    if not any(other.has_usable_password() for other in others):
        raise LastAdministrator


def _mail(user: User, link: str) -> None:
    hours = round(Invitation.LIFETIME.total_seconds() / 3600)
    context = {"link": link, "hours": hours, "role": user.get_role_display(), "support_email": settings.SUPPORT_EMAIL}
    subject = _("Your way in to the desk of %(site)s") % {"site": settings.SITE_NAME or settings.BASE_URL}
    try:
        EmailMessage(subject, render_to_string("mail/invitation.txt", context), to=[user.email]).send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailRefused from error
