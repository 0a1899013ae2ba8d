"""A tag that a million values bear: how long its invalidation takes, and how long it holds up the others."""

import json
import pathlib
import socket
import sys
import time
from typing import Callable, List

from .exchange import Connection
from .outage import Line, wait_connected
from .peers import Service, WrongAnswer
from .process import Server
from .redis_server import Redis

# As many operations as a batch may have by default.
BATCH = 1000
INVALIDATION_MS, DELAY_MS = 2.0, 5.0
WATCHED_SECONDS = 2.0
TIMED, WATCHED = "timed", "watched"


def longest(server: Server, event: Callable[[], None], path: str = "/cache/another") -> float:
    """Milliseconds of the longest of the reads, one after the other, around an event."""
    times: List[float] = []
    with Connection(server.port) as reader:
        start, is_over = time.monotonic(), False
        while (sent := time.monotonic()) < start + WATCHED_SECONDS:
            if not is_over and sent > start + WATCHED_SECONDS / 4:
                event()
                is_over = True
            sent = time.monotonic()
            reader.ask("GET", path)
            times.append((time.monotonic() - sent) * 1000)
    return max(times)


def store(server: Server, count: int) -> None:
    """Values that bear both tags."""
    with Connection(server.port, timeout=60.0) as connection:
        for first in range(0, count, BATCH):
            operations = [
                {"op": "set", "key": f"bench-tagged-{number:07d}", "value": number, "ttl": 3600, "tags": [TIMED, WATCHED]}
                for number in range(first, min(first + BATCH, count))
            ]
            answer = connection.ask("POST", "/cache/batch", json.dumps({"operations": operations}).encode())
            if answer.body.count(b'"status":200') != len(operations):
                raise WrongAnswer(f"not stored: {answer.status} {answer.body[:300]!r}")


def invalidation(tag: str) -> bytes:
    """The body of the request."""
    return json.dumps({"tag": tag}).encode()


def invalidations(service: Service, redis_program: str, directory: pathlib.Path, count: int) -> List[Line]:
    """One invalidation that is timed, and one among reads."""
    redis = Redis(redis_program, directory)
    server = None
    try:
        server = service.start(directory, redis)
        if service.uses_redis:
            wait_connected(server)
        store(server, count)
        last = f"/cache/bench-tagged-{count - 1:07d}"
        with Connection(server.port) as connection:
            for _ in range(3):
                require(connection.ask("GET", last).status == 200)
            began = time.monotonic()
            require(connection.ask("POST", "/cache/invalidate", invalidation(TIMED)).status == 200)
            took = (time.monotonic() - began) * 1000
            require(connection.ask("GET", last).status == 404)
        nothing = longest(server, lambda: None)
        with socket.create_connection(("127.0.0.1", server.port), 10.0) as client:
            body = invalidation(WATCHED)
            request = b"POST /cache/invalidate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            watched = longest(server, lambda: client.sendall(request))
            require(client.recv(65536).startswith(b"HTTP/1.1 200"))
    finally:
        if server is not None:
            server.stop()
        redis.stop()
    print(f"{service.name}: longest of the reads of {WATCHED_SECONDS:.0f} s, one after the other; without any event: {nothing:.2f} ms", file=sys.stderr)
    delay = watched - nothing
    return [
        Line(f"{service.name}: invalidation of a tag that {count:,} values bear", f"{took:.2f} ms", f"< {INVALIDATION_MS:.0f} ms", took < INVALIDATION_MS),
        Line(f"{service.name}: longest of the reads meanwhile: longer than without by", f"{delay:.2f} ms", f"< {DELAY_MS:.0f} ms", delay < DELAY_MS),
    ]


def require(condition: bool) -> None:
    if not condition:
        raise WrongAnswer("the tagged values are not as they should be")
