"""What the payment page sends."""

from django import forms

from orders.payment.asking import Asked


class PayForm(forms.Form):
    """
    method: a key of the order's choices, "" for a free order. attempts, amount: what the page showed, so that an old
    page pays nothing that its reader has not seen.
    """

    method = forms.CharField(max_length=40, required=False)
    attempts = forms.IntegerField(min_value=0, max_value=10_000)
    amount = forms.CharField(max_length=60)

    def for_action(self) -> Asked:
        """What `pay_order` takes. A form that says nothing we understand asks for nothing."""
        if not self.is_valid():
            return Asked(key="", attempts=-1, amount="")
        sent = self.cleaned_data
        return Asked(key=sent["method"], attempts=sent["attempts"], amount=sent["amount"])
