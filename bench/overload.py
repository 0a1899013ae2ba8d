#!/usr/bin/env python3
"""What clients get when there is ten times the load that can be carried: `python3 bench/overload.py`. See README.md beside this file."""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time
from typing import List

from harness.fault_proxy import FaultProxy
from harness.load import Load, run_load
from harness.outage import Line, render, wait_connected
from harness.peers import MEMORY, REDIS, Service
from harness.process import stop_all
from harness.redis_server import Redis
from harness.tools import find_tool
from harness.workload import GET

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SECONDS = 8
PROMISE_MS = 50.0
FULL, TENFOLD = 64, 640
# Replies of Redis to GET have about ninety bytes here: two thousand a second.
NARROW_BYTES, NARROW_REPLIES = 180_000, 2_000


def line(what: str, loads: List[Load], capacity: float) -> Line:
    """The worst round counts."""
    p99 = max(load.p99_us for load in loads) / 1000
    answers = statistics.median(load.answers_per_second for load in loads)
    # The embedded store stands in for a Redis that is too slow, and does not have what only Redis has.
    other = sum(load.status_errors for load in loads)
    lost = sum(load.socket_errors for load in loads)
    share = f", {answers / capacity:.1f} times what Redis can" if capacity else ""
    measured = f"p99 {p99:.1f} ms, {answers:,.0f} answers/s{share}, {other:,} misses, {lost} lost"
    return Line(what, measured, f"p99 < {PROMISE_MS:.0f} ms, none lost", p99 < PROMISE_MS and lost == 0)


def in_memory(wrk: str, service: Service, directory: pathlib.Path, rounds: int) -> List[Line]:
    """Saturation by 64 connections that always ask, then by ten times as many."""
    server = service.start(directory, None)
    service.seed(server, None, GET)
    lines = []
    for connections in (FULL, TENFOLD):
        loads = [run_load(wrk, [server], service.script(GET), connections, SECONDS) for _ in range(rounds)]
        lines.append(line(f"embedded store, {connections} connections that always ask", loads, 0))
    server.stop()
    return lines


def on_redis(wrk: str, service: Service, redis_program: str, directory: pathlib.Path, rounds: int) -> List[Line]:
    """A Redis that is given so little of the network that it can answer but few."""
    redis = Redis(redis_program, directory)
    proxy = FaultProxy(redis.port, directory)
    server = service.start(directory, proxy)
    wait_connected(server)
    service.seed(server, redis, GET)
    lines = []
    for connections in (FULL, TENFOLD):
        loads = []
        for _ in range(rounds):
            proxy.command(f"narrow {NARROW_BYTES}")
            loads.append(run_load(wrk, [server], service.script(GET), connections, SECONDS))
            proxy.command("pass")
            wait_connected(server)
            time.sleep(0.5)
        lines.append(line(f"Redis that can answer {NARROW_REPLIES:,} a second, {connections} connections that always ask", loads, NARROW_REPLIES))
    server.stop()
    proxy.stop()
    redis.stop()
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    wrk, redis_program = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server")
    if wrk is None or redis_program is None or not arguments.service.is_file():
        sys.exit("needs wrk, redis-server and the program (make build)")
    program = arguments.service.resolve()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = pathlib.Path(name)
        try:
            lines = in_memory(wrk, Service(MEMORY, program), directory, arguments.rounds)
            lines += on_redis(wrk, Service(REDIS, program, uses_redis=True), redis_program, directory, arguments.rounds)
        finally:
            stop_all()
    print(render(lines))


if __name__ == "__main__":
    main()
