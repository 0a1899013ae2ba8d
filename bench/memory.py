#!/usr/bin/env python3
"""What clients without a key can make the service hold: answers that nobody reads, bodies that never end: `python3 bench/memory.py`."""

import argparse
import hashlib
import pathlib
import resource
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Dict, List

from harness.exchange import ask
from harness.outage import Line, conclude
from harness.peers import MEMORY, Service
from harness.process import Server, stop_all

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
ATTACK_SECONDS = 10.0
REST_SECONDS = 3.0
PIPELINED = 1100
# A client that is asked for a key, and has none.
KEYS = f"k sha256:{hashlib.sha256(b'nobody').hexdigest()} all"


@dataclass(frozen=True)
class Attack:
    name: str
    connections: int
    sends: bytes
    settings: Dict[str, str]
    # The most that resident memory may grow, in MiB: what the bounds allow.
    growth: int


ATTACKS = [
    Attack("answers that nobody reads, the codec's path", 250, b"GET http://x/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * PIPELINED, {}, 80),
    Attack("the same, HTTP/1.0 kept alive", 250, b"GET /openapi.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * PIPELINED, {}, 80),
    Attack("the same, the router's path", 250, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * PIPELINED, {}, 80),
    Attack("the same, the fast lane off", 250, b"GET /cache/none HTTP/1.1\r\nHost: x\r\n\r\n" * PIPELINED * 4, {"FAST_LANE": "off"}, 80),
    Attack(
        "bodies without a key", 400, b"POST /cache HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + b" " * 1_040_000,
        {"API_KEYS": KEYS}, 80),
    Attack(
        "bodies if everybody may send them", 400,
        b"POST /cache HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + b" " * 1_040_000, {}, 128 + 64),
]


class SilentClients:
    """Connections that send what the sockets take, and read nothing."""

    def __init__(self, port: int, attack: Attack):
        self._left: List[List] = []
        for _ in range(attack.connections):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            self._left.append([connection, memoryview(attack.sends)])

    def send(self) -> None:
        for entry in self._left:
            try:
                if entry[1]:
                    entry[1] = entry[1][entry[0].send(entry[1]) :]
            except BlockingIOError:
                pass
            except OSError:
                entry[1] = entry[1][:0]  # Being cut off is what they are for.

    def close(self) -> None:
        for connection, _ in self._left:
            connection.close()


def run(service: Service, attack: Attack, directory: pathlib.Path) -> List[Line]:
    server: Server = service.start(directory, None)
    ask(server.port, "GET", "/health/live")
    before = peak = server.resident_kib() / 1024
    slowest = 0.0
    clients = SilentClients(server.port, attack)
    end = time.monotonic() + ATTACK_SECONDS
    while time.monotonic() < end:
        clients.send()
        begin = time.monotonic()
        assert ask(server.port, "GET", "/health/live").status == 200
        slowest = max(slowest, time.monotonic() - begin)
        peak = max(peak, server.resident_kib() / 1024)
    clients.close()
    time.sleep(REST_SECONDS)
    after = server.resident_kib() / 1024
    server.stop()
    return [
        Line(
            f"{attack.name}: resident memory before, at most, after", f"{before:.0f}, {peak:.0f}, {after:.0f} MiB", f"grows < {attack.growth} MiB",
            peak - before < attack.growth),
        Line(f"{attack.name}: slowest answer to a probe", f"{slowest * 1000:.0f} ms", "", None),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not arguments.service.is_file():
        sys.exit("needs the program (make build)")
    lines: List[Line] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        try:
            for attack in ATTACKS:
                lines += run(Service(MEMORY, arguments.service.resolve(), settings=attack.settings), attack, pathlib.Path(name))
        finally:
            stop_all()
    conclude(lines)


if __name__ == "__main__":
    main()
