"""Which peers can run on this machine, and one clear line for each that cannot."""

import hashlib
import pathlib
from typing import List, Optional, Type

from .exchange import Answer, ask
from .peers import (
    FASTAPI,
    API_KEY,
    HUMMINGBIRD,
    HUMMINGBIRD_H2,
    KEYS,
    MEMORY,
    NGINX,
    NGINX_H2,
    REDIS,
    ROUTER,
    UNCOUNTED,
    WEBDIS,
    FastAPI,
    HummingbirdRoute,
    Nginx,
    Peer,
    Service,
    WrongAnswer,
    nominal_reference,
)
from .http2_peers import HummingbirdHTTP2, NginxHTTP2
from .process import NotReady
from .rounds import Measurements, Plan
from .tools import find_tool, python_with_packages
from .webdis import Webdis
from .workload import FIXED_KEY, GET, SET


def services(program: pathlib.Path, measurements: Measurements) -> List[Service]:
    """The service in the configurations that are measured; none when it has not been built."""
    if not program.is_file():
        measurements.leave_out("service", f"there is no program at {program}")
        return []
    program = program.resolve()
    # A hundred others before the one that is used: what a well-filled file costs.
    hashes = [hashlib.sha256(secret.encode()).hexdigest() for secret in [f"other-{number}" for number in range(99)] + [API_KEY]]
    api_keys = ";".join(f"key-{number} sha256:{digest} all" for number, digest in enumerate(hashes))
    return [
        Service(MEMORY, program),
        # Without copies: what is compared is the way to Redis. bench/near.py measures what copies give.
        Service(REDIS, program, settings={"NEAR_CACHE": "off"}, uses_redis=True),
        Service(ROUTER, program, settings={"FAST_LANE": "off"}, operations=(GET, SET)),
        Service(KEYS, program, settings={"API_KEYS": api_keys}, operations=(GET,), api_key=API_KEY),
        Service(UNCOUNTED, program, settings={"METRICS": "off", "ACCESS_LOG": "off"}, operations=(GET,)),
    ]


def line_up(
    plan: Plan,
    services: List[Service],
    bare_route: pathlib.Path,
    redis_program: Optional[str],
    virtual_environment: pathlib.Path,
    directory: pathlib.Path,
    measurements: Measurements,
) -> List[Peer]:
    """The peers that `plan` asks for, in the order of the first round: what is compared stands side by side."""
    own = {service.name: service for service in services}
    found = {
        NGINX: lambda: _nginx(Nginx, own.get(MEMORY), directory, measurements),
        NGINX_H2: lambda: _nginx(NginxHTTP2, own.get(MEMORY), directory, measurements),
        MEMORY: lambda: own.get(MEMORY),
        WEBDIS: lambda: _webdis(measurements),
        REDIS: lambda: own.get(REDIS),
        FASTAPI: lambda: _fastapi(virtual_environment, measurements),
        ROUTER: lambda: own.get(ROUTER),
        UNCOUNTED: lambda: own.get(UNCOUNTED),
        KEYS: lambda: own.get(KEYS),
        HUMMINGBIRD: lambda: _hummingbird(HummingbirdRoute, bare_route, measurements),
        HUMMINGBIRD_H2: lambda: _hummingbird(HummingbirdHTTP2, bare_route, measurements),
    }
    peers = []
    for name, find in found.items():
        if not plan.wants_any_of(name):
            continue
        peer = find()
        if peer is not None and peer.uses_redis and redis_program is None:
            measurements.leave_out(name, "the Debian package redis-server is not installed")
        elif peer is not None:
            peers.append(peer)
    return peers


def _nginx(kind: Type[Nginx], service: Optional[Service], directory: pathlib.Path, measurements: Measurements) -> Optional[Nginx]:
    program = find_tool("nginx", "nginx")
    if program is None:
        measurements.leave_out(kind.name, "the Debian package nginx is not installed")
        return None
    return kind(program, _reference(service, directory, measurements))


def _webdis(measurements: Measurements) -> Optional[Webdis]:
    program = find_tool("webdis", "webdis")
    if program is None:
        measurements.leave_out(WEBDIS, "the Debian package webdis is not installed")
        return None
    return Webdis(program)


def _fastapi(virtual_environment: pathlib.Path, measurements: Measurements) -> Optional[FastAPI]:
    python = python_with_packages(virtual_environment)
    if python is None:
        measurements.leave_out(FASTAPI, "its packages could not be installed from PyPI")
        return None
    return FastAPI(python)


def _hummingbird(kind: Type[HummingbirdRoute], program: pathlib.Path, measurements: Measurements) -> Optional[HummingbirdRoute]:
    if not program.is_file():
        measurements.leave_out(kind.name, f"there is no program at {program}")
        return None
    return kind(program.resolve())


def _reference(service: Optional[Service], directory: pathlib.Path, measurements: Measurements) -> Answer:
    """The service's own answer to GET, which nginx is to match in size."""
    if service is None:
        return nominal_reference()
    try:
        server = service.start(directory, None)
        try:
            service.seed(server, None, GET)
            service.check(server, None, GET)
            return ask(server.port, "GET", f"/cache/{FIXED_KEY}")
        finally:
            server.stop()
    except (NotReady, WrongAnswer, OSError, ValueError) as error:
        measurements.leave_out("size of the service's answer (nginx answers with a nominal one)", str(error))
        return nominal_reference()
