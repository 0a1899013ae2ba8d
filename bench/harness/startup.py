"""What the service costs before any load: from exec to its first answer, and memory at rest."""

import pathlib
import time
from dataclasses import dataclass
from typing import List, Optional, Sequence

from .peers import MEMORY, REDIS, Service
from .process import NotReady
from .redis_server import Redis
from .rounds import Measurements, Plan

REST_SECONDS = 2.0


@dataclass(frozen=True)
class Startup:
    """One configuration of the service: all figures, in the order in which they were taken."""

    peer: str
    ready_ms: List[float]
    resident_kib: List[int]


def measure_startups(
    plan: Plan,
    services: Sequence[Service],
    redis_program: Optional[str],
    starts: int,
    rests: int,
    directory: pathlib.Path,
    measurements: Measurements,
) -> List[Startup]:
    """The service from memory and through Redis, if `plan.only` finds "peer/startup"."""
    startups = []
    for service in services:
        wanted = service.name in (MEMORY, REDIS) and plan.only.search(f"{service.name}/startup")
        if not wanted or (service.uses_redis and redis_program is None):
            continue
        redis = Redis(redis_program, directory) if service.uses_redis and redis_program else None
        try:
            startups.append(_measure(service, redis, directory, starts, rests))
        except NotReady as error:
            measurements.leave_out(f"{service.name}, startup", str(error))
        finally:
            if redis is not None:
                redis.server.stop()
    return startups


def _measure(service: Service, redis: Optional[Redis], directory: pathlib.Path, starts: int, rests: int) -> Startup:
    """`starts` starts until the first 200 to GET /health, of which the first `rests` are left alone and then weighed."""
    ready_ms, resident_kib = [], []
    for index in range(starts):
        server = service.start(directory, redis)
        try:
            ready_ms.append(server.ready_seconds * 1000)
            if index < rests:
                time.sleep(max(0.0, server.started_at + REST_SECONDS - time.monotonic()))
                resident_kib.append(server.resident_kib())
        finally:
            server.stop()
    return Startup(service.name, ready_ms, resident_kib)
