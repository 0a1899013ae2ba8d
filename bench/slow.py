#!/usr/bin/env python3
"""What thousands of slow connections do to the others: `python3 bench/slow.py`. See README.md beside this file."""

import argparse
import pathlib
import resource
import socket
import statistics
import sys
import tempfile
import threading
import time
from typing import List

from harness.load import run_load
from harness.outage import Line, render
from harness.peers import MEMORY, Service
from harness.process import stop_all
from harness.tools import find_tool
from harness.workload import GET

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
OTHERS = 16
HEAD = b"GET /cache/slow HTTP/1.1\r\nHost: h\r\nX-Slow: " + b"y" * 4000


class SlowClients:
    """Connections that send a byte of a head each second, evenly over it or all at once, and come back when they are closed."""

    SLICES = 100

    def __init__(self, port: int, count: int, is_burst: bool):
        self.closed = 0
        self._is_burst = is_burst
        self._port = port
        self._over = threading.Event()
        self._connections: List[socket.socket] = [self._open() for _ in range(count)]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _open(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), 10)
        connection.setblocking(False)
        connection.send(HEAD[:1])
        return connection

    def _run(self) -> None:
        place = 1
        while not self._over.is_set():
            due = time.monotonic()
            for part in range(self.SLICES):
                for index in range(part, len(self._connections), self.SLICES):
                    self._drip(index, place)
                due += 1 / self.SLICES
                if not self._is_burst:
                    self._over.wait(max(0.0, due - time.monotonic()))
            self._over.wait(max(0.0, due - time.monotonic()))
            place += 1

    def _drip(self, index: int, place: int) -> None:
        try:
            self._connections[index].send(HEAD[place % len(HEAD) : place % len(HEAD) + 1])
        except OSError:
            self.closed += 1
            self._connections[index].close()
            try:
                self._connections[index] = self._open()
            except OSError:
                pass

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)
        for connection in self._connections:
            connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--slow", type=int, default=10_000, help="slow connections (default 10000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--burst", action="store_true", help="all of them send at the same moment")
    arguments = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wrk = find_tool("wrk", "wrk")
    if wrk is None or not arguments.service.is_file() or hard < arguments.slow + 200:
        sys.exit("needs wrk, the program (make build) and as many open files as slow connections")
    service = Service(MEMORY, arguments.service.resolve(), settings={"CONNECTIONS_MAX": str(arguments.slow + 100), "REQUEST_TIMEOUT_SECONDS": "10"})
    alone, among = [], []
    closed = 0
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        try:
            server = service.start(pathlib.Path(name), None)
            service.seed(server, None, GET)
            for _ in range(arguments.rounds):
                alone.append(run_load(wrk, [server], service.script(GET), OTHERS, 5))
                slow = SlowClients(server.port, arguments.slow, arguments.burst)
                time.sleep(2)
                among.append(run_load(wrk, [server], service.script(GET), OTHERS, 15))
                slow.stop()
                closed += slow.closed
                # Thousands of connections end at once now, which is no part of the next round.
                time.sleep(3)
        finally:
            stop_all()
    p99 = [statistics.median(load.p99_us for load in loads) / 1000 for loads in (alone, among)]
    errors = sum(load.status_errors + load.socket_errors for load in among)
    print(render([
        Line(f"p99 of {OTHERS} others: alone", f"{p99[0]:.1f} ms", "", None),
        Line(f"p99 of {OTHERS} others: among {arguments.slow:,} slow connections", f"{p99[1]:.1f} ms, {errors} errors", "< 50 ms, no errors", p99[1] < 50 and errors == 0),
        Line("slow connections closed when their time was over", f"{closed:,}", "> 0", closed > 0),
    ]))


if __name__ == "__main__":
    main()
