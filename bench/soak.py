#!/usr/bin/env python3
"""A long run: mixed load, hostile clients and a failing Redis, while memory, open files and event loops must stay as they are: `make soak`."""

import argparse
import pathlib
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Dict, List

from harness.exchange import Connection, ask
from harness.fault_proxy import FaultProxy
from harness.hostile import HostileClients
from harness.load import Load, run_load
from harness.outage import FAULTS, MIXED, Line, conclude, wait_connected
from harness.peers import REDIS, Service
from harness.process import Server, stop_all
from harness.redis_server import Redis
from harness.tools import find_tool

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 2.0
HOSTILE_CLIENTS = 8
CONNECTIONS = 32
# Resident memory and open files of the last third of a run against its first, warm-up left out.
MEMORY_GROWTH_MIB = 16.0
FILES_GROWTH = 32


@dataclass(frozen=True)
class Reading:
    """What the service says of itself at one moment."""

    resident_mib: float
    open_files: float
    threads: float


def read(server: Server) -> Reading:
    figures: Dict[str, float] = {}
    for line in ask(server.port, "GET", "/metrics").body.decode().splitlines():
        found = re.match(r"(process_\w+) (\S+)$", line)
        if found:
            figures[found.group(1)] = float(found.group(2))
    return Reading(figures["process_resident_memory_bytes"] / 2**20, figures["process_open_fds"], figures["process_threads"])


def event_loop_delays(server: Server) -> List[float]:
    """Cumulated counts of the histogram of delays."""
    text = ask(server.port, "GET", "/metrics").body.decode()
    return [float(count) for count in re.findall(r"^cacheagent_event_loop_delay_seconds_bucket\{le=\"[^\"]+\"\} (\S+)$", text, re.MULTILINE)]


def fail_redis(redis: Redis, proxy: FaultProxy, over: threading.Event, well: threading.Event, leave: threading.Event, seed: int, counts: Dict[str, int]) -> None:
    """One fault after another, with pauses in which Redis comes back. Sets `well` after the last, and stays until `leave`: a server that this thread
    has started ends with it, since the kernel takes the thread for its parent."""
    chance = random.Random(seed)
    while not over.wait(3 + chance.random() * 3):
        fault = chance.choice(FAULTS[1:])
        fault.begin(redis, proxy)
        over.wait(0.2 + chance.random() * 2)
        fault.end(redis, proxy)
        counts[fault.name] = counts.get(fault.name, 0) + 1
    well.set()
    leave.wait()


def soak(wrk: str, service: Service, redis_program: str, directory: pathlib.Path, seconds: int, seed: int) -> List[Line]:
    redis = Redis(redis_program, directory)
    proxy = FaultProxy(redis.port, directory)
    server = service.start(directory, proxy)
    over, well, leave = threading.Event(), threading.Event(), threading.Event()
    faults: Dict[str, int] = {}
    loads: List[Load] = []
    readings: List[Reading] = []
    try:
        wait_connected(server)
        with Connection(server.port) as connection:
            connection.ask("POST", "/cache", b'{"key":"large","value":"' + b"x" * 100_000 + b'"}')
        process = server.process.pid
        hostile = HostileClients(server.port, HOSTILE_CLIENTS, seed)
        director = threading.Thread(target=fail_redis, args=(redis, proxy, over, well, leave, seed, faults))
        loader = threading.Thread(target=lambda: loads.append(run_load(wrk, [server], MIXED, CONNECTIONS, seconds)))
        director.start()
        loader.start()
        while loader.is_alive():
            time.sleep(SAMPLE_SECONDS)
            readings.append(read(server))
        over.set()
        well.wait()
        hostile.stop()
        wait_connected(server)
        delays = event_loop_delays(server)
        is_alive = server.process.poll() is None and server.process.pid == process
    finally:
        over.set()
        leave.set()
        server.stop()
        proxy.stop()
        redis.stop()
    return report(seconds, loads, readings, hostile.attacks, faults, delays, is_alive)


def report(
    seconds: int, loads: List[Load], readings: List[Reading], attacks: int, faults: Dict[str, int], delays: List[float], is_alive: bool
) -> List[Line]:
    if not loads:
        return [Line("the load", "broke off", "runs to its end", False)]
    load = loads[0]
    third = max(1, len(readings) // 3)
    first, last = readings[third // 2 : third + third // 2] or readings[:1], readings[-third:]
    memory = [statistics.median(reading.resident_mib for reading in part) for part in (first, last)]
    files = [statistics.median(reading.open_files for reading in part) for part in (first, last)]
    highest = max(reading.resident_mib for reading in readings)
    # Bounds of docs/metrics.md: the twelfth is 50 ms.
    late = delays[-1] - delays[11] if len(delays) > 11 else 0.0
    told = ", ".join(f"{count} {name}" for name, count in sorted(faults.items()))
    return [
        Line(f"{seconds} s: answers, hostile clients, faults of Redis", f"{load.requests:,} answers, {attacks:,} attacks, {told}", "", None),
        Line("the process", "the same from beginning to end" if is_alive else "ended", "no crash", is_alive),
        Line("answers of 500 and above, socket errors", f"{load.status_errors}, {load.socket_errors}", "0, 0", load.status_errors + load.socket_errors == 0),
        Line("p50, p99, p99.9 of GET, SET and DELETE meanwhile", f"{load.p50_us / 1000:.1f}, {load.p99_us / 1000:.1f}, {load.p999_us / 1000:.1f} ms", "p99 < 50 ms", load.p99_us < 50_000),
        Line("resident memory, first third : last third (highest)", f"{memory[0]:.0f} : {memory[1]:.0f} MiB ({highest:.0f})", f"+{MEMORY_GROWTH_MIB:.0f} MiB at most", memory[1] - memory[0] <= MEMORY_GROWTH_MIB),
        Line("open files, first third : last third", f"{files[0]:.0f} : {files[1]:.0f}", f"+{FILES_GROWTH} at most", files[1] - files[0] <= FILES_GROWTH),
        Line("event loops more than 50 ms late", f"{late:.0f} of {delays[-1] if delays else 0:.0f}", "less than 1 %", not delays or late <= delays[-1] * 0.01),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--seconds", type=int, default=600, help="how long (default 600)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of faults and attacks")
    arguments = parser.parse_args()
    wrk, redis = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server")
    if wrk is None or redis is None or not arguments.service.is_file():
        sys.exit("needs wrk, redis-server and the program (make build)")
    service = Service(REDIS, arguments.service.resolve(), settings={"REQUEST_TIMEOUT_SECONDS": "2"}, uses_redis=True)
    print(f"--seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        try:
            lines = soak(wrk, service, redis, pathlib.Path(name), arguments.seconds, arguments.seed)
        finally:
            stop_all()
    conclude(lines)


if __name__ == "__main__":
    main()
