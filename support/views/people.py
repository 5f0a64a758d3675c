"""An administrator's pages: who is staff, and the accounts that the operator looks after. No customer's order."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import audit, operator
from accounts.assurance import asks_who_is_there
from accounts.http import StaffRequest
from accounts.limits import limited
from accounts.models import Link, User
from gateway import CredentialRevoked, OvhError
from support import people as staff
from support import trail
from support.forms import AccountKeyForm, InviteForm, RoleForm

View = Callable[..., HttpResponse]

_takes_forms = require_http_methods(["GET", "HEAD", "POST"])


def for_administrators(view: View) -> View:
    """Let in whoever keeps people and credentials, once they have shown lately that it is they."""
    asked = asks_who_is_there(view)

    @wraps(view)
    def let_in(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.role != User.Role.ADMINISTRATOR:
            audit.record(request, view.__name__, target=request.path, result="refused", role=request.user.role)
            return render(request, "support/forbidden.html", {"wants_administrator": True}, status=403)
        return asked(request, *args, **kwargs)

    return let_in


@_takes_forms
@for_administrators
@limited("people")
def people(request: StaffRequest) -> HttpResponse:
    """Everybody who is or was staff, and a form to invite somebody."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            staff.invite(request, email, form.cleaned_data["role"])
        except staff.NotStaff:
            form.add_error("email", _("This address cannot be invited: it was switched off, or is no staff's."))
        except staff.MailRefused:
            messages.warning(request, _("The mail server did not take the invitation. Send it again a little later."))
            return redirect("support:person", email)
        else:
            said = _("%(email)s was mailed a link. It works once, for 24 hours.") % {"email": email}
            messages.success(request, said)
            return redirect("support:people")
    trail.looked(request, "staff_people")
    return render(request, "support/people.html", {"people": staff.staff(), "form": form})


@_takes_forms
@for_administrators
@limited("people")
def person(request: StaffRequest, email: str) -> HttpResponse:
    """One member of staff, and what can be done about them; `do` names it."""
    who = get_object_or_404(staff.staff(), username=email)
    if request.method == "POST":
        try:
            said = _do(request, who, request.POST.get("do", ""))
        except staff.NotYourself:
            messages.warning(request, _("Nobody does this to themself: ask another administrator."))
        except staff.LastAdministrator:
            messages.warning(request, _("This is the last administrator. Make somebody else one first."))
        except (staff.MailRefused, staff.NotStaff):
            messages.warning(request, _("The mail server did not take the invitation. Send it again a little later."))
        else:
            if said:
                messages.success(request, said)
        return redirect("support:person", email)
    context = {"who": who, "form": RoleForm(initial={"role": who.role}), "is_me": who.pk == request.user.pk}
    return render(request, "support/person.html", context)


def _do(request: StaffRequest, who: User, what: str) -> str:
    match what:
        case "role":
            form = RoleForm(request.POST)
            if not form.is_valid():
                return ""
            staff.change_role(request, who, form.cleaned_data["role"])
            return _("The role is changed; they must sign in again.")
        case "off":
            staff.switch_off(request, who)
            return _("Switched off: every session of theirs has ended.")
        case "on":
            staff.switch_on(request, who)
            return _("Switched on: they may sign in again.")
        case "factors":
            staff.reset_factors(request, who)
            return _("Their factors are gone. When they next sign in, they must set up a new one.")
        case "invite":
            staff.invite(request, who.username, who.role)
            return _("A new link is on its way; earlier ones no longer work.")
        case _unknown:
            return ""


@sensitive_post_parameters("consumer_key")
@_takes_forms
@for_administrators
@limited("people")
def accounts(request: StaffRequest) -> HttpResponse:
    """Accounts that the operator looks after, and a form for one more. A key goes in and never comes out."""
    form = AccountKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            link = operator.add_account(request, form.cleaned_data["consumer_key"])
        except operator.KeyTooNarrow as error:
            rights = ", ".join(error.args)
            form.add_error("consumer_key", _("This key lacks rights that are needed: %(rights)s") % {"rights": rights})
        except CredentialRevoked:
            form.add_error("consumer_key", _("OVHcloud does not take this key: it is wrong or was revoked."))
        except OvhError:
            form.add_error("consumer_key", _("OVHcloud gave no usable answer, and nothing was kept. Try again later."))
        else:
            name = link.nichandle.nichandle
            messages.success(request, _("%(account)s is kept. Its orders are being read.") % {"account": name})
            return redirect("support:accounts")
    trail.looked(request, "staff_accounts")
    return render(request, "support/accounts.html", {"links": operator.accounts(), "form": form})


@_takes_forms
@for_administrators
@limited("people")
def account_drop(request: StaffRequest, nichandle: str) -> HttpResponse:
    """Let one of them go, after a page that says what this means."""
    link: Link = get_object_or_404(operator.accounts(), nichandle__nichandle=nichandle)
    if request.method != "POST":
        return render(request, "support/account_drop.html", {"link": link})
    operator.drop_account(request, link)
    messages.success(request, _("The account is let go. Its key is being revoked at OVHcloud."))
    return redirect("support:accounts")
