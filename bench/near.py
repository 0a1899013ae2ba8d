#!/usr/bin/env python3
"""What the near cache gives and costs: part of `make bench`. See README.md beside this file."""

import argparse
import pathlib
import re
import sys
import tempfile

from harness.near import UNIFORM, ZIPF, compare, services
from harness.outage import render
from harness.process import stop_all
from harness.tools import find_tool
from harness.workload import GET, SET

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of a run (default 4)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help=f"{GET}, {ZIPF}, {SET}, {UNIFORM}")
    arguments = parser.parse_args()
    wrk, redis = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server")
    if wrk is None or redis is None or not arguments.service.is_file():
        sys.exit("needs wrk, redis-server and the program (make build)")
    own = services(arguments.service.resolve())
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        lines = []
        try:
            for operation in (GET, ZIPF, SET, UNIFORM):
                if arguments.only.fullmatch(operation) or not arguments.only.pattern:
                    lines += compare(wrk, own, operation, redis, pathlib.Path(name), arguments.rounds, arguments.seconds)
        finally:
            stop_all()
    print(render(lines))


if __name__ == "__main__":
    main()
