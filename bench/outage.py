#!/usr/bin/env python3
"""What an outage of Redis costs the service's clients: `make bench-outage`. See README.md beside this file."""

import argparse
import pathlib
import re
import sys
import tempfile

from harness.near import hit_ratios
from harness.outage import latencies, render, the_way_back, throughput
from harness.peers import MEMORY, REDIS, Service
from harness.process import stop_all
from harness.tools import find_tool

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of a run of the throughput (default 4)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="latency, return, throughput, hits")
    arguments = parser.parse_args()
    wrk, redis = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server")
    if wrk is None or redis is None or not arguments.service.is_file():
        sys.exit("needs wrk, redis-server and the program (make build)")
    program = arguments.service.resolve()
    own = {MEMORY: Service(MEMORY, program), REDIS: Service(REDIS, program, uses_redis=True)}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = pathlib.Path(name)
        lines = []
        try:
            if arguments.only.search("latency"):
                lines += latencies(wrk, own[REDIS], redis, directory, arguments.rounds)
            if arguments.only.search("return"):
                lines += the_way_back(own[REDIS], redis, directory)
            if arguments.only.search("throughput"):
                lines.append(throughput(wrk, own, redis, directory, arguments.rounds, arguments.seconds))
            if arguments.only.search("hits"):
                lines += hit_ratios(wrk, program, redis, directory, arguments.rounds)
        finally:
            stop_all()
    print(render(lines))


if __name__ == "__main__":
    main()
