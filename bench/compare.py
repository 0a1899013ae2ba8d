#!/usr/bin/env python3
"""The service against itself with another environment: `python3 bench/compare.py EVENT_LOOP_SCHEDULING=normal EVENT_LOOP_SCHEDULING=batch`.

Either may be a list of variables with commas between them, or empty. See README.md beside this file.
"""

import argparse
import contextlib
import pathlib
import statistics
import sys
import tempfile
from typing import Callable, Dict, List

from harness.load import Load, run_load
from harness.outage import MIXED
from harness.peers import MEMORY, REDIS, Service
from harness.process import stop_all
from harness.redis_server import Redis
from harness.tools import find_tool
from harness.workload import GET, SET

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
OPERATIONS = (GET, SET, "mixed")
FIGURES: Dict[str, Callable[[Load], float]] = {
    "answers/s": lambda load: load.answers_per_second,
    "CPU us per answer": lambda load: load.cpu_us_per_answer,
    "p99 ms": lambda load: load.p99_us / 1000,
}


class Side:
    """One of the two, and what was measured of it."""

    def __init__(self, text: str, program: pathlib.Path, through_redis: bool):
        self.text = text or "as it is"
        settings = dict(variable.split("=", 1) for variable in text.split(",") if variable)
        self.service = Service(REDIS if through_redis else MEMORY, program, settings=settings, uses_redis=through_redis)
        self.loads: Dict[str, List[Load]] = {operation: [] for operation in OPERATIONS}
        self.resident: List[float] = []

    def measure(self, wrk: str, redis_program: str, connections: int, seconds: int) -> None:
        """One round: each operation, on a server and a Redis of its own."""
        with tempfile.TemporaryDirectory(prefix="bench-") as name, contextlib.ExitStack() as stack:
            folder = pathlib.Path(name)
            redis = Redis(redis_program, folder) if self.service.uses_redis else None
            if redis is not None:
                stack.callback(redis.stop)
            server = self.service.start(folder, redis)
            stack.callback(server.stop)
            self.service.seed(server, redis, GET)
            servers = [server] if redis is None else [server, redis.server]
            for operation in OPERATIONS:
                script = MIXED if operation == "mixed" else self.service.script(operation)
                self.loads[operation].append(run_load(wrk, servers, script, connections, seconds))
            self.resident.append(server.resident_kib() / 1024)


def row(what: str, one: List[float], other: List[float]) -> str:
    """The medians, and the median of the ratios of each round."""
    ratios = [right / left for left, right in zip(one, other)]
    figures = f"{statistics.median(one):,.1f} | {statistics.median(other):,.1f}"
    return f"| {what} | {figures} | {statistics.median(ratios):.2f}x ({min(ratios):.2f}–{max(ratios):.2f}) |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", help="NAME=VALUE,... of the one")
    parser.add_argument("other", help="NAME=VALUE,... of the other")
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--redis", action="store_true", help="through Redis instead of from memory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=4, help="of each run")
    arguments = parser.parse_args()
    wrk, redis_program = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server")
    if wrk is None or not arguments.service.is_file() or (arguments.redis and redis_program is None):
        sys.exit("needs wrk, the program (make build), and redis-server for --redis")
    one, other = (Side(text, arguments.service.resolve(), arguments.redis) for text in (arguments.one, arguments.other))
    try:
        for number in range(arguments.rounds):
            for side in (one, other)[:: 1 if number % 2 else -1]:
                side.measure(wrk, redis_program or "", arguments.connections, arguments.seconds)
    finally:
        stop_all()
    print(f"| {arguments.connections} connections | {one.text} | {other.text} | the second : the first, median of rounds |\n|---|---|---|---|")
    for operation in OPERATIONS:
        for what, figure in FIGURES.items():
            print(row(f"{operation}, {what}", [figure(load) for load in one.loads[operation]], [figure(load) for load in other.loads[operation]]))
    print(row("resident after it, MiB", one.resident, other.resident))


if __name__ == "__main__":
    main()
