"""The panel's words for OVHcloud's: statuses, steps, history labels, ways to pay. The API's own stay in the data."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from orders.models import EXPIRED, Status

Text = str | Promise


@dataclass(frozen=True)
class StatusWords:
    """What a page says of a status: a label, a sentence, and a tone, which an icon repeats."""

    label: Text
    explanation: Text
    tone: str
    icon: str


STATUSES: dict[str, StatusWords] = {
    Status.NOT_PAID: StatusWords(
        gettext_lazy("Unpaid"),
        gettext_lazy(
            "Nothing has been received yet. Paying is not obligatory: without it the order is not carried out, expires"
            " and is cancelled on the date on its purchase order. To buy after that, order again."
        ),
        "warning",
        "clock",
    ),
    Status.CHECKING: StatusWords(
        gettext_lazy("Confirmation"),
        gettext_lazy(
            "OVHcloud’s own staff verify it by hand, on working days only. It is validated once the check is done; if"
            " the check cannot be completed, an e-mail asks for supporting documents."
        ),
        "info",
        "refresh",
    ),
    Status.DOCUMENTS_REQUESTED: StatusWords(
        gettext_lazy("Awaiting documents"),
        gettext_lazy("OVHcloud asked for papers by e-mail; nothing moves until they arrive."),
        "warning",
        "clock",
    ),
    Status.DELIVERING: StatusWords(
        gettext_lazy("Being processed"),
        gettext_lazy("On its way, please wait: a few minutes to a few hours, depending on the service."),
        "info",
        "refresh",
    ),
    Status.DELIVERED: StatusWords(
        gettext_lazy("Complete"),
        gettext_lazy("You have received it; access details were e-mailed to you if any are required."),
        "success",
        "check",
    ),
    Status.CANCELLING: StatusWords(
        gettext_lazy("Cancelling"), gettext_lazy("The cancellation is under way."), "info", "refresh"
    ),
    Status.CANCELLED: StatusWords(
        pgettext_lazy("status of an order", "Cancelled"), gettext_lazy("This order is cancelled."), "neutral", "ban"
    ),
    Status.UNKNOWN: StatusWords(
        pgettext_lazy("status of an order", "Unknown"),
        gettext_lazy("OVHcloud does not say where this order stands; we ask again."),
        "neutral",
        "question",
    ),
    EXPIRED: StatusWords(
        pgettext_lazy("status of an order", "Expired"),
        gettext_lazy("It was not paid in time and can no longer be paid. To buy it, order again."),
        "neutral",
        "ban",
    ),
}

STEPS: dict[str, Text] = {
    "VALIDATING": gettext_lazy("Order received"),
    "VALIDATED": gettext_lazy("Order confirmed"),
    "DELIVERING": gettext_lazy("Being delivered"),
    "AVAILABLE": pgettext_lazy("step of an order", "Available"),
}

STATES: dict[str, Text] = {
    "todo": pgettext_lazy("state of a step", "to do"),
    "doing": pgettext_lazy("state of a step", "in progress"),
    "done": pgettext_lazy("state of a step", "done"),
    "error": pgettext_lazy("state of a step", "problem"),
}

HISTORY: dict[str, Text] = {
    "ORDER_STARTED": gettext_lazy("Order placed"),
    "ORDER_ACCEPTED": gettext_lazy("Order accepted"),
    "PAYMENT_INITIATED": gettext_lazy("Payment started"),
    "PAYMENT_RECEIVED": gettext_lazy("Payment received"),
    "PAYMENT_CONFIRMED": gettext_lazy("Payment confirmed"),
    "REGISTERED_PAYMENT_INITIATED": gettext_lazy("Payment with a saved method started"),
    "FRAUD_CHECK": gettext_lazy("Order being checked"),
    "FRAUD_DOCS_REQUESTED": gettext_lazy("Documents requested by e-mail"),
    "FRAUD_MANUAL_REVIEW": gettext_lazy("Checked by hand by OVHcloud’s staff"),
    "FRAUD_REFUSED": gettext_lazy("Order refused after the check"),
    "INVOICE_IN_PROGRESS": gettext_lazy("Bill being prepared"),
    "INVOICE_SENT": gettext_lazy("Bill sent"),
    "DELIVERY": gettext_lazy("Delivery"),
}

PAYMENT_TYPES: dict[str, Text] = {
    "CREDIT_CARD": gettext_lazy("card"),
    "DOMESTIC_CARD": gettext_lazy("domestic card"),
    "SEPA_DIRECT_DEBIT": gettext_lazy("SEPA direct debit"),
    "PAYPAL": gettext_lazy("PayPal"),
    "DEFERRED_PAYMENT_ACCOUNT": gettext_lazy("deferred payment"),
    "ENTERPRISE": gettext_lazy("company account"),
    "INTERNAL_TRUSTED_ACCOUNT": gettext_lazy("trusted account"),
    "CURRENT_ACCOUNT": gettext_lazy("current account"),
    "RUPAY": gettext_lazy("RuPay"),
    "BANK_TRANSFER": gettext_lazy("bank transfer"),
    "TRANSFER": gettext_lazy("bank transfer"),
    "CHECK": gettext_lazy("cheque"),
    "IDEAL": gettext_lazy("iDEAL"),
    "MULTIBANCO": gettext_lazy("Multibanco"),
    "PREPAID_ACCOUNT": gettext_lazy("prepaid account"),
    "OVH_ACCOUNT": gettext_lazy("prepaid account"),
    "FIDELITY_ACCOUNT": gettext_lazy("loyalty points"),
}

CARDS = {
    "AMERICAN_EXPRESS": "American Express",
    "CARTE_BANCAIRE": "Carte Bancaire",
    "CARTE_BLEUE": "Carte Bleue",
    "DINERS_CLUB": "Diners Club",
    "DISCOVER": "Discover",
    "JCB": "JCB",
    "MAESTRO": "Maestro",
    "MASTERCARD": "Mastercard",
    "RUPAY": "RuPay",
    "VISA": "Visa",
}


def status_words(page_status: str) -> StatusWords:
    """For a word of `data-status`; one we never heard of is *Unknown*, as OVHcloud's own `unknown` is."""
    return STATUSES.get(page_status, STATUSES[Status.UNKNOWN])


def pill(page_status: str) -> dict[str, str]:
    """What `_pill.html` shows: tone, icon and label."""
    words = status_words(page_status)
    return {"tone": words.tone, "icon": words.icon, "label": str(words.label)}


def history_label(label: str, description: str = "") -> str:
    """Words for a history entry; an unknown label is made readable, with what OVHcloud says of it."""
    if label in HISTORY:
        return str(HISTORY[label])
    text = readable(label)
    if not text:
        return description or _("Something happened")
    if description and description.casefold() != text.casefold():
        return _("%(text)s (%(detail)s)") % {"text": text, "detail": description}
    return text


def payment_type(word: str) -> str:
    """“card” for CREDIT_CARD; an unknown word readable."""
    return str(PAYMENT_TYPES.get(word) or readable(word))


def payment_method(method: dict[str, str]) -> str:
    """A saved method in words: “Visa 4970 10XX XXXX XX00”, “SEPA direct debit”."""
    name = CARDS.get(method.get("sub_type") or "") or payment_type(method.get("type") or "")
    label = method.get("label") or ""
    return f"{name[:1].upper()}{name[1:]} {label}".strip()


def readable(word: str) -> str:
    """`SOME_NEW_WORD` as “Some new word”."""
    text = " ".join(word.replace("_", " ").replace("-", " ").split())
    return (text[:1].upper() + text[1:].lower()) if text.isupper() else text[:1].upper() + text[1:]
