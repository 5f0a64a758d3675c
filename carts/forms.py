"""What is chosen: a plan with its options, how many, for how long; a coupon. The server enforces what pages offer."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from carts import words
from carts.actions import Wanted
from carts.models import CartItem, Plan
from carts.queries.catalogue import choice_of, price_for

# More of one thing than this is a slip of the finger, where OVHcloud names no limit.
QUANTITY_AT_MOST = 1000


def quantity_error(quantity: int, least: int, most: int) -> str:
    """Why so many are not to be had, in a sentence; "" when they are."""
    if quantity < least:
        return (
            _("Choose at least %(n)d, or leave it out.") % {"n": least}
            if quantity < 1
            else (_("This is sold from %(n)d on.") % {"n": least})
        )
    if quantity > most:
        return _("At most %(n)d can be ordered at once.") % {"n": most}
    return ""


class PlanForm:
    """
    One plan as a form: fields `price`, `quantity` and `options` (repeatable; radio buttons send it under the family's
    own name).

    Not Django's own form: which fields there are, and what excludes what, comes from OVHcloud's rows.
    """

    def __init__(self, plan: Plan, sent: Any = None) -> None:
        self.plan, self.sent = plan, sent
        self.prices: list[Mapping[str, Any]] = [one for one in plan.prices if words.months_of(one["duration"])]
        self.errors: dict[str, str] = {}
        self.families = self._families()

    def _families(self) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for option in self.plan.options or []:
            # What has no family excludes nothing.
            key = option["family"]
            family = found.setdefault(
                key, {"key": key, "mandatory": False, "exclusive": False, "options": [], "error": ""}
            )
            family["mandatory"] |= bool(option["mandatory"])
            family["exclusive"] |= bool(option["exclusive"] and key)
            family["options"].append(option)
        for number, family in enumerate(found.values()):
            family["field"] = f"option-{number}"
        return list(found.values())

    def chosen(self) -> dict[str, Any]:
        """price: “mode|duration”, or ""; quantity: a number; options: plan codes. What was sent, else what begins."""
        price = self.sent.get("price", "") if self.sent else ""
        if not price and len(self.prices) == 1:
            price = choice_of(self.prices[0])
        options = self.sent.getlist("options") if self.sent else []
        for family in self.families:
            options = [*options, *(self.sent.getlist(family["field"]) if self.sent else [])]
        return {"price": price, "quantity": self._quantity() or 1, "options": [one for one in options if one]}

    def _quantity(self) -> int | None:
        text = self.sent.get("quantity", "1").strip() if self.sent else "1"
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    @property
    def limits(self) -> tuple[int, int]:
        """Least and most, by the chosen price, else by the first."""
        price = price_for(self.prices, self.chosen()["price"]) or next(iter(self.prices), None)
        if price is None:
            return 1, QUANTITY_AT_MOST
        return price["minimum_quantity"], price["maximum_quantity"] or QUANTITY_AT_MOST

    def is_valid(self) -> bool:
        chosen = self.chosen()
        if choice_of_is_unknown(self.prices, chosen["price"]):
            self.errors["price"] = _("Choose how long you want it for.")
        least, most = self.limits
        quantity = self.sent.get("quantity", "1").strip()
        if not (quantity.isascii() and quantity.isdigit()) or len(quantity) > 9:
            self.errors["quantity"] = _("Write a whole number.")
        elif problem := quantity_error(int(quantity), least, most):
            self.errors["quantity"] = problem
        for family in self.families:
            family["error"] = self._family_error(family, chosen)
            if family["error"]:
                title = words.family_words(family["key"]) if family["key"] else _("Options")
                self.errors[family["field"]] = f"{title}: {family['error']}"
        known = {option["plan_code"] for family in self.families for option in family["options"]}
        if set(chosen["options"]) - known:
            self.errors["options"] = _("One of the options is no longer offered. Choose again.")
        return not self.errors

    def _family_error(self, family: Mapping[str, Any], chosen: Mapping[str, Any]) -> str:
        taken = [option for option in family["options"] if option["plan_code"] in chosen["options"]]
        if family["mandatory"] and not taken:
            return _("Choose one of these, the product needs it.")
        if family["exclusive"] and len(taken) > 1:
            return _("Choose only one of these: they exclude each other.")
        for option in taken:
            if chosen["price"] and price_for(option["prices"], chosen["price"]) is None:
                said = {"option": option["name"], "duration": words.duration_words(chosen["price"].partition("|")[2])}
                return _("%(option)s is not sold for %(duration)s.") % said
        return ""

    def wanted(self) -> tuple[Wanted, list[Wanted]]:
        """The plan and its options, for `add_item`. Only when valid."""
        chosen = self.chosen()
        main = price_for(self.prices, chosen["price"])
        assert main is not None  # noqa: S101  (is_valid saw it)
        options = [
            _wanted(self.plan.product, option, price, chosen["quantity"], family=family["key"])
            for family in self.families
            for option in family["options"]
            if option["plan_code"] in chosen["options"]
            and (price := price_for(option["prices"], chosen["price"])) is not None
        ]
        plan = {"plan_code": self.plan.plan_code, "name": self.plan.name}
        return _wanted(self.plan.product, plan, main, chosen["quantity"]), options


def choice_of_is_unknown(prices: list[Mapping[str, Any]], choice: str) -> bool:
    return all(choice_of(price) != choice for price in prices)


def _wanted(product: str, what: Mapping[str, Any], price: Mapping[str, Any], quantity: int, family: str = "") -> Wanted:
    return Wanted(
        product=product,
        plan_code=what["plan_code"],
        name=what["name"],
        family=family,
        pricing_mode=price["pricing_mode"],
        duration=price["duration"],
        quantity=quantity,
        prices={"PRICE": price["price"]},
    )


class ItemForm(forms.Form):
    """How many of an item, and for how long; `was_…` is what the page showed."""

    quantity = forms.IntegerField(
        error_messages={
            "required": gettext_lazy("Write a whole number."),
            "invalid": gettext_lazy("Write a whole number."),
        }
    )
    duration = forms.CharField(max_length=80, required=False)
    was_quantity = forms.IntegerField(required=False)
    was_duration = forms.CharField(max_length=10, required=False)

    def __init__(self, *args: Any, item: CartItem, least: int = 1, most: int = QUANTITY_AT_MOST, **more: Any) -> None:
        super().__init__(*args, **more)
        self.item, self.least, self.most = item, least, most

    def clean_quantity(self) -> int:
        quantity: int = self.cleaned_data["quantity"]
        problem = quantity_error(quantity, self.least, self.most)
        if problem:
            raise forms.ValidationError(problem)
        return quantity


class CouponForm(forms.Form):
    coupon = forms.CharField(
        max_length=60,
        strip=True,
        error_messages={"required": gettext_lazy("Write the coupon’s code.")},
    )

    def clean_coupon(self) -> str:
        coupon: str = self.cleaned_data["coupon"]
        if any(one.isspace() for one in coupon) or not coupon.isprintable():
            raise forms.ValidationError(_("A coupon’s code has no spaces."))
        return coupon
