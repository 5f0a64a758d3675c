"""A query on rows of customers that is held to no customer raises, in each request of one: accounts/scope.py."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.decorators import login_not_required
from django.db import connection, transaction
from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, Value, When, Window
from django.db.models.functions import RowNumber
from django.http import HttpResponse
from django.urls import include, path
from django.utils import timezone
from psycopg.sql import SQL

from accounts import scope
from accounts.backends import Backend
from accounts.models import AuditEvent, Link, Nichandle, Notice, Session, User
from carts.models import Cart
from orders.models import Export, Intent, Order, OrderDetail, OrderEvent, Retraction
from tests.security.conftest import Sieged, browser_of
from tests.security.headers import assert_headers
from tests.security.test_matrix import routes


# --- Views as somebody in a hurry writes them -------------------------------------------------------------------------
def by_number_alone(request: Any, order_id: int) -> HttpResponse:
    return HttpResponse(Order.objects.get(order_id=order_id).status)


def by_number_of_ones_own(request: Any, order_id: int) -> HttpResponse:
    return HttpResponse(request.nichandle.orders.get(order_id=order_id).status)


@login_not_required
def any_cart(request: Any) -> HttpResponse:
    return HttpResponse(Cart.objects.filter(state=Cart.State.OPEN).count())


handler500 = "panel.views.server_error"
urlpatterns = [
    path("", include("panel.urls")),
    path("any-cart/", include(([path("", any_cart, name="c")], "carts"), namespace="carts")),
    path("careless/<int:order_id>/", include(([path("", by_number_alone, name="a")], "orders"), namespace="one")),
    path("careful/<int:order_id>/", include(([path("", by_number_of_ones_own, name="b")], "orders"), namespace="two")),
]


@pytest.mark.urls(__name__)
def test_a_view_that_drops_the_scope_raises_even_for_the_owner(sieged: Sieged):
    owner = browser_of(sieged.a)
    assert owner.get(f"/careful/{sieged.order.order_id}/").content == b"notPaid"
    with pytest.raises(scope.Unscoped, match="orders_order"):
        owner.get(f"/careless/{sieged.order.order_id}/")
    # Staff look at any order, and after a customer's request nothing is left behind.
    assert browser_of(sieged.support).get(f"/careless/{sieged.order.order_id}/").content == b"notPaid"


def within_a_savepoint(sieged: Sieged) -> None:
    with transaction.atomic():
        Order.objects.filter(status="notPaid").delete()


@pytest.mark.urls(__name__)
def test_unscoped_is_a_page_with_its_reference_and_a_line_without_values(sieged: Sieged, caplog: Any):
    owner = browser_of(sieged.a, raise_request_exception=False)
    answer = owner.get(f"/careless/{sieged.order.order_id}/")
    assert answer.status_code == 500
    assert answer.wsgi_request.request_id in answer.content.decode()
    assert "orders_order" not in answer.content.decode()
    assert_headers(answer)
    [line] = [one for one in caplog.records if one.exc_info]
    written = f"{line.getMessage()} {line.exc_info[1]}"
    assert "Rows of orders_order are not held to the customer who asks" in written
    assert str(sieged.order.order_id) not in str(line.exc_info[1])
    assert line.request.request_id == answer.wsgi_request.request_id


@pytest.mark.urls(__name__)
def test_a_visitor_reads_no_cart_but_by_the_secret_of_their_own(sieged: Sieged):
    assert Cart.objects.filter(state=Cart.State.OPEN).exists()
    with pytest.raises(scope.Unscoped, match="carts_cart"):
        browser_of(None).get("/any-cart/")


DROPPED: dict[str, Callable[[Sieged], Any]] = {
    "all": lambda s: list(Order.objects.all()),
    "by a number": lambda s: Order.objects.get(order_id=s.order.order_id),
    "by a key that was not read": lambda s: Order.objects.get(pk=s.order.pk),
    "a count": lambda s: Order.objects.filter(status="notPaid").count(),
    "existence": lambda s: Order.objects.exists(),
    "numbers only": lambda s: list(Order.objects.values_list("order_id", flat=True)),
    "of somebody else": lambda s: list(s.theirs.nichandle.orders.all()),
    "of both": lambda s: list(Order.objects.filter(nichandle__in=[s.a.nichandle, s.b.nichandle])),
    "of all but one's own": lambda s: list(Order.objects.exclude(nichandle=s.a.nichandle)),
    "or": lambda s: list(Order.objects.filter(Q(nichandle=s.a.nichandle) | Q(status="notPaid"))),
    "in an annotation only": lambda s: list(
        Order.objects.annotate(own=Exists(Order.objects.filter(pk=OuterRef("pk"), nichandle=s.a.nichandle)))
    ),
    "within a scoped one": lambda s: list(s.a.nichandle.orders.filter(status__in=Order.objects.values("status"))),
    "details": lambda s: list(OrderDetail.objects.filter(order=s.theirs)),
    "details by a word": lambda s: list(OrderDetail.objects.filter(description__contains="VPS")),
    "details by a join": lambda s: list(OrderDetail.objects.filter(order__order_id=s.order.order_id)),
    "a declaration": lambda s: Retraction.objects.get(reference=s.reference),
    "an intent": lambda s: Intent.objects.get(pk=s.withdrawn.intents.get().pk),
    "a link": lambda s: list(Link.objects.filter(nichandle__nichandle="bruno2-ovh")),
    "notices": lambda s: list(Notice.objects.order_by("-at")),
    "the trail": lambda s: list(AuditEvent.objects.filter(subject="bruno2-ovh")),
    "an export": lambda s: Export.objects.exclude(made_at=None).first(),
    "a change": lambda s: Order.objects.filter(status="notPaid").update(check_asked_at=timezone.now()),
    "a change by number": lambda s: Order.objects.filter(pk=s.theirs.pk).update(check_asked_at=timezone.now()),
    "a deletion": lambda s: OrderEvent.objects.all().delete(),
    "accounts": lambda s: list(Nichandle.objects.filter(email__contains="@")),
    "people": lambda s: User.objects.filter(is_active=True).count(),
    "sessions": lambda s: Session.objects.update(ended_because="revoked"),
    "factors": lambda s: list(Authenticator.objects.all()),
    "or, deep within": lambda s: list(
        Order.objects.filter(Q(status="notPaid") & (Q(nichandle=s.a.nichandle) | Q(order_id__gt=0)))
    ),
    "not": lambda s: list(Order.objects.filter(~Q(nichandle=s.a.nichandle) & ~Q(order_id=5))),
    "either or": lambda s: list(Order.objects.filter(Q(nichandle=s.a.nichandle) ^ Q(status="notPaid"))),
    "a case": lambda s: list(
        Order.objects.filter(
            Case(When(nichandle=s.a.nichandle, status="notPaid", then=True), default=True, output_field=BooleanField())
        )
    ),
    "a union": lambda s: list(s.a.nichandle.orders.all().union(Order.objects.filter(status="notPaid"))),
    "a difference": lambda s: list(s.a.nichandle.orders.all().difference(Order.objects.filter(status="notPaid"))),
    "a window": lambda s: list(Order.objects.annotate(n=Window(RowNumber(), partition_by="nichandle")).filter(n=1)),
    "a query in FROM": lambda s: Order.objects.values("status").annotate(n=Count("pk")).filter(n__gt=0).count(),
    "an outer join": lambda s: list(Order.objects.filter(Q(details__order__nichandle=None))),
    "tables side by side": lambda s: list(
        s.a.nichandle.orders.extra(tables=["orders_orderdetail"]).values_list("pk", flat=True)
    ),
    "in batches": lambda s: list(Order.objects.filter(status="notPaid").iterator(chunk_size=2)),
    "locked": lambda s: list(Order.objects.select_for_update(of=("self",)).filter(status="notPaid")),
    "within a savepoint": within_a_savepoint,
}
# A customer's request runs no statement written by hand; should it one day, these do not slip through.
BY_HAND = {
    "all": "SELECT count(*) FROM orders_order",
    "in small letters": "select * from orders_order where status = 'notPaid'",
    "of a schema": 'SELECT * FROM "public"."orders_order"',
    "by a comma": "SELECT * FROM accounts_seal, orders_order",
    "only": "SELECT * FROM ONLY orders_order",
    "by a join with using": "DELETE FROM accounts_seal USING orders_order WHERE true",
    "a union": "SELECT id FROM orders_order WHERE orders_order.nichandle_id = %s UNION SELECT id FROM orders_order",
    "a union that ends well": "SELECT id FROM orders_order UNION"
    " SELECT id FROM orders_order WHERE orders_order.nichandle_id = %s",
    "in a with": "WITH all_of_them AS (SELECT * FROM orders_order) SELECT * FROM all_of_them",
    "changing in a with": "WITH gone AS (DELETE FROM orders_order RETURNING id) SELECT * FROM gone",
    "what is put elsewhere": "INSERT INTO accounts_seal SELECT * FROM orders_order",
    "a case": "SELECT * FROM orders_order WHERE CASE WHEN true AND orders_order.nichandle_id = %s AND true"
    " THEN true ELSE true END",
    "a case in a case": "SELECT * FROM orders_order WHERE CASE WHEN CASE WHEN true THEN true END"
    " AND orders_order.nichandle_id = %s AND true THEN true ELSE true END",
    "is it not": "SELECT * FROM orders_order WHERE orders_order.nichandle_id = %s IS NOT NULL",
    "no": "SELECT * FROM orders_order WHERE NOT orders_order.nichandle_id = %s",
    "in words": "SELECT * FROM orders_order WHERE status = ' WHERE orders_order.nichandle_id = '",
    "emptied": "TRUNCATE orders_order",
    "a table": "TABLE orders_order",
    "two": "SELECT 1; DELETE FROM orders_order",
}


@pytest.mark.parametrize("query", DROPPED)
def test_a_query_without_an_owner_raises(sieged: Sieged, query: str):
    with scope.only(sieged.a.nichandle, user=sieged.a), pytest.raises(scope.Unscoped):
        DROPPED[query](sieged)


@pytest.mark.parametrize("statement", BY_HAND)
def test_a_statement_by_hand_raises(sieged: Sieged, statement: str):
    own = [sieged.a.nichandle_id] * BY_HAND[statement].count("%s")
    with scope.only(sieged.a.nichandle, user=sieged.a), connection.cursor() as cursor:
        with pytest.raises(scope.Unscoped):
            cursor.execute(BY_HAND[statement], own)
        with pytest.raises(scope.Unscoped):
            cursor.execute(SQL(BY_HAND[statement]), own)


def test_a_row_of_somebody_else_raises_however_it_came(sieged: Sieged):
    """The second half of the guard: should a statement ever look held and not be, its rows do not get in."""
    with scope.only(sieged.a.nichandle), pytest.raises(scope.Unscoped, match="somebody else"):
        Order(pk=sieged.theirs.pk, nichandle_id=sieged.b.nichandle_id)


def test_what_begins_at_the_account_passes_and_leads_on(sieged: Sieged):
    own = sieged.a.nichandle
    with scope.only(own, user=sieged.a):
        orders = list(own.orders.select_related("nichandle").prefetch_related("details", "events"))
        assert {order.order_id for order in orders} == {sieged.order.order_id, sieged.withdrawn.order_id}
        assert Order.objects.select_for_update().get(pk=orders[0].pk) == orders[0]
        assert OrderDetail.objects.filter(order__in=orders).count() == 2
        assert OrderDetail.objects.filter(order__in=own.orders.values("pk")).count() == 2
        assert Retraction.objects.filter(order__nichandle=own).get().reference == sieged.reference
        declared = Exists(Intent.objects.filter(order=OuterRef("pk")))
        assert own.orders.filter(declared).get() == sieged.withdrawn
        assert Link.objects.filter(Q(user=sieged.a) | Q(nichandle=own)).count() == 2
        made = Export.objects.create(user=sieged.a, nichandle=own)
        assert Export.objects.filter(pk=made.pk).delete()[0] == 1
        in_words = Case(When(nichandle=own, then=Value("mine")), default=Value("theirs"))
        assert own.orders.annotate(n=Window(RowNumber(), order_by="pk")).filter(n=1).count() == 1
        assert own.orders.values("status").annotate(n=Count("pk")).filter(n__gt=0).count() == 2
        assert len(list(own.orders.all().union(own.orders.filter(status="notPaid")))) == 2
        assert len(list(own.orders.iterator(chunk_size=1))) == 2
        # The statement written out that loads who is asking.
        assert Backend().get_user(sieged.a.pk) == sieged.a
        assert own.orders.annotate(whose=in_words).filter(whose="mine").count() == 2
        assert Order.objects.filter(Q(nichandle=own, status="notPaid") | Q(nichandle=own, order_id__gt=0)).count() == 2
        assert OrderDetail.objects.filter(order__nichandle=own).update(description="VPS") == 2


def test_only_pages_of_the_account_reach_other_accounts_that_one_holds(sieged: Sieged):
    held = Link.objects.get(user=sieged.clara, nichandle=sieged.a.nichandle)
    others = {
        "linked_by": lambda: list(held.nichandle.links.all()),
        "orders": lambda: list(held.nichandle.orders.all()),
    }
    with scope.only(sieged.clara.nichandle, user=sieged.clara):
        assert held in list(sieged.clara.links.all())
        for query in others.values():
            with pytest.raises(scope.Unscoped):
                query()


def test_these_views_find_rows_by_what_their_visitor_holds():
    """Each has a reason: a link with a secret in it, a reference, or the way in, where nobody is anybody yet."""
    found = {name for name, pattern in routes().items() if getattr(pattern.callback, "finds_by_secret", False)}
    assert found == {
        "orders:declaration",
        "orders:declared",
        "orders:declared_pdf",
        "orders:receipt_verify",
        "accounts:sign_in_return",
        "accounts:sign_in_confirm",
        "staff_welcome",
        "staff_welcome_link",
    }


def test_every_table_that_leads_to_an_account_is_guarded():
    told = set(scope.guarded())
    assert told >= {"orders_order", "orders_orderdetail", "orders_orderevent", "orders_intent", "orders_retraction"}
    assert told >= {"orders_receipt", "orders_export", "orders_refund", "accounts_link", "accounts_notice"}
