"""
The invented orders, computed from their numbers, so that the API's stand-in and the panel's rows agree.

No Django here: the stand-in must start and answer quickly.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

APPLICATION_KEY = "b3nchb3nchb3nch0"
APPLICATION_SECRET = "of the bench and of nothing else"  # noqa: S105 - it protects nothing
# An order's number is its account's followed by seven digits.
PER_ACCOUNT_AT_MOST = 10_000_000


@dataclass(frozen=True)
class Population:
    """Accounts `first` to `first + accounts - 1` with so many orders each. lapsed: all unpaid, their time over."""

    first: int
    accounts: int
    orders_each: int
    lapsed: bool = False

    @property
    def orders(self) -> int:
        return self.accounts * self.orders_each

    def account_numbers(self) -> range:
        return range(self.first, self.first + self.accounts)

    def order_ids(self, account: int) -> range:
        return range(account * PER_ACCOUNT_AT_MOST, account * PER_ACCOUNT_AT_MOST + self.orders_each)


LAPSED_FROM = 60_000
IMPORTED = 59_999


def active(orders: int) -> Population:
    """Orders of accounts with twenty each: 2 % delivering, 8 % unpaid, 90 % delivered and within their window."""
    return Population(20_000, max(orders // 20, 1), min(orders, 20))


def lapsed(orders: int) -> Population:
    return Population(LAPSED_FROM, max(orders // 100, 1), min(orders, 100), lapsed=True)


def listed(orders: int) -> list[Population]:
    """Customers with a hundred orders each, and three more: with twenty, with 5,000 and with as many as all others."""
    growing = (20, min(5_000, orders // 2), orders)
    customers = Population(30_000, max(orders // 100, 1), min(orders, 100))
    return [customers, *(Population(58_000 + place, 1, many) for place, many in enumerate(growing))]


def imported(orders: int) -> Population:
    """One account with all of them."""
    return Population(IMPORTED, 1, orders)


@dataclass(frozen=True)
class Order:
    """known: the status in the panel's rows. told: what the API answers now, another for about one in 150."""

    order_id: int
    known: str
    told: str
    date: datetime
    expiration_date: datetime
    retraction_date: datetime | None
    cents: int
    lapsed: bool = False


def nichandle(account: int) -> str:
    return f"bn{account}-ovh"


def consumer_key(account: int) -> str:
    return hashlib.sha256(f"bench {account}".encode()).hexdigest()[:32]


def account_of(order_id: int) -> int:
    return order_id // PER_ACCOUNT_AT_MOST


def order(order_id: int, epoch: datetime) -> Order:
    """Return one order as it stands at `epoch`, the moment the bench began."""
    account, place = divmod(order_id, PER_ACCOUNT_AT_MOST)
    chance = (order_id * 2_654_435_761 >> 7) % 1000
    cents = 500 + chance * 7
    if account >= LAPSED_FROM:
        date = epoch - timedelta(days=8, seconds=chance)
        return Order(order_id, "notPaid", "notPaid", date, date + timedelta(days=7), None, cents, lapsed=True)
    kind = (account * 20 + place) % 100
    date = epoch - timedelta(days=2, seconds=chance * 60)
    expiration = date + timedelta(days=7)
    if kind < 2:
        told = "delivered" if chance < 100 else "delivering"
        return Order(order_id, "delivering", told, date, expiration, None, cents)
    if kind < 10:
        told = "checking" if chance < 50 else "notPaid"
        return Order(order_id, "notPaid", told, date, expiration, None, cents)
    return Order(order_id, "delivered", "delivered", date, expiration, date + timedelta(days=14), cents)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
