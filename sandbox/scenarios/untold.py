"""
Orders that are told when somebody asks for them.

Ten years of orders would make every reset slow, and nearly nobody looks at them. An account whose quirks say
`untold` gets them with the first call that it signs, in a few statements, always the same.
"""
# ruff: noqa: S608 - the statements are put together of constants

from django.db import connection, transaction

from .. import world
from ..models import Customer

_FIRST_ORDER = 100_000_001
_FIRST_DETAIL = 400_000_001

# The amount of the n-th order without tax, in cents, and its tax.
_SHAPE = """
    SELECT n, %(first)s + n - 1 AS order_id,
        %(now)s - (n_all - n) * interval '1 day' * 3652 / n_all - interval '40 days' AS date,
        299 + (n * 7919) %% 9000 AS net,
        round((299 + (n * 7919) %% 9000) * 0.2) AS tax,
        CASE WHEN n %% 53 = 0 THEN 'cancelled' ELSE 'delivered' END AS status
    FROM (SELECT n, %(count)s AS n_all FROM generate_series(1, %(count)s) AS n) AS numbers
"""
_PRICE = """jsonb_build_object('currencyCode', 'EUR', 'priceInUcents', ({0})::bigint * 1000000,
    'text', to_char(({0}) / 100.0, 'FM999990.00') || ' €', 'value', ({0}) / 100.0)"""
_ORDERS = f"""
    INSERT INTO sandbox_order (order_id, customer_id, status, date, expiration_date, password, price_without_tax,
        tax, price_with_tax, metadatas, left_out, renewal, waived, paid_at, payment, lapses, next_step)
    SELECT order_id, %(customer)s, status, date, date + interval '7 days', substr(md5(order_id::text), 1, 10),
        {_PRICE.format("net")}, {_PRICE.format("tax")}, {_PRICE.format("net + tax")}, '[]', '[]',
        n %% 3 = 0, true, date, '{{"paymentType": "creditCard", "paymentIdentifier": null}}', true, ''
    FROM ({_SHAPE}) AS told
"""
_DETAILS = f"""
    INSERT INTO sandbox_detail (order_detail_id, order_id, description, domain, detail_type, quantity, unit_price,
        total_price, cancelled, service)
    SELECT %(first_detail)s + n - 1, order_id, 'VPS-1 - 1 mois - n° ' || n, 'vps-' || n || '.vps.example.net',
        CASE WHEN n %% 3 = 0 THEN 'RENEW' ELSE 'DURATION' END, '1', {_PRICE.format("net")}, {_PRICE.format("net")},
        status = 'cancelled', ''
    FROM ({_SHAPE}) AS told
"""
_BILLS = f"""
    INSERT INTO sandbox_bill (bill_id, kind, customer_id, order_id, date, category, password, price_without_tax, tax,
        price_with_tax)
    SELECT 'FR' || order_id, 'Bill', %(customer)s, order_id, date, 'purchase-web', substr(md5(n::text), 1, 10),
        {_PRICE.format("net")}, {_PRICE.format("tax")}, {_PRICE.format("net + tax")}
    FROM ({_SHAPE}) AS told
"""


def tell(customer: Customer) -> None:
    """Tell the orders of an account that has untold ones, once. Does nothing for the others."""
    if "untold" not in customer.quirks:
        return
    with transaction.atomic():
        waiting = Customer.objects.select_for_update().get(pk=customer.pk)
        count = waiting.quirks.pop("untold", None)
        if count is None:
            return
        waiting.save(update_fields=["quirks"])
        told = {
            "count": count,
            "customer": customer.pk,
            "now": world.now().replace(microsecond=0),
            "first": _FIRST_ORDER,
            "first_detail": _FIRST_DETAIL,
        }
        with connection.cursor() as cursor:
            for statement in (_ORDERS, _DETAILS, _BILLS):
                cursor.execute(statement, told)
