"""Whether a new revision is as good as the old one: pure arithmetic on what Cloud Monitoring counted.

A share of few requests says little, so shares are compared by a bound, not by their values: the new revision is worse only if it is so with 99 %
confidence and by more than a tolerance (Newcombe's interval for a difference of proportions, from Wilson's for each; Statistics in Medicine 17, 1998)."""

import enum
import math
from typing import Dict, Iterable, NamedTuple, Optional, Tuple

# One-sided 99 %.
Z = 2.326
# As Cloud Run's latency objective has it (deploy/terraform/monitoring.tf).
SLOW_MILLISECONDS = 50.0


class Sample(NamedTuple):
    """Requests of one revision. `failed`: 5xx, and 429, which is Cloud Run's answer if it has no instance. `refused`: other 4xx."""
    requests: float = 0
    failed: float = 0
    refused: float = 0
    slow: float = 0

    def larger(self, other: "Sample") -> "Sample":
        return self if self.requests >= other.requests else other


class Measure(NamedTuple):
    name: str
    # How much more of the requests may be so.
    tolerance: float
    # Below this many requests it is not judged.
    least: int


# The smoke test's own requests are among those of the new revision, and a few of them ask for what must be refused: among 1,000 they do not count.
MEASURES = (Measure("failed", 0.005, 1), Measure("slow", 0.05, 100), Measure("refused", 0.05, 1000))
# In place of an old revision that nobody asks: the objectives.
OBJECTIVES = Sample(requests=1000, failed=1, refused=1000, slow=10)


class Verdict(enum.Enum):
    GOOD = "as good as the old one"
    WORSE = "worse than the old one"
    UNKNOWN = "too few requests to tell"


def wilson(count: float, total: float) -> Tuple[float, float]:
    """Where the share of a count lies."""
    if total <= 0:
        return 0.0, 1.0
    share = min(count / total, 1.0)
    middle = share + Z * Z / (2 * total)
    spread = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    scale = 1 + Z * Z / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def least_difference(new: Tuple[float, float], old: Tuple[float, float]) -> float:
    """How much larger the first share (count, total) is than the second, at least."""
    share_new, share_old = (min(count / total, 1.0) if total > 0 else 0.0 for count, total in (new, old))
    return share_new - share_old - math.hypot(share_new - wilson(*new)[0], wilson(*old)[1] - share_old)


def decide(new: Sample, old: Sample, minimum: int) -> Tuple[Verdict, str]:
    """The verdict on the new revision, and what made it. `minimum`: requests without which nothing is known to be good."""
    reference = old if old.requests >= minimum else OBJECTIVES
    for measure in MEASURES:
        if new.requests < measure.least:
            continue
        count, before = getattr(new, measure.name), getattr(reference, measure.name)
        if least_difference((count, new.requests), (before, reference.requests)) > measure.tolerance:
            return Verdict.WORSE, f"{count:.0f} of {new.requests:.0f} requests {measure.name}, {before:.0f} of {reference.requests:.0f} before"
    if new.requests < minimum:
        return Verdict.UNKNOWN, f"{new.requests:.0f} requests, of at least {minimum}"
    return Verdict.GOOD, f"{new.requests:.0f} requests: {new.failed:.0f} failed, {new.slow:.0f} slow, {new.refused:.0f} refused"


def samples(codes: Iterable[Tuple[str, str, float]], buckets: Iterable[Tuple[str, str, float]]) -> Dict[str, Sample]:
    """By revision: (revision, status, requests), and (revision, upper bound in milliseconds or +Inf, requests up to it)."""
    result: Dict[str, Sample] = {}
    for revision, code, count in codes:
        sample = result.get(revision, Sample())
        is_failed = code.startswith("5") or code == "429"
        result[revision] = sample._replace(
            requests=sample.requests + count,
            failed=sample.failed + (count if is_failed else 0),
            refused=sample.refused + (count if code.startswith("4") and not is_failed else 0),
        )
    bounds: Dict[str, Dict[float, float]] = {}
    for revision, bound, count in buckets:
        bounds.setdefault(revision, {})[float(bound)] = count
    for revision, counts in bounds.items():
        slow = _above(counts)
        if revision in result and slow is not None:
            result[revision] = result[revision]._replace(slow=min(slow, result[revision].requests))
    return result


def _above(counts: Dict[float, float]) -> Optional[float]:
    """Requests that were slow: all without those up to the first bound of at least SLOW_MILLISECONDS."""
    total = counts.get(math.inf)
    bound = min((bound for bound in counts if SLOW_MILLISECONDS <= bound < math.inf), default=None)
    return None if total is None or bound is None else max(0.0, total - counts[bound])
