"""What the service is held to, as data, and how each line is worked out of the samples.

A ratio is taken within each round, between two runs that were made one after the other; the median of these ratios is what
counts, not the ratio of two medians.
"""

import statistics
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

from .peers import FASTAPI, HUMMINGBIRD, HUMMINGBIRD_H2, KEYS, MEMORY, NGINX, NGINX_H2, REDIS, ROUTER, UNCOUNTED, WEBDIS
from .rounds import Measurements, Sample
from .startup import Startup
from .workload import COMPARED_CONNECTIONS, GET, GET_BATCH, GET_H2, GET_RANDOM, SET, SET_BATCH, SET_H2, compared_at, keys_of

# Of a key, which is the same as of an answer where a request is about one.
ANSWERS: Callable[[Sample], float] = lambda sample: sample.load.answers_per_second * keys_of(sample.operation)
CPU: Callable[[Sample], float] = lambda sample: sample.load.cpu_us_per_answer / keys_of(sample.operation)


@dataclass(frozen=True)
class Ratio:
    """Ours divided by theirs. The target is a floor for answers and a ceiling for CPU; None means it is shown only.

    Where theirs is another operation, both are taken by the key.
    """

    title: str
    ours: str
    theirs: str
    operation: str
    answers: bool
    target: Optional[float]
    their_operation: Optional[str] = None

    @property
    def measure(self) -> str:
        """What is divided, as the table calls it."""
        if keys_of(self.operation) > 1:
            return "keys/s" if self.answers else "CPU per key"
        return "answers/s" if self.answers else "CPU per answer"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, ready to print, and whether the target is met (None: no target, or no figure)."""

    title: str
    measure: str
    measured: str
    target: str
    met: Optional[bool]


RATIOS: Tuple[Ratio, ...] = (
    Ratio("GET from memory : Webdis GET", MEMORY, WEBDIS, GET, True, 1.8),
    Ratio("GET from memory : Webdis GET", MEMORY, WEBDIS, GET, False, 0.45),
    Ratio("GET through Redis : Webdis GET", REDIS, WEBDIS, GET, True, 1.45),
    Ratio("GET through Redis : Webdis GET", REDIS, WEBDIS, GET, False, 0.65),
    Ratio("GET through Redis : Webdis GET, 10,000 keys", REDIS, WEBDIS, GET_RANDOM, True, None),
    Ratio("GET through Redis : Webdis GET, 10,000 keys", REDIS, WEBDIS, GET_RANDOM, False, None),
    Ratio("SET through Redis : Webdis SETEX", REDIS, WEBDIS, SET, True, 1.25),
    Ratio("SET through Redis : Webdis SETEX", REDIS, WEBDIS, SET, False, None),
    Ratio("GET from memory : nginx `return 200`", MEMORY, NGINX, GET, True, None),
    Ratio("GET from memory : nginx `return 200`", MEMORY, NGINX, GET, False, 1.35),
    Ratio("GET through Redis : FastAPI GET", REDIS, FASTAPI, GET, True, 30),
    Ratio("SET through Redis : FastAPI SET", REDIS, FASTAPI, SET, True, None),
    Ratio("GET from memory : the same without metrics", MEMORY, UNCOUNTED, GET, False, 1.03),
    Ratio("GET from memory with an API key : without", KEYS, MEMORY, GET, False, 1.02),
    Ratio("GET from memory, fast lane off : Hummingbird route", ROUTER, HUMMINGBIRD, GET, True, None),
    Ratio("GET from memory, fast lane off : Hummingbird route", ROUTER, HUMMINGBIRD, GET, False, 1.25),
    Ratio("batch of 100 gets from memory : single GETs", MEMORY, MEMORY, GET_BATCH, True, None, GET),
    Ratio("batch of 100 gets from memory : single GETs", MEMORY, MEMORY, GET_BATCH, False, 0.1, GET),
    Ratio("batch of 100 gets through Redis : single GETs", REDIS, REDIS, GET_BATCH, True, None, GET),
    Ratio("batch of 100 gets through Redis : single GETs", REDIS, REDIS, GET_BATCH, False, 0.1, GET),
    Ratio("batch of 100 sets from memory : single SETs", MEMORY, MEMORY, SET_BATCH, False, None, SET),
    Ratio("batch of 100 sets through Redis : single SETs", REDIS, REDIS, SET_BATCH, False, None, SET),
    Ratio("batch of 100 gets through Redis : Webdis MGET of 100", REDIS, WEBDIS, GET_BATCH, True, None),
    Ratio("batch of 100 gets through Redis : Webdis MGET of 100", REDIS, WEBDIS, GET_BATCH, False, None),
    Ratio("batch of 100 sets through Redis : Webdis MSET of 100, without a TTL", REDIS, WEBDIS, SET_BATCH, True, None),
    Ratio("batch of 100 sets through Redis : Webdis MSET of 100, without a TTL", REDIS, WEBDIS, SET_BATCH, False, None),
    Ratio("GET from memory, h2c : HTTP/1", MEMORY, MEMORY, GET_H2, False, None, GET),
    Ratio("GET through Redis, h2c : HTTP/1", REDIS, REDIS, GET_H2, False, None, GET),
    Ratio("SET through Redis, h2c : HTTP/1", REDIS, REDIS, SET_H2, False, None, SET),
    Ratio("GET from memory, h2c : nginx `return 200`, h2c", MEMORY, NGINX_H2, GET_H2, True, None),
    Ratio("GET from memory, h2c : nginx `return 200`, h2c", MEMORY, NGINX_H2, GET_H2, False, 1.5),
    Ratio("GET through Redis, h2c : nginx `return 200`, h2c", REDIS, NGINX_H2, GET_H2, False, None),
    Ratio("GET from memory, h2c : Hummingbird route, h2c", MEMORY, HUMMINGBIRD_H2, GET_H2, True, None),
    Ratio("GET from memory, h2c : Hummingbird route, h2c", MEMORY, HUMMINGBIRD_H2, GET_H2, False, 0.25),
    Ratio("GET through Redis, h2c : Hummingbird route, h2c", REDIS, HUMMINGBIRD_H2, GET_H2, False, None),
)

P99_LIMIT_US = 6000
ONE_CONNECTION_P50_LIMIT_US = 40
READY_LIMIT_MS = 150
RESIDENT_LIMIT_KIB = 30 * 1024


def table_rows(measurements: Measurements, startups: Sequence[Startup]) -> List[Row]:
    """Every line of the table of ratios and targets."""
    rows = [_ratio_row(ratio, measurements.samples) for ratio in RATIOS]
    rows += [_tail_row(measurements.samples, peer, operation) for peer in (MEMORY, REDIS) for operation in (GET, GET_RANDOM, SET)]
    rows.append(_one_connection_row(measurements.samples))
    rows += [_limit_row(f"exec to first /health, {startup.peer}", "ms", startup.ready_ms, READY_LIMIT_MS, 1.0) for startup in startups]
    rows += [
        _limit_row(f"resident memory at rest, {startup.peer}", "MiB", startup.resident_kib, RESIDENT_LIMIT_KIB, 1024.0) for startup in startups
    ]
    return rows


def ratios_by_round(ratio: Ratio, samples: Sequence[Sample]) -> List[float]:
    """One ratio per round in which both sides ran without a wrong answer."""
    figure = ANSWERS if ratio.answers else CPU
    sides = ((ratio.ours, ratio.operation), (ratio.theirs, ratio.their_operation or ratio.operation))
    ours, theirs = ({s.round: s for s in select(samples, peer, operation, compared_at(operation))} for peer, operation in sides)
    pairs = [(ours[number], theirs[number]) for number in sorted(ours.keys() & theirs.keys())]
    return [figure(mine) / figure(other) for mine, other in pairs if not _failed(mine) and not _failed(other) and figure(other) > 0]


def select(samples: Sequence[Sample], peer: str, operation: str, connections: int) -> List[Sample]:
    """The samples of one cell, in the order of the rounds."""
    return [s for s in samples if (s.peer, s.operation, s.connections) == (peer, operation, connections)]


def errors_of(samples: Sequence[Sample]) -> int:
    """Answers of 400 and above and socket errors (timeouts included) of all these samples."""
    return sum(s.load.status_errors + s.load.socket_errors for s in samples)


def _failed(sample: Sample) -> bool:
    return sample.load.requests == 0 or sample.load.status_errors > 0


def _ratio_row(ratio: Ratio, samples: Sequence[Sample]) -> Row:
    values = ratios_by_round(ratio, samples)
    target = "" if ratio.target is None else f"{'>=' if ratio.answers else '<='} {ratio.target:g}x"
    if not values:
        return Row(ratio.title, ratio.measure, "not measured", target, None)
    middle = statistics.median(values)
    digits = 1 if middle >= 10 else 2 if middle >= 0.1 else 3
    text = f"{middle:.{digits}f}x ({min(values):.{digits}f}–{max(values):.{digits}f})"
    if ratio.target is None:
        return Row(ratio.title, ratio.measure, text, target, None)
    return Row(ratio.title, ratio.measure, text, target, middle >= ratio.target if ratio.answers else middle <= ratio.target)


def _tail_row(samples: Sequence[Sample], peer: str, operation: str) -> Row:
    chosen = select(samples, peer, operation, COMPARED_CONNECTIONS)
    title, target = f"{operation}, {peer}", f"< {P99_LIMIT_US / 1000:g} ms, no errors"
    if not chosen:
        return Row(title, "p99", "not measured", target, None)
    values = [s.load.p99_us for s in chosen]
    middle, errors = statistics.median(values), errors_of(chosen)
    text = f"{middle / 1000:.2f} ms ({min(values) / 1000:.2f}–{max(values) / 1000:.2f}), {errors} errors"
    return Row(title, "p99", text, target, middle < P99_LIMIT_US and errors == 0)


def _one_connection_row(samples: Sequence[Sample]) -> Row:
    values = [s.load.p50_us for s in select(samples, MEMORY, GET, 1) if not _failed(s)]
    return _limit_row(f"{GET}, {MEMORY}, one connection: p50", "us", values, ONE_CONNECTION_P50_LIMIT_US, 1.0)


def _limit_row(title: str, unit: str, values: Sequence[float], limit: float, scale: float) -> Row:
    target = f"< {limit / scale:g} {unit}"
    if not values:
        return Row(title, unit, "not measured", target, None)
    middle = statistics.median(values)
    text = f"{middle / scale:.1f} {unit} ({min(values) / scale:.1f}–{max(values) / scale:.1f})"
    return Row(title, unit, text, target, middle < limit)
