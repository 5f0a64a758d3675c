"""How late an answer is: drawn from a distribution that most answers of a real API follow, a few much later."""

import math
import random
from typing import Any

from .. import world

# One in twenty is later than the 95th percentile: so many standard deviations above the median.
_P95_DEVIATIONS = 1.645
_LONGEST_S = 60.0
# Of a slow account, whose median alone is told.
_SLOW_P95 = 3.0
_chance = random.Random(0)


def seed(number: int) -> None:
    _chance.seed(number)


def late_s(median_ms: float | None) -> float:
    """Return for how many seconds to hold an answer. median_ms: of the caller's account, None for most."""
    wanted: dict[str, Any] | None = world.switch("latency")
    late = 0.0
    if wanted is not None:
        late += _draw(wanted["median_ms"], wanted.get("p95_ms", wanted["median_ms"]))
    if median_ms:
        late += _draw(median_ms, median_ms * _SLOW_P95)
    return min(late, _LONGEST_S)


def _draw(median_ms: float, p95_ms: float) -> float:
    if median_ms <= 0:
        return 0.0
    deviation = math.log(max(p95_ms / median_ms, 1.0)) / _P95_DEVIATIONS
    return _chance.lognormvariate(math.log(median_ms), deviation) / 1000
