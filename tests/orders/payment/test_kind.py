"""Each answer of OVHcloud, and each silence, to the one call of a payment: what it comes to, and how many calls."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Link
from accounts.signals import key_granted
from orders import relay, sync
from orders.erasure import erase
from orders.models import Intent, Order, OrderEvent, PaymentChoices
from orders.payment import choices
from orders.retraction.declaration import retract_order
from tests.orders.payment.paying import ask, calls, keys, paid, payer, unpaid
from tests.orders.test_relay import Killed, pass_time
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.django_db
State = Intent.State


@pytest.fixture
def order(ovh: Sandbox, db: None) -> Order:
    return unpaid(ovh)


def ends(intent: Intent) -> tuple[str, str, int]:
    intent.refresh_from_db()
    return intent.state, intent.why, intent.attempts


# --- With what --------------------------------------------------------------------------------------------------------
def test_the_methods_of_an_order_default_first_with_the_older_words_and_numbers(order):
    row = PaymentChoices.objects.get()
    told = [(entry["mean"], entry["label"][-2:], entry["default"], entry["available"]) for entry in row.choices]
    assert told == [
        ("creditCard", "00", True, True),
        ("bankAccount", "42", False, True),
        ("creditCard", "02", False, True),
    ]
    assert all(entry["mean_id"] for entry in row.choices)
    assert [choice.text for choice in choices.choices_of(row)][0] == "Visa 4970 10XX XXXX XX00"


def test_a_free_order_is_paid_by_nothing(ovh):
    order = unpaid(ovh, price="0.00")
    assert [entry["key"] for entry in PaymentChoices.objects.get(order=order).choices if not entry["method_id"]] == [
        "fidelityAccount"
    ]


def test_what_cannot_be_read_leaves_what_stands(ovh, order):
    before = PaymentChoices.objects.get().choices
    ovh.arm("status", path="/me/order/*/availableRegisteredPaymentMean", status=503)
    choices.read_choices(order.pk)
    assert PaymentChoices.objects.get().choices == before


# --- Answers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("which", ["00", "42"])
def test_paid_by_the_older_words(ovh, order, which):
    intent = ask(order, keys(order)[which])
    assert relay.relay_due() == 1
    assert ends(intent) == (State.ACCEPTED, "", 1)
    assert (calls(ovh, order), paid(ovh, order)) == (["payWithRegisteredPaymentMean"], 1)
    assert list(order.events.order_by("pk").values_list("kind", flat=True)) == ["sent", "accepted"]
    assert OrderEvent.objects.latest("pk").source == "POST /me/order/{orderId}/payWithRegisteredPaymentMean"
    assert relay.words_for("sent", OrderEvent.objects.latest("pk").source) == "Payment sent to OVHcloud"
    sync.check_orders([order.pk])
    order.refresh_from_db()
    assert order.was_paid


def test_paid_by_the_new_number_where_a_method_has_no_older_one(ovh, order):
    intent = ask(order)
    intent.arguments |= {"mean": "", "mean_id": None}
    intent.save()
    relay.relay_due()
    assert ends(intent) == (State.ACCEPTED, "", 1)
    assert calls(ovh, order) == ["pay"]
    assert OrderEvent.objects.latest("pk").source == "POST /me/order/{orderId}/pay"


def test_a_free_order_is_confirmed_by_the_same_call(ovh):
    order = unpaid(ovh, price="0.00")
    relay_me = ask(order, "fidelityAccount")
    relay.relay_due()
    assert ends(relay_me) == (State.ACCEPTED, "", 1)
    assert ovh.ledger(order.order_id)[-2]["paymentType"] == "free"


def test_the_banks_no_is_kept_and_another_method_pays(ovh, order):
    refused = ask(order, keys(order)["02"])
    relay.relay_due()
    assert ends(refused) == (State.REFUSED, "", 1)
    assert "can't be paid" in refused.message
    assert refused.query_id
    assert ovh.events(order.order_id).count("payment_refused") == 1
    pass_time(days=1)
    assert relay.relay_due() == 0, "a refusal is not tried again"
    second = ask(order, keys(order)["42"])
    relay.relay_due()
    assert ends(second)[0] == State.ACCEPTED
    assert paid(ovh, order) == 1


# --- Not sent at all --------------------------------------------------------------------------------------------------
def needless(ovh: Sandbox, order: Order, intent: Intent, why: str) -> None:
    relay.relay_due()
    assert ends(intent) == (State.NEEDLESS, why, 0)
    assert calls(ovh, order) == []


def test_paid_elsewhere_meanwhile(ovh, order):
    intent = ask(order)
    ovh.change_order(order.order_id, pay=True)
    needless(ovh, order, intent, "paid")
    assert paid(ovh, order) == 1


def test_expired_meanwhile_by_its_date(ovh, order):
    intent = ask(order)
    Order.objects.update(expiration_date=timezone.now() - timedelta(seconds=1))
    needless(ovh, order, intent, "expired")


def test_expired_meanwhile_and_gone_at_ovhcloud(ovh, order):
    intent = ask(order)
    ovh.change_order(order.order_id, expirationDate=(timezone.now() - timedelta(seconds=1)).isoformat())
    needless(ovh, order, intent, "gone")


def test_cancelled_meanwhile(ovh, order):
    intent = ask(order)
    ovh.change_order(order.order_id, status="cancelled")
    needless(ovh, order, intent, "cancelled")


def test_a_status_that_says_nothing(ovh, order):
    intent = ask(order)
    ovh.change_order(order.order_id, status="unknown")
    needless(ovh, order, intent, "unknown")


def test_withdrawn_from_after_it_was_asked(ovh, order):
    intent = ask(order)
    retract_order(order, email="anna@example.com", language="en", request=None)
    needless(ovh, order, intent, "withdrawn")


def test_asked_two_days_ago_while_ovhcloud_was_away(ovh, order):
    intent = ask(order)
    Intent.objects.update(created_at=timezone.now() - timedelta(hours=25))
    needless(ovh, order, intent, "stale")


def test_a_look_that_gets_no_answer_sends_nothing(ovh, order):
    ovh.arm("status", path="/me/order/*/status", status=503)
    intent = ask(order)
    relay.relay_due()
    assert ends(intent) == (State.WAITING, "", 0)
    assert calls(ovh, order) == []
    ovh.disarm()
    pass_time(minutes=3)
    relay.relay_due()
    assert ends(intent)[0] == State.ACCEPTED


# --- A key that may ---------------------------------------------------------------------------------------------------
def test_a_key_that_may_not_pay_is_not_tried_and_a_wider_one_lets_it_go_on(ovh, order):
    wide = Link.objects.get().rules
    Link.objects.update(rules=[])
    intent = ask(order)
    since = ovh.last_request()
    relay.relay_due()
    assert ends(intent) == (State.HELD, "key", 0)
    assert ovh.requests(since) == []
    Link.objects.update(rules=wide)
    key_granted.send(sender=type(order.nichandle), nichandle=order.nichandle)
    relay.relay_due()
    assert ends(intent)[0] == State.ACCEPTED


# --- Doubt ------------------------------------------------------------------------------------------------------------
def test_an_answer_lost_after_ovhcloud_took_it(ovh, order):
    ovh.arm("accept_then_reset", path="/me/order/*/pay*", method="POST", count=1)
    intent = ask(order)
    relay.relay_due()
    assert ends(intent) == (State.DOUBTFUL, "", 1)
    pass_time(seconds=6)
    relay.relay_due()
    assert ends(intent) == (State.ACCEPTED, "", 1)
    assert (len(calls(ovh, order)), paid(ovh, order)) == (1, 1)


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "html"}, {"kind": "reset"}])
def test_what_ovhcloud_did_not_do_is_sent_once_more_and_not_before_a_minute(ovh, order, fault):
    ovh.arm(path="/me/order/*/pay*", method="POST", count=1, **fault)
    intent = ask(order)
    relay.relay_due()
    for seconds in (6, 25):
        pass_time(seconds=seconds)
        relay.relay_due()
        assert (ends(intent)[0], len(calls(ovh, order))) == (State.DOUBTFUL, 1)
    pass_time(seconds=30)
    relay.relay_due()
    assert ends(intent) == (State.ACCEPTED, "", 2)
    assert (len(calls(ovh, order)), paid(ovh, order)) == (2, 1)


def test_a_doubtful_one_whose_order_lapses_is_not_sent_again(ovh, order):
    ovh.arm("status", path="/me/order/*/pay*", method="POST", status=503, count=1)
    intent = ask(order)
    relay.relay_due()
    Order.objects.update(expiration_date=timezone.now() - timedelta(seconds=1))
    pass_time(seconds=61)
    relay.relay_due()
    assert ends(intent) == (State.NEEDLESS, "expired", 1)
    assert len(calls(ovh, order)) == 1


def test_a_doubtful_one_whose_order_ovhcloud_let_go_was_not_paid(ovh, order):
    ovh.arm("status", path="/me/order/*/pay*", method="POST", status=503, count=1)
    intent = ask(order)
    relay.relay_due()
    ovh.change_order(order.order_id, expirationDate=(timezone.now() - timedelta(seconds=1)).isoformat())
    pass_time(seconds=6)
    relay.relay_due()
    assert ends(intent) == (State.NEEDLESS, "gone", 1)


def test_a_cancelled_order_with_a_payment_was_paid(ovh, order):
    ovh.arm("accept_then_reset", path="/me/order/*/pay*", method="POST", count=1)
    intent = ask(order)
    relay.relay_due()
    ovh.change_order(order.order_id, status="cancelled")
    pass_time(seconds=6)
    relay.relay_due()
    assert ends(intent)[0] == State.ACCEPTED


def test_killed_between_answer_and_outcome(ovh, order):
    class Dies(relay.Relay):
        def _call(self, intent: Intent, gateway: Any) -> Any:
            super()._call(intent, gateway)
            raise Killed

    intent = ask(order)
    with pytest.raises(Killed):
        Dies().run(1)
    pass_time(seconds=46)
    relay.relay_due()
    assert ends(intent)[0] == State.ACCEPTED
    assert (len(calls(ovh, order)), paid(ovh, order)) == (1, 1)


def test_twice_unclear_is_for_a_person_and_a_later_check_settles_it(ovh, order):
    ovh.arm("status", path="/me/order/*/pay*", method="POST", status=503)
    intent = ask(order)
    for _ in range(8):
        relay.relay_due()
        pass_time(seconds=61)
    assert ends(intent)[:2] == (State.DEAD, "unclear")
    assert len(calls(ovh, order)) == 2
    ovh.change_order(order.order_id, pay=True)
    sync.check_orders([order.pk])
    assert ends(intent)[0] == State.ACCEPTED


def test_prepaid_money_on_the_account_is_a_choice_where_it_is_enough(ovh):
    order = unpaid(ovh, payer(ovh, "prepaid"), price="1.00")
    intent = ask(order, "ovhAccount")
    relay.relay_due()
    assert ends(intent)[0] == State.ACCEPTED
    assert "ovhAccount" in {line.get("paymentType") for line in ovh.ledger(order.order_id)}


def test_whoever_is_forgotten_takes_their_payments_along_and_leaves_what_a_withdrawal_names(ovh, order):
    declared = unpaid(ovh, order.nichandle)
    retract_order(declared, email="anna@example.com", language="en", request=None)
    ask(order), ask(declared)
    assert erase(order.nichandle) == 1
    assert list(Intent.objects.values_list("kind", flat=True)) == ["retraction"]
    assert list(Order.objects.values_list("pk", flat=True)) == [declared.pk]
