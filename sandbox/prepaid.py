"""An account's prepaid money (ovhAccount): what is on it, and what an order takes from it."""

from decimal import Decimal

from . import world
from .models import Bill, Customer, Order
from .money import Price, amount_of, price

KIND = "prepaid"


def balance(customer: Customer) -> Price:
    """Return what is on the account of a customer; nothing, for most."""
    found = customer.belongings.filter(kind=KIND).first()
    return price(0, customer.currency) if found is None else dict(found.answer)


def covers(order: Order) -> bool:
    """Whether the money on the account pays a whole order."""
    due, there = order.price_with_tax, balance(order.customer)
    return due["currencyCode"] == there["currencyCode"] and Decimal(0) < amount_of(due) <= amount_of(there)


def take(order: Order) -> bool:
    """
    Take the price of an order from the account, and note the withdrawal. Inside the transaction that pays it.

    Returns whether there was enough: another order may have taken it since covers() was asked.
    """
    found = order.customer.belongings.select_for_update().get(kind=KIND)
    left = amount_of(found.answer) - amount_of(order.price_with_tax)
    if left < 0:
        return False
    found.answer = price(left, order.customer.currency)
    found.save(update_fields=["answer"])
    Bill.objects.create(
        bill_id=f"WD{order.order_id}",
        kind="Withdrawal",
        customer_id=order.customer_id,
        order=order,
        date=world.now(),
        password=order.password[::-1],
        price_without_tax=order.price_with_tax,
        tax=price(0, order.customer.currency),
        price_with_tax=order.price_with_tax,
    )
    return True
