"""The summary: all that is ordered, nothing preselected, the right of withdrawal in words, and the button."""

import re
import time
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from carts.checkout import quotes
from carts.models import Cart, CartItem, Configuration
from carts.prices import amount
from orders import formats
from orders.models import OrderImport
from tests.carts.made import line, make_cart, make_name, make_vps, may_order, price, put_quote, quote
from tests.factories import make_detail, make_order

DEFAULT = [{"type": "CREDIT_CARD", "sub_type": "VISA", "label": "4970 10XX XXXX XX00", "default": True}]


@pytest.fixture
def cart(customer: Any) -> Cart:
    may_order(customer)
    return make_cart(customer.nichandle)


def filled_in(item: CartItem) -> CartItem:
    Configuration.objects.create(item=item, label="OWNER_LEGAL_AGE", value="true", is_mirrored=True)
    return item


def page(client: Client) -> str:
    answer = client.get("/cart/summary/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


# --- What must be there -----------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_whole_of_what_is_signed_away_is_on_the_page(cart, customer_client):
    filled_in(make_name(cart))
    put_quote(cart)
    told = page(customer_client)
    for words in (
        "montagne.fr - .fr registration - 12 months",
        "€8.39",
        "Order with obligation to pay",
        "lapses on its expiry date, and nothing is owed",
        "I have read these contracts and accept them",
        "Terms of service (FR)",
        "give up my right of withdrawal",
        "L221-28",
        "€8.39 a year",
    ):
        assert words in told, words


@pytest.mark.django_db
def test_nothing_is_ticked_beforehand(cart, customer, customer_client):
    OrderImport.objects.update(payment_methods=DEFAULT)
    filled_in(make_name(cart))
    put_quote(cart)
    told = page(customer_client)
    boxes = re.findall(r'<input type="checkbox"[^>]*>', told)
    assert [re.search(r'name="(\w+)"', box)[1] for box in boxes] == ["contracts", "waive", "pay_now"]  # type: ignore[index]
    assert "checked" not in "".join(boxes)
    assert "Pay now with Visa 4970 10XX XXXX XX00" in told


@pytest.mark.django_db
def test_in_french_the_button_is_the_laws_own(cart, customer_client):
    filled_in(make_name(cart))
    put_quote(cart)
    answer = customer_client.get("/cart/summary/", headers={"Accept-Language": "fr"})
    assert "Commander avec obligation de paiement" in unescape(answer.content.decode())


@pytest.mark.django_db
def test_paying_at_once_is_offered_only_where_there_is_a_default_method(cart, customer_client):
    make_vps(cart, requirements=[])
    put_quote(cart)
    OrderImport.objects.update(payment_methods=[DEFAULT[0] | {"default": False}])
    assert "Pay now with" not in page(customer_client)


@pytest.mark.django_db
def test_the_right_of_withdrawal_is_kept_where_nothing_asks_for_it(cart, customer_client):
    make_vps(cart, requirements=[])
    put_quote(cart, quote([line("VPS-1 - 1 month", "4.20")], tax="0.84"))
    told = page(customer_client)
    assert "You keep it: within 14 days" in told
    assert 'name="waive"' not in told


@pytest.mark.django_db
def test_a_cart_of_both_names_only_what_the_right_is_given_up_for(cart, customer_client):
    filled_in(make_name(cart))
    make_vps(cart, requirements=[])
    put_quote(cart)
    told = page(customer_client)
    assert "I ask for montagne.fr to be supplied at once" in told
    assert "For VPS-1 you keep it" in told


@pytest.mark.django_db
def test_an_order_of_nothing_says_so(cart, customer_client):
    make_vps(cart, requirements=[])
    OrderImport.objects.update(payment_methods=DEFAULT)
    put_quote(cart, quote([line("SSL Gateway Free - 1 month", "0.00")], tax="0.00"))
    told = page(customer_client)
    assert "This order is free" in told
    assert "Pay now with" not in told


@pytest.mark.django_db
def test_reductions_are_shown_as_what_they_take_off(cart, customer_client):
    filled_in(make_name(cart))
    coupon = {"description": "WELCOME10", "type": "percentage", "price": price("0.50")}
    lines = [
        line("montagne.fr - 12 months", "6.49", domain="*001", reductions=[coupon]),
        line("montagne.fr - promotional offer", "-2.00", domain="*001", detail_type="GIFT"),
    ]
    told_quote = quote(lines, tax="0.90")
    told_quote["prices"] |= {"original_without_tax": price("4.99"), "reduction": price("0.50")}
    put_quote(cart, told_quote)
    told = page(customer_client)
    assert "Reduction WELCOME10: −€0.50" in told
    assert "−€2.00" in told
    assert "Before reductions" in told


@pytest.mark.django_db
def test_a_price_that_changed_since_it_was_chosen_is_told(cart, customer_client):
    filled_in(make_name(cart, chosen_at_prices={"TOTAL": price("3.99")}))
    put_quote(cart)
    assert "montagne.fr cost €3.99 when you chose it, and costs €4.99 now" in page(customer_client)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["https://contracts.example.invalid/1.pdf", "javascript:alert(1)", "http://eu.api.ovh.com/1", "https://["]
)
def test_a_contract_is_linked_only_where_a_browser_may_be_sent(cart, customer_client, url):
    filled_in(make_name(cart))
    told = quote()
    told["contracts"][0]["url"] = url
    put_quote(cart, told)
    assert url not in page(customer_client)


@pytest.mark.django_db
def test_lines_that_do_not_come_to_the_total_are_pointed_out(cart, customer_client):
    filled_in(make_name(cart))
    told = quote()
    told["prices"]["with_tax"] = price("9.00")
    put_quote(cart, told)
    assert "lines do not come to its total" in page(customer_client)


# --- What keeps it from being ordered ---------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"trouble": "away"}, "cannot be reached just now"),
        ({"trouble": "refused", "message": "The domain x.fr cannot be ordered"}, "The domain x.fr cannot be ordered"),
        ({"trouble": "rights"}, "needs your permission to order"),
        ({"trouble": "key"}, "Sign in with OVHcloud once more"),
        ({}, "are being asked what this costs"),
    ],
)
def test_without_a_total_the_page_says_why_and_what_next(cart, customer_client, fields, words):
    filled_in(make_name(cart))
    Cart.objects.update(**fields)
    told = page(customer_client)
    assert words in told
    assert "Order with obligation to pay" not in told


@pytest.mark.django_db
def test_what_is_still_to_be_filled_in_is_named_with_the_way_there(cart, customer_client):
    item = make_name(cart)
    put_quote(cart, quote(is_dry_run=False))
    told = page(customer_client)
    assert "To fill in: The owner is of legal age" in told
    assert f"/cart/{item.key}/configure/" in told
    assert "hx-trigger" not in told.split('id="summary"')[1].split(">")[0], "it waits for the customer, not for us"
    assert "Order with obligation to pay" not in told


@pytest.mark.django_db
def test_what_the_dry_run_refused_is_told_in_its_words(cart, customer_client):
    item = filled_in(make_name(cart, problem="The owner of a .paris must have an address in Paris"))
    Configuration.objects.create(item=item, label="TECH_ACCOUNT", value="xx", problem="no such account")
    put_quote(cart, quote(is_dry_run=False))
    told = page(customer_client)
    assert "must have an address in Paris" in told
    assert "Technical contact" in told
    assert "no such account" in told


@pytest.mark.django_db
def test_a_quote_of_an_older_cart_is_not_ordered_by(cart, customer_client):
    filled_in(make_name(cart))
    put_quote(cart)
    Cart.objects.update(revision=2)
    told = page(customer_client)
    assert "€8.39" not in told
    assert "Order with obligation to pay" not in told


@pytest.mark.django_db
def test_an_old_total_is_asked_for_again(cart, customer_client):
    filled_in(make_name(cart))
    put_quote(cart)
    Cart.objects.update(quoted_at=timezone.now() - timedelta(hours=1))
    assert "Order with obligation to pay" not in page(customer_client)
    cart.refresh_from_db()
    assert cart.next_mirror_at is not None


@pytest.mark.django_db
def test_whoever_was_not_there_lately_is_asked_first_and_ticks_nothing_in_vain(cart, customer_client):
    filled_in(make_name(cart))
    put_quote(cart)
    session = customer_client.session
    session["shown_at"] = time.time() - 3600
    session.save()
    told = page(customer_client)
    assert "/account/sure/?next=/cart/summary/" in told
    assert "checkbox" not in told
    assert "Order with obligation to pay" not in told


@pytest.mark.django_db
def test_whoever_may_not_order_is_led_to_allow_it(customer, customer_client):
    cart = make_cart(customer.nichandle)
    filled_in(make_name(cart))
    put_quote(cart)
    told = page(customer_client)
    assert "/account/rights/?next=%2Fcart%2Fsummary%2F" in told
    assert "checkbox" not in told


@pytest.mark.django_db
def test_an_empty_cart_has_no_summary(customer, customer_client):
    assert customer_client.get("/cart/summary/")["Location"] == "/cart/"
    make_cart(customer.nichandle)
    assert customer_client.get("/cart/summary/")["Location"] == "/cart/"


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 20])
def test_the_page_costs_the_same_for_one_product_and_for_twenty(
    cart, customer_client, count, django_assert_num_queries
):
    for number in range(count):
        filled_in(make_name(cart, f"montagne{number}.fr"))
    put_quote(cart, quote([line(f"Line {number}", "1.00") for number in range(count)]))
    page(customer_client)
    with django_assert_num_queries(9):
        page(customer_client)


# --- Money ------------------------------------------------------------------------------------------------------------
# Digits after the point that a currency has; points and N/A are currencies, too.
CURRENCIES = {"EUR": 2, "GBP": 2, "CAD": 2, "JPY": 0, "XOF": 0, "TND": 3, "points": 0, "N/A": 2}


@st.composite
def some_quotes(draw: st.DrawFn) -> dict[str, Any]:
    """Of lines with reductions and gifts, whose sums are right."""
    code = draw(st.sampled_from(sorted(CURRENCIES)))
    digits = CURRENCIES[code]

    def some_money(most: int) -> Decimal:
        return Decimal(draw(st.integers(0, most))).scaleb(-digits)

    lines = []
    for number in range(draw(st.integers(1, 6))):
        unit, quantity = some_money(1_000_000), draw(st.integers(1, 200))
        original = unit * quantity
        off = min(some_money(100_000), original)
        coupon = {"description": "WELCOME10", "type": "percentage", "price": price(off, code)}
        lines.append(
            line(
                f"Product {number}",
                original - off,
                code,
                quantity=quantity,
                unit_price=price(unit, code),
                original_total_price=price(original, code),
                reduction_total_price=price(off, code),
                reductions=[coupon] if off else [],
                domain=f"*{number + 1:03}",
            )
        )
        if draw(st.booleans()):
            gift = -min(some_money(100_000), original - off)
            lines.append(line(f"Gift {number}", gift, code, detail_type="GIFT", domain=f"*{number + 1:03}"))
    return quote(lines, tax=some_money(1_000_000), code=code)


def read_back(text: str) -> Decimal:
    """The number in an amount as a page writes it."""
    number = re.search(r"[−-]?\D*?([\d.,]+)", text.replace("\N{MINUS SIGN}", "-"))
    assert number is not None, text
    value = Decimal(number[1].replace(",", ""))
    return -value if "-" in text.replace("\N{MINUS SIGN}", "-") else value


@given(some_quotes())
def test_lines_reductions_and_tax_come_to_the_total_as_it_is_shown(told):
    """To the last digit of the currency, in what a reader sees, not only in what we keep."""
    assert quotes.adds_up(told)
    groups, sums = quotes.groups(told, []), quotes.totals(told)
    shown = sum((read_back(one["total"]) for group in groups for one in group["lines"]), Decimal(0))
    assert shown == read_back(sums["without_tax"])
    assert shown + read_back(sums["tax"]) == read_back(sums["with_tax"])
    for kept, seen in zip(told["lines"], (one for group in groups for one in group["lines"]), strict=True):
        if kept["detail_type"] == "DURATION":
            off = sum((read_back(one["price"]) for one in seen["reductions"]), Decimal(0))
            assert read_back(seen["unit"]) * kept["quantity"] + off == read_back(seen["total"])


@given(some_quotes(), st.sampled_from(["without_tax", "tax", "with_tax"]))
def test_a_digit_that_is_off_is_noticed(told, which):
    value, code = amount(told["prices"][which])
    told["prices"][which] = price(value + Decimal("0.001"), code)
    assert not quotes.adds_up(told)


@given(some_quotes(), some_quotes())
def test_two_quotes_have_one_digest_only_if_they_say_the_same(one, other):
    same = (one["lines"], one["prices"]) == (other["lines"], other["prices"])
    assert (quotes.digest(one) == quotes.digest(other)) == same


@pytest.mark.django_db
@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_summary_order_page_and_list_say_one_amount(cart, customer, customer_client, code):
    step = Decimal(1).scaleb(-CURRENCIES[code])
    lines = [line("One", 1234 * step, code), line("Two", -200 * step, code, detail_type="GIFT")]
    told = quote(lines, tax=207 * step, code=code)
    make_vps(cart, requirements=[])
    put_quote(cart, told)
    sums = {name: amount(told["prices"][name])[0] for name in ("with_tax", "without_tax", "tax")}
    order = make_order(
        customer.nichandle,
        status="notPaid",
        price_with_tax=sums["with_tax"],
        price_without_tax=sums["without_tax"],
        tax=sums["tax"],
        currency_code=code,
    )
    for one in lines:
        make_detail(order, total=one["total_price"]["value"], description=one["description"])
    total = formats.money(sums["with_tax"], code)
    for path in ("/cart/summary/", f"/orders/{order.order_id}/", "/orders/"):
        assert total in unescape(customer_client.get(path).content.decode()), path
