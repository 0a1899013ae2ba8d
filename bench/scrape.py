#!/usr/bin/env python3
"""What a scrape of /metrics costs: `make bench-scrape`. See README.md beside this file."""

import argparse
import pathlib
import sys
import tempfile

from harness.outage import render
from harness.peers import MEMORY, Service
from harness.process import stop_all
from harness.scrape import scrapes
from harness.tools import find_tool

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of a run (default 4)")
    arguments = parser.parse_args()
    wrk = find_tool("wrk", "wrk")
    if wrk is None or not arguments.service.is_file():
        sys.exit("needs wrk and the program (make build)")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        try:
            print(render(scrapes(wrk, Service(MEMORY, arguments.service.resolve()), pathlib.Path(name), arguments.rounds, arguments.seconds)))
        finally:
            stop_all()


if __name__ == "__main__":
    main()
