"""/me/order/{orderId}: debts, credit balances, one-off payments by form, consumption."""

from typing import Any

from django.db import transaction

from .. import life, making, world
from ..models import Belonging, Order
from ..money import amount_of, price
from . import schema
from .errors import bad_request, no_such, not_found
from .orders import as_answer, find_order, locked_order
from .routes import Call, route


def _belonging(call: Call, kind: str, number: int) -> Belonging | None:
    return call.customer.belongings.filter(kind=kind, number=number).first()


# --- Debts: what was delivered before it was paid ---


def _debt(call: Call, order_id: int) -> Belonging:
    find_order(call, order_id)
    found = _belonging(call, "debt", order_id)
    if found is None:
        raise not_found("The requested object (debt) does not exist")
    return found


@route("GET /me/order/{orderId}/debt")
def debt(call: Call, order_id: int) -> dict[str, Any]:
    answer: dict[str, Any] = _debt(call, order_id).answer["debt"]
    return answer


@route("GET /me/order/{orderId}/debt/operation", query=schema.query("GET /me/order/{orderId}/debt/operation"))
def debt_operations(call: Call, order_id: int) -> list[int]:
    operations = _debt(call, order_id).answer["operations"]
    deposit = call.query.get("depositOrderId")
    return [one["operationId"] for one in operations if deposit in (None, one["depositOrderId"])]


def _operation(call: Call, order_id: int, operation_id: int) -> dict[str, Any]:
    operations: list[dict[str, Any]] = _debt(call, order_id).answer["operations"]
    found = next((one for one in operations if one["operationId"] == operation_id), None)
    if found is None:
        raise no_such("operationId", operation_id)
    return found


@route("GET /me/order/{orderId}/debt/operation/{operationId}")
def debt_operation(call: Call, order_id: int, operation_id: int) -> dict[str, Any]:
    return _operation(call, order_id, operation_id)


@route("GET /me/order/{orderId}/debt/operation/{operationId}/associatedObject")
def debt_operation_object(call: Call, order_id: int, operation_id: int) -> dict[str, Any]:
    found = _operation(call, order_id, operation_id)
    return {"type": "Order", "id": str(found["depositOrderId"]), "subId": None, "paymentInfo": None}


@route("POST /me/order/{orderId}/debt/pay")
def pay_debt(call: Call, order_id: int) -> dict[str, Any]:
    """Make the order by which the debt is paid. Asked again while that one waits, the same."""
    with transaction.atomic():
        locked_order(call, order_id)
        found = _debt(call, order_id)
        due = amount_of(found.answer["debt"]["dueAmount"])
        if due <= 0:
            raise bad_request("This debt is already paid")
        waiting = call.customer.orders.filter(pk__in=found.answer["deposits"], status="notPaid").last()
        if waiting is None:
            waiting = making.make_order(call.customer, price=due, products=[f"Debt of order {order_id}"])
            found.answer["deposits"].append(waiting.order_id)
            found.save(update_fields=["answer"])
    return as_answer(call.base, waiting)


# --- Credit balances ---


def _available_balance(call: Call, name: str) -> Belonging:
    found = call.customer.belongings.filter(kind="balance", answer__balanceName=name).first()
    if found is None:
        raise no_such("balanceName", name)
    return found


def _used(call: Call, order_id: int) -> list[Belonging]:
    find_order(call, order_id)
    return list(call.customer.belongings.filter(kind="usedBalance", number=order_id).order_by("pk"))


@route("GET /me/order/{orderId}/balance")
def balances(call: Call, order_id: int) -> list[str]:
    return [one.answer["balanceName"] for one in _used(call, order_id)]


@route("POST /me/order/{orderId}/balance", body=schema.body("POST /me/order/{orderId}/balance"))
def use_balance(call: Call, order_id: int) -> dict[str, Any]:
    with transaction.atomic():
        order = locked_order(call, order_id)
        available = _available_balance(call, call.body["balanceName"])
        if order.status != "notPaid":
            raise bad_request("This order is already paid")
        used = min(amount_of(available.answer["amount"]), amount_of(order.price_with_tax))
        answer = {"balanceName": call.body["balanceName"], "amount": price(used, call.customer.currency)}
        if call.body["balanceName"] not in balances(call, order_id):
            call.customer.belongings.create(kind="usedBalance", number=order_id, answer=answer)
    return answer


def _used_balance(call: Call, order_id: int, name: str) -> Belonging:
    found = next((one for one in _used(call, order_id) if one.answer["balanceName"] == name), None)
    if found is None:
        raise no_such("balanceName", name)
    return found


@route("GET /me/order/{orderId}/balance/{balanceName}")
def balance(call: Call, order_id: int, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = _used_balance(call, order_id, name).answer
    return answer


@route("DELETE /me/order/{orderId}/balance/{balanceName}")
def leave_balance(call: Call, order_id: int, name: str) -> None:
    _used_balance(call, order_id, name).delete()


# --- Paying once, by a form of the payment provider ---


_FORMS = ("creditCard", "edinar", "fidelityPoints", "ideal", "multibanco", "ovhAccount", "paypal", "promotion")
_OF_COUNTRY = {"NL": "ideal", "PT": "multibanco", "TN": "edinar"}


@route("GET /me/order/{orderId}/paymentMeans")
def payment_means(call: Call, order_id: int) -> dict[str, Any]:
    """Return the forms that pay this order; they lead to nobody, for the sandbox plays no payment provider."""
    order = find_order(call, order_id)
    if order.status != "notPaid":
        return dict.fromkeys(_FORMS)
    kinds = {"creditCard", "paypal"}
    local = _OF_COUNTRY.get(call.customer.profile["country"])
    if local:
        kinds.add(local)
    return {name: [_form(order, name)] if name in kinds else None for name in _FORMS}


def _form(order: Order, kind: str) -> dict[str, Any]:
    return {
        "url": f"https://payment.example.invalid/{kind}",
        "httpMethod": "POST",
        "fee": 0.0,
        "htmlForm": None,
        "logo": None,
        "subType": "visa" if kind == "creditCard" else None,
        "parameters": [{"name": "orderId", "value": str(order.order_id), "choice": None}],
    }


# --- Consumption: a file that is being made; ask again ---

_EXPORT = ("TODO", "DOING", "DONE")


@route("GET /me/order/{orderId}/consumption/details", query=schema.query("GET /me/order/{orderId}/consumption/details"))
def consumption(call: Call, order_id: int) -> dict[str, Any]:
    with transaction.atomic():
        locked_order(call, order_id)
        found = _belonging(call, "export", order_id)
        if found is None:
            number = world.next_numbers(1)[0]
            found = call.customer.belongings.create(
                kind="export", number=order_id, answer={"taskId": number, "asked": 0}
            )
        asked = found.answer["asked"]
        found.answer["asked"] = asked + 1
        found.save(update_fields=["answer"])
    status = _EXPORT[min(asked, 2)]
    done = status == "DONE"
    return {
        "taskId": found.answer["taskId"],
        "taskStatus": status,
        "fileFormat": call.query["fileFormat"] if done else None,
        "fileURL": f"https://files.example.invalid/consumption-{order_id}.csv" if done else None,
        "message": None,
    }


def settle_debts(order: Order) -> None:
    """Note that the order which pays a debt is paid."""
    found = order.customer.belongings.filter(kind="debt", answer__deposits__contains=order.order_id).first()
    if found is None:
        return
    debt, zero = found.answer["debt"], price(0, order.customer.currency)
    found.answer["operations"].append(
        {
            "operationId": world.next_numbers(1)[0],
            "amount": debt["dueAmount"],
            "date": world.on_wire(world.now()),
            "depositOrderId": order.order_id,
            "status": "PAID",
            "type": "CREDIT_CARD_MANUAL",
        }
    )
    debt |= {"status": "PAID", "dueAmount": zero, "todoAmount": zero, "pendingAmount": zero}
    found.save(update_fields=["answer"])


life.ON_PAID.append(settle_debts)
