"""Price lists, read by routes that ask for no key."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from carts import actions, sync
from carts.models import CatalogueReading, Plan
from carts.prices import amount
from tests.carts.shop import calls
from tests.sandboxes import Sandbox
from tests.world import forget_trouble

pytestmark = pytest.mark.django_db


def read(subsidiary: str = "FR") -> None:
    actions.want_catalogue(subsidiary)
    sync.read_catalogues_due()


def test_plans_with_their_options_and_prices(ovh: Sandbox) -> None:
    read()
    listed = list(Plan.objects.values_list("product", "plan_code"))
    assert listed == [
        # Not sold by itself: its options are, with a name.
        ("dns", "zone"),
        ("emailpro", "emailpro2026"),
        ("vps", "vps-1-2026"),
        ("vps", "vps-2-2026"),
        ("webHosting", "perso2026"),
        ("webHosting", "pro2026"),
    ]
    vps = Plan.objects.get(plan_code="vps-1-2026")
    assert vps.prices[0] == {
        "pricing_mode": "default",
        "duration": "P1M",
        "price": {"value": "4.2", "currency_code": "EUR"},
        "description": vps.prices[0]["description"],
        "interval": 1,
        "pricing_type": "rental",
        "minimum_quantity": 1,
        "maximum_quantity": None,
    }
    families = [(one["plan_code"], one["family"], one["exclusive"], one["mandatory"]) for one in vps.options]
    assert families == [
        ("vps-os-debian", "os", True, True),
        ("vps-os-windows", "os", True, True),
        ("vps-backup", "backup", False, False),
    ]
    # Prices that only renew cannot be ordered by.
    pro = Plan.objects.get(plan_code="pro2026")
    assert [(one["duration"], amount(one["price"])[0]) for one in pro.prices] == [
        ("P1Y", Decimal("71.88")),
        ("P2Y", Decimal("129.38")),
    ]


def test_it_is_read_again_only_when_it_is_old(ovh: Sandbox) -> None:
    read()
    before = ovh.last_request()
    read()
    assert calls(ovh, before) == []
    CatalogueReading.objects.update(read_at=timezone.now() - timedelta(hours=2))
    Plan.objects.filter(plan_code="vps-2-2026").update(plan_code="sold-no-more")
    read()
    assert set(Plan.objects.filter(product="vps").values_list("plan_code", flat=True)) == {"vps-1-2026", "vps-2-2026"}


def test_each_subsidiary_has_its_own(ovh: Sandbox) -> None:
    read()
    read("GB")
    prices = {plan.subsidiary: plan.prices[0]["price"] for plan in Plan.objects.filter(plan_code="vps-1-2026")}
    assert prices == {
        "FR": {"value": "4.2", "currency_code": "EUR"},
        "GB": {"value": "3.6", "currency_code": "GBP"},
    }


def test_where_nothing_is_sold_that_is_said_and_not_asked_all_the_time(ovh: Sandbox) -> None:
    read("MA")
    before = ovh.last_request()
    sync.read_catalogues_due()
    assert calls(ovh, before) == []
    assert set(CatalogueReading.objects.values_list("message", "read_at")) == {("invalid ovhSubsidiary", None)}


def test_trouble_passes(ovh: Sandbox) -> None:
    ovh.arm("reset", path="/order/cart/*/vps")
    read()
    reading = CatalogueReading.objects.get(product="vps")
    assert (reading.read_at, reading.failures, reading.leased_until) == (None, 1, None)
    assert Plan.objects.filter(product="webHosting").exists()
    ovh.disarm()
    forget_trouble()
    CatalogueReading.objects.filter(pk=reading.pk).update(next_read_at=timezone.now())
    sync.read_catalogues_due()
    assert Plan.objects.filter(product="vps").count() == 2
