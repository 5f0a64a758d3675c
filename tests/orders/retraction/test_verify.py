"""The page where anybody who holds a receipt can verify it, and where nobody else learns anything."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent
from orders.models import Retraction, make_reference
from orders.retraction.declaration import retract_order
from orders.retraction.document import document_of
from orders.retraction.facts import fingerprint
from tests.attempts import forget_attempts
from tests.factories import make_detail, make_nichandle, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.rows(8)]


@pytest.fixture
def retraction() -> Retraction:
    placed = timezone.now() - timedelta(days=3)
    order = make_order(make_nichandle(name="Martinez"), date=placed, retraction_date=placed + timedelta(days=14))
    make_detail(order, description="VPS Comfort")
    return retract_order(order, email="anna@example.com", language="fr", request=None).retraction


def body(answer: Any) -> str:
    """The page without what differs from request to request."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"|value="/receipts/[^"]*"', "", answer.content.decode())


def ask(text: str) -> Any:
    forget_attempts()
    return Client().get("/receipts/" + quote(text, safe="") + "/")


def test_a_genuine_one_is_told_with_its_moment_and_fingerprint(retraction):
    page = body(ask(retraction.reference))
    assert "This receipt is ours" in page
    assert fingerprint(retraction) in page
    assert f"{retraction.declared_at:%H:%M:%S} UTC" in page
    assert document_of(retraction).digest in body(ask(retraction.reference))


def test_nothing_else_is_told(retraction):
    page = body(ask(retraction.reference))
    secrets = [retraction.name, retraction.email, retraction.nichandle, str(retraction.order_number), "VPS", "Paris"]
    secrets += [retraction.statement[:20], "Martinez"]
    assert [word for word in secrets if word in page] == []


@pytest.mark.parametrize("written", [str.lower, lambda text: f" {text} ", str.title])
def test_it_is_found_as_people_type_it(retraction, written):
    assert ask(written(retraction.reference)).status_code == 200


CROOKED = {
    "unknown": "W-AAAAAAAAA-AAAAAAAAA-AAAAAAAAA",
    "one letter off": "W-AAAAAAAAA-AAAAAAAAA-AAAAAAAAB",
    "cut": "W-AAAAAAAAA-AAAAAAAAA-AAAAAAAA",
    "long": "W" * 5000,
    "NUL": "W-AAAAAAAAA-AAAAAAAAA-AAAAAAAA\0",
    "blank": " ",
    "dots": "..",
    "slashes": "a/b/c",
    "markup": "<script>alert(1)</script>",
    "digits of another script": "W-२२२२२२२२२-AAAAAAAAA-AAAAAAAAA",
    "letters that grow": "W-ſſſſſſſſſ-AAAAAAAAA-AAAAAAAAA",
    "bidi": "\u202eW-AAAAAAAAA",
    "emoji": "🧾" * 27,
    "line break": "W-AAAAAAAAA-AAAAAAAAA-AAAAAAAAA\n",
    "order": "238000001",
}


@pytest.mark.parametrize("text", CROOKED.values(), ids=CROOKED)
def test_whatever_is_sent_gets_the_same_plain_answer(retraction, text):
    answer, unknown = ask(text), ask(make_reference())
    assert answer.status_code == unknown.status_code == 404
    assert body(answer) == body(unknown)
    assert "We know no such receipt" in body(answer)


@given(text=st.one_of(st.text(min_size=1, max_size=300), st.binary(min_size=1, max_size=300).map(bytes.hex)))
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_hypothesis_sends_gets_it_too(retraction, text):
    path = "/receipts/" + quote(text.encode("utf-8", "surrogatepass"), safe="") + "/"
    forget_attempts()
    answer = Client().get(path)
    assert answer.status_code == 404
    assert body(answer) == body(ask(make_reference()))


@given(octets=st.binary(min_size=1, max_size=200))
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_octets_get_it_too(retraction, octets):
    forget_attempts()
    answer = Client().get("/receipts/" + quote(octets, safe="") + "/")
    assert answer.status_code == 404
    assert body(answer) == body(ask(make_reference()))


def test_guessing_is_limited_and_leaves_one_line(retraction):
    guesser, lines = Client(), AuditEvent.objects.filter(action="verify_receipt")
    answers = [guesser.get(f"/receipts/{make_reference()}/").status_code for _ in range(70)]
    assert set(answers[:60]) == {404}
    assert set(answers[60:]) == {429}
    assert guesser.get(f"/receipts/{retraction.reference}/").status_code == 429, "known or not"
    assert lines.count() == 1
