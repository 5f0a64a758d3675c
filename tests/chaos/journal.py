"""What customers did and were told, kept outside the panel: the run's own memory."""

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Told:
    """
    A customer was told that something was received.

    kind: as the panel's intents: retraction, payment, checkout. number: the order's; a checkout's own, for there is no
    order yet. reference: of a withdrawal's receipt, "" where the panel only said yes and led on, and no page could be
    read afterwards.
    """

    kind: str
    nichandle: str
    number: int
    at: datetime
    reference: str = ""


class Journal:
    """Several customers write; the checker reads once they have stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.told: list[Told] = []
        self.signed_in: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.failed_pages: list[str] = []
        self.paid_elsewhere: dict[int, datetime] = {}
        self.secrets: dict[str, str] = {}

    def tell(self, kind: str, nichandle: str, number: int, reference: str = "") -> None:
        with self._lock:
            self.told.append(Told(kind, nichandle, number, datetime.now(UTC), reference))

    def note_paid_elsewhere(self, order_id: int) -> None:
        """From now at the latest this order is paid, at OVHcloud itself. By our clock, which nobody shifts."""
        with self._lock:
            self.paid_elsewhere.setdefault(order_id, datetime.now(UTC))

    def note_sign_in(self, nichandle: str) -> None:
        with self._lock:
            self.signed_in.add(nichandle)

    def note_answer(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1

    def note_failed_page(self, path: str, status: int) -> None:
        with self._lock:
            self.failed_pages.append(f"{status} {path} at {datetime.now(UTC):%H:%M:%S}")

    def keep_secret(self, value: str, what: str) -> None:
        """Note something that may stand in no log and in no key of Redis."""
        if len(value) >= 8:
            with self._lock:
                self.secrets[value] = what
