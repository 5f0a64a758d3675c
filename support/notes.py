"""What staff may write about declarations and refunds. They match and note, and change nothing else."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from orders.models import Order, RefundNote
from support import withdrawals

LONGEST_NOTE = 1000


class MatchForm(forms.Form):
    """
    Which order a declaration means, or that nobody can tell; either with a note.

    order: the row that was named, None for "nobody can tell"; only for a valid form.
    """

    nichandle = forms.CharField(max_length=64, required=False, label=_("Account (NIC handle)"))
    number = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False, label=_("Order number"))
    unmatched = forms.BooleanField(required=False, label=_("Nobody can tell which order is meant"))
    note = forms.CharField(
        max_length=1000,
        label=_("Why you think so"),
        error_messages={"required": _("Write what you know: the next person reads it.")},
    )
    order: Order | None = None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        nichandle, number = data.get("nichandle"), data.get("number")
        if data.get("unmatched"):
            if nichandle or number:
                raise ValidationError(_("Name an order, or say that nobody can tell; not both."))
        elif nichandle and number:
            self.order = withdrawals.order_named(nichandle, number)
            if self.order is None:
                raise ValidationError(_("We know no such order of this account."))
        else:
            raise ValidationError(_("Name the account and the order, or say that nobody can tell."))
        return data


class WhichOrderForm(forms.Form):
    """Which of the orders that a look named a checkout made, and how somebody knows."""

    order = forms.IntegerField(
        min_value=1, max_value=2**63 - 1, error_messages={"required": _("Choose the order that it made.")}
    )
    note = forms.CharField(
        max_length=LONGEST_NOTE, error_messages={"required": _("Write how you know: it stands in the trail.")}
    )
    sure = forms.BooleanField(error_messages={"required": _("Tick the box: it cannot be undone.")})


class WrongMatchForm(forms.Form):
    """Why a match was wrong."""

    wrong = forms.CharField(
        max_length=1000,
        label=_("What was wrong about it"),
        error_messages={"required": _("Write what you know: the next person reads it.")},
    )


class RefundNoteForm(forms.Form):
    """What is known of a refund that OVHcloud does not list."""

    kind = forms.ChoiceField(choices=RefundNote.Kind.choices)
    day = forms.DateField(required=False)
    words = forms.CharField(max_length=1000)
