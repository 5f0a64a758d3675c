"""The four steps of a followUp answer (schema billing.order.FollowUp), kept as the API answers them."""

from datetime import datetime
from typing import Any

from .world import on_wire

STEPS = ("VALIDATING", "VALIDATED", "DELIVERING", "AVAILABLE")
FollowUp = list[dict[str, Any]]

# Under which step a label stands is not published; only the flattened history is known to be used.
_STEP_OF = {
    "ORDER_STARTED": "VALIDATING",
    "PAYMENT_INITIATED": "VALIDATING",
    "REGISTERED_PAYMENT_INITIATED": "VALIDATING",
    "PAYMENT_RECEIVED": "VALIDATING",
    "PAYMENT_CONFIRMED": "VALIDATING",
    "FRAUD_CHECK": "VALIDATING",
    "FRAUD_MANUAL_REVIEW": "VALIDATING",
    "FRAUD_DOCS_REQUESTED": "VALIDATING",
    "FRAUD_REFUSED": "VALIDATING",
    "ORDER_ACCEPTED": "VALIDATED",
    "INVOICE_IN_PROGRESS": "DELIVERING",
    "INVOICE_SENT": "DELIVERING",
    "DELIVERY": "AVAILABLE",
}
LABELS = tuple(_STEP_OF)

_WORDS = {
    "en": {
        "ORDER_STARTED": "Order started",
        "PAYMENT_INITIATED": "Payment initiated",
        "REGISTERED_PAYMENT_INITIATED": "Payment by registered payment method initiated",
        "PAYMENT_RECEIVED": "Payment received",
        "PAYMENT_CONFIRMED": "Payment confirmed",
        "FRAUD_CHECK": "Security check in progress",
        "FRAUD_MANUAL_REVIEW": "Manual verification by our teams",
        "FRAUD_DOCS_REQUESTED": "Supporting documents requested by e-mail",
        "FRAUD_REFUSED": "Order refused after verification",
        "ORDER_ACCEPTED": "Order accepted",
        "INVOICE_IN_PROGRESS": "Invoice being prepared",
        "INVOICE_SENT": "Invoice sent by e-mail",
        "DELIVERY": "Your services are available",
    },
    "fr": {
        "ORDER_STARTED": "Commande initiée",
        "PAYMENT_INITIATED": "Paiement initié",
        "REGISTERED_PAYMENT_INITIATED": "Paiement par moyen enregistré initié",
        "PAYMENT_RECEIVED": "Paiement reçu",
        "PAYMENT_CONFIRMED": "Paiement confirmé",
        "FRAUD_CHECK": "Vérification de sécurité en cours",
        "FRAUD_MANUAL_REVIEW": "Vérification manuelle par nos équipes",
        "FRAUD_DOCS_REQUESTED": "Pièces justificatives demandées par e-mail",
        "FRAUD_REFUSED": "Commande refusée après vérification",
        "ORDER_ACCEPTED": "Commande acceptée",
        "INVOICE_IN_PROGRESS": "Facture en cours de préparation",
        "INVOICE_SENT": "Facture envoyée par e-mail",
        "DELIVERY": "Vos services sont disponibles",
    },
}


def new() -> FollowUp:
    return [{"step": step, "status": "TODO", "history": []} for step in STEPS]


def add(follow_up: FollowUp | None, label: str, at: datetime, language: str) -> None:
    """Add a line to the history. An order without tracking (None) stays without."""
    if follow_up is None:
        return
    step = _find(follow_up, _STEP_OF[label])
    if step is not None:
        step["history"].append({"date": on_wire(at), "label": label, "description": _WORDS[language][label]})


def mark(follow_up: FollowUp | None, **states: str) -> None:
    """Set the status of steps: mark(follow_up, VALIDATING="DONE")."""
    for name, state in states.items():
        step = _find(follow_up or [], name)
        if step is not None:
            step["status"] = state


def _find(follow_up: FollowUp, name: str) -> dict[str, Any] | None:
    return next((step for step in follow_up if step.get("step") == name), None)
