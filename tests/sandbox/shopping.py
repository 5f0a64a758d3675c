"""What tests fill carts with."""

from typing import Any

from .client import Signing

DOMAIN_LABELS = {"OWNER_LEGAL_AGE": "true"}


class Shopping:
    """A cart of one customer, assigned."""

    def __init__(self, signing: Signing, *, assigned: bool = True) -> None:
        self.signing = signing
        subsidiary = signing.get("/me")["ovhSubsidiary"]
        self.id = self._ok("POST", "/order/cart", {"ovhSubsidiary": subsidiary})["cartId"]
        self.at = f"/order/cart/{self.id}"
        if assigned:
            self._ok("POST", f"{self.at}/assign")

    def _ok(self, method: str, path: str, sent: Any = None) -> Any:
        answer = self.signing.call(method, path, sent)
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        return answer.json()

    def get(self, path: str = "") -> Any:
        return self._ok("GET", self.at + path)

    def post(self, path: str, sent: Any = None) -> Any:
        return self._ok("POST", self.at + path, sent)

    def refused(self, method: str, path: str, sent: Any = None) -> tuple[int, str]:
        """Make a call that is refused, and return status and message."""
        answer = self.signing.call(method, self.at + path, sent)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["message"]

    def add(self, segment: str, plan: str, duration: str = "P1M", mode: str = "default", quantity: int = 1) -> int:
        sent = {"planCode": plan, "duration": duration, "pricingMode": mode, "quantity": quantity}
        item: int = self.post(f"/{segment}", sent)["itemId"]
        return item

    def option(self, segment: str, item: int, plan: str, duration: str = "P1M", mode: str = "default") -> int:
        sent = {"itemId": item, "planCode": plan, "duration": duration, "pricingMode": mode, "quantity": 1}
        made: int = self.post(f"/{segment}/options", sent)["itemId"]
        return made

    def configure(self, item: int, **values: str) -> None:
        for label, value in values.items():
            self.post(f"/item/{item}/configuration", {"label": label, "value": value})

    def domain(self, name: str, **values: str) -> int:
        item: int = self.post("/domain", {"domain": name})["itemId"]
        self.configure(item, **(DOMAIN_LABELS | values))
        return item

    def vps(self, plan: str = "vps-1-2026") -> int:
        item = self.add("vps", plan)
        self.option("vps", item, "vps-os-debian")
        self.configure(item, vps_datacenter="GRA")
        return item

    def check_out(self, *, pay: bool = False, waive: bool = False) -> Any:
        wanted = {"autoPayWithPreferredPaymentMethod": pay, "waiveRetractationPeriod": waive}
        return self.post("/checkout", wanted)
