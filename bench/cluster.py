#!/usr/bin/env python3
"""What a Redis Cluster costs and gives: `make bench-cluster`. See README.md beside this file."""

import argparse
import pathlib
import re
import sys
import tempfile

from harness.cluster import GET, SET, cpu, lose_master, rebalance, service_of, topology, WATCHED_SECONDS
from harness.outage import render
from harness.process import stop_all
from harness.tools import find_tool

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5; of those with a fault 3 at most)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of a run of the CPU (default 4)")
    parser.add_argument("--watched", type=int, default=WATCHED_SECONDS, help="seconds of watching the topology (default 120)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="GET, SET, rebalance, loss, topology")
    arguments = parser.parse_args()
    wrk, redis = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server")
    if wrk is None or redis is None or not arguments.service.is_file():
        sys.exit("needs wrk, redis-server and the program (make build)")
    service = service_of(arguments.service.resolve())
    faults = min(arguments.rounds, 3)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = pathlib.Path(name)
        parts = {
            GET: lambda: cpu(wrk, service, GET, redis, directory, arguments.rounds, arguments.seconds),
            SET: lambda: cpu(wrk, service, SET, redis, directory, arguments.rounds, arguments.seconds),
            "rebalance": lambda: rebalance(wrk, service, redis, directory, faults),
            "loss": lambda: lose_master(wrk, service, redis, directory, faults),
            "topology": lambda: topology(service, redis, directory, arguments.watched),
        }
        lines = []
        try:
            for part, measure in parts.items():
                if arguments.only.search(part):
                    lines += measure()
        finally:
            stop_all()
    print(render(lines))


if __name__ == "__main__":
    main()
