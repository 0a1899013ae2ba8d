"""Very many clients who ask at once for a value that is not there, over two instances on one Redis."""

import json
import pathlib
import selectors
import socket
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Dict, List, Optional

from .exchange import HEAD_END, ask
from .outage import Line, wait_connected
from .peers import Service
from .redis_server import Redis

CLIENTS = 500
COMPUTATION_SECONDS, ANSWERED_MS, HEIR_MS = 0.2, 250.0, 100.0
WAIT_MS, LEASE_SECONDS, SHORT_LEASE_SECONDS = 3000, 5, 1
FIELD = b"cache-lease:"


@dataclass
class Stampede:
    """What one of them has shown. Times are of the monotonic clock."""

    began: float = 0.0
    granted: List[float] = field(default_factory=list)
    statuses: Dict[int, int] = field(default_factory=dict)
    filled: float = 0.0
    last: float = 0.0
    wrong: int = 0


class Clients:
    """Their connections, one request each."""

    def __init__(self, ports: List[int], key: str):
        self._selector = selectors.DefaultSelector()
        self._key, self._ports = key, ports
        for number in range(CLIENTS):
            client = socket.create_connection(("127.0.0.1", ports[number % len(ports)]), 10.0)
            self._selector.register(client, selectors.EVENT_READ, bytearray())

    def run(self, lease: int, holders_who_die: int) -> Stampede:
        """Asks, and fills as the first holder who does not die."""
        seen = Stampede()
        request = f"GET /cache/{self._key}?lease={lease}&wait={WAIT_MS} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
        seen.began = time.monotonic()
        for entry in list(self._selector.get_map().values()):
            entry.fileobj.sendall(request)
        fill: Optional[threading.Timer] = None
        open_requests = CLIENTS
        while open_requests and (ready := self._selector.select(timeout=10.0)):
            for entry, _ in ready:
                entry.data.extend(entry.fileobj.recv(65536))
                if HEAD_END not in entry.data:
                    continue
                now = time.monotonic()
                token = self._note(bytes(entry.data), seen, now)
                self._selector.unregister(entry.fileobj)
                entry.fileobj.close()
                open_requests -= 1
                if token and len(seen.granted) > holders_who_die and fill is None:
                    fill = threading.Timer(COMPUTATION_SECONDS, self._fill, (token, seen))
                    fill.start()
        if fill is not None:
            fill.join()
        seen.wrong += open_requests
        self._selector.close()
        return seen

    def _note(self, answer: bytes, seen: Stampede, now: float) -> str:
        """The lease that came with the answer, or nothing."""
        status = int(answer[9:12])
        seen.statuses[status] = seen.statuses.get(status, 0) + 1
        lines = [line for line in answer.split(HEAD_END)[0].lower().split(b"\r\n") if line.startswith(FIELD)]
        token = lines[0].partition(b":")[2].strip().decode() if lines else ""
        if token and token != "held":
            seen.granted.append(now)
            return token
        seen.last = now
        seen.wrong += 0 if status == 200 and b"computed" in answer else 1
        return ""

    def _fill(self, token: str, seen: Stampede) -> None:
        body = json.dumps({"key": self._key, "value": "computed", "ttl": 60}).encode()
        seen.filled = time.monotonic()
        answer = ask(self._ports[0], "POST", "/cache", body, fields=f"Cache-Lease: {token}")
        seen.wrong += 0 if answer.status == 200 else 1


def stampedes(service: Service, redis_program: str, directory: pathlib.Path, rounds: int) -> List[Line]:
    """The worst round counts: a promise is not a median."""
    redis = Redis(redis_program, directory)
    servers = []
    try:
        servers = [service.start(directory, redis) for _ in range(2)]
        for server in servers:
            wait_connected(server)
        ports = [server.port for server in servers]
        kept = [Clients(ports, f"kept-{number}").run(LEASE_SECONDS, 0) for number in range(rounds)]
        lost = [Clients(ports, f"lost-{number}").run(SHORT_LEASE_SECONDS, 1) for number in range(rounds)]
    finally:
        for server in servers:
            server.stop()
        redis.stop()
    for seen in kept + lost:
        print(f"leases {len(seen.granted)}, {seen.statuses}, wrong {seen.wrong}, last {(seen.last - seen.filled) * 1000:.1f} ms after the fill", file=sys.stderr)
    last = [(seen.last - seen.filled) * 1000 for seen in kept]
    # The first lease began when its answer was on its way at the latest, and when the first request was sent at the earliest. The latter is taken.
    heirs = [(seen.granted[1] - seen.began - SHORT_LEASE_SECONDS) * 1000 if len(seen.granted) > 1 else float("inf") for seen in lost]
    wrong = sum(seen.wrong for seen in kept + lost)
    computed, granted = max(len(seen.granted) for seen in kept), max(len(seen.granted) for seen in lost)
    return [
        Line(f"{CLIENTS} clients, two instances: computations", str(computed), "1", computed == 1),
        Line("of the others, without the value", str(wrong), "0", wrong == 0),
        _worst("the last of them has it, after the fill", last, ANSWERED_MS),
        Line("the holder dies: leases in all", str(granted), "2", granted == 2),
        _worst("the second is given, after the end of the first", heirs, HEIR_MS),
    ]


def _worst(what: str, times: List[float], limit: float) -> Line:
    worst = max(times)
    return Line(what, f"{statistics.median(times):.0f} ms (worst round {worst:.0f})", f"< {limit:.0f} ms", worst < limit)
