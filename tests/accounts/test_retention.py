"""What is old goes by itself, what is young stays, and it is said what went."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as configured
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import audit, retention, seals, tasks
from accounts.models import AuditEvent, Notice, Session, SignIn
from carts.models import DomainCheck
from orders.models import Evidence
from support import invitations
from support.models import Invitation
from tests.accounts.test_sign_in import sign_in
from tests.factories import make_customer, make_order, make_staff

pytestmark = pytest.mark.django_db


def a_row_of_each_kind(client: Client, ovh: object) -> None:
    sign_in(client, ovh, ovh.customers[0])  # type: ignore[attr-defined]
    customer = make_customer()
    Notice.objects.create(nichandle=customer.nichandle, to=customer.nichandle, kind="linked", next_attempt_at=None)
    invitations.invite(make_staff())
    DomainCheck.objects.create(nichandle=customer.nichandle, subsidiary="FR", domain="montagne.fr")
    Evidence.objects.create(order=make_order(customer.nichandle), route="GET /me/order/{orderId}", digest=b"")
    seals.seal_due(batch=1)


def counts() -> dict[str, int]:
    return {
        "answers of OVHcloud": Evidence.objects.count(),
        "carts and searches": DomainCheck.objects.count(),
        "audit lines": AuditEvent.objects.exclude(action="retention").count(),
        "invitations": Invitation.objects.count(),
        "notices": Notice.objects.count(),
        "sessions": Session.objects.count(),
        "sign-ins": SignIn.objects.count(),
    }


def test_every_rule_is_tried_here():
    assert [rule.kind for rule in retention.rules()] == sorted(counts())
    assert all(isinstance(getattr(configured, rule.setting), int) for rule in retention.rules())


@pytest.mark.parametrize(
    "kind",
    ["answers of OVHcloud", "audit lines", "carts and searches", "invitations", "notices", "sessions", "sign-ins"],
)
def test_old_rows_go_and_young_ones_stay(kind, client, ovh, caplog):
    a_row_of_each_kind(client, ovh)
    before = counts()
    assert before[kind] >= 1
    (setting,) = [rule.setting for rule in retention.rules() if rule.kind == kind]
    days = getattr(configured, setting)
    # A session is counted from its end, which is 12 hours after its beginning.
    with time_machine.travel(timezone.now() + timedelta(days=days, hours=-1)):
        assert retention.apply()[kind] == 0
    assert counts()[kind] == before[kind]
    with time_machine.travel(timezone.now() + timedelta(days=days, hours=13)), caplog.at_level(logging.INFO):
        tasks.apply_retention()
    assert counts()[kind] == 0
    line = AuditEvent.objects.get(action="retention", target=kind)
    assert line.detail == {"removed": before[kind], "days": days}
    assert f"retention: {before[kind]} {kind} older than {days} days went" in caplog.text


def test_a_trail_that_was_tampered_with_stays_and_the_rest_goes_on(customer, caplog):
    audit.record(None, "something")
    seals.seal_due(batch=1)
    Notice.objects.create(nichandle=customer.nichandle, to=customer.nichandle, kind="linked", next_attempt_at=None)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE accounts_auditevent SET target = 'another'")
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER USER")
    with time_machine.travel(timezone.now() + timedelta(days=400)):
        gone = retention.apply()
    assert "audit lines" not in gone
    assert gone["notices"] == 1
    assert "not as it was sealed" in caplog.text


def test_where_another_role_owns_the_trail_the_panel_lets_nothing_of_it_go(settings):
    settings.DATABASE_APPLICATION_ROLE = "panel"
    audit.record(None, "something")
    seals.seal_due(batch=1)
    with time_machine.travel(timezone.now() + timedelta(days=400)):
        assert retention.apply()["audit lines"] == 0
    assert AuditEvent.objects.filter(action="something").exists()


def test_a_notice_that_still_waits_for_its_mail_stays(customer):
    Notice.objects.create(nichandle=customer.nichandle, to=customer.nichandle, kind="linked")
    with time_machine.travel(timezone.now() + timedelta(days=400)):
        assert retention.apply()["notices"] == 0


def test_a_way_in_whose_key_lives_is_given_back_before_it_is_forgotten(client, ovh):
    client.post("/sign-in/")
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert retention.apply()["sign-ins"] == 0
    assert SignIn.objects.exclude(encrypted_key="").count() == 1
