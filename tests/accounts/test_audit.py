"""What the trail keeps of an address."""

import pytest
from django.test import RequestFactory

from accounts import audit


@pytest.mark.parametrize(
    ("keeps", "address", "kept"),
    [
        ("full", "203.0.113.77", "203.0.113.77"),
        ("network", "203.0.113.77", "203.0.113.0/24"),
        ("network", "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("network", "fe80::1%eth0", "fe80::/48"),
        ("network", "", ""),
        ("network", "no address", ""),
        ("none", "203.0.113.77", ""),
    ],
)
def test_as_much_of_an_address_is_kept_as_the_operator_sets(db, settings, keeps, address, kept):
    settings.AUDIT_ADDRESSES = keeps
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert audit.record(request, "test").address == kept
