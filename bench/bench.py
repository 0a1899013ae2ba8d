#!/usr/bin/env python3
"""The end-to-end benchmark: the service and its peers, side by side on this machine. See README.md beside this file."""

import argparse
import pathlib
import re
import signal
import sys
import tempfile
from typing import List

from harness.lineup import line_up, services
from harness.process import stop_all
from harness.report import describe_machine, render, write_json
from harness.rounds import Loaders, Measurements, Plan, run_rounds
from harness.startup import measure_startups
from harness.tools import find_tool, package_version

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
VIRTUAL_ENVIRONMENT = REPOSITORY / ".build-bench" / "venv"
PACKAGES = ("wrk", "nghttp2-client", "nginx", "webdis", "redis-server")
STARTS = 10
RESTS = 3


def main() -> None:
    arguments = parse_arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            try:
                measure(arguments, pathlib.Path(directory))
            finally:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                stop_all()
    except KeyboardInterrupt:
        sys.exit("interrupted: every server was stopped, nothing was written")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--bare-route", type=pathlib.Path, default=REPOSITORY / ".build/release/bare-route", help="the bare Hummingbird route")
    parser.add_argument("--quick", action="store_true", help="one round of 2 s runs: to see that it works, not to quote")
    parser.add_argument("--rounds", type=positive, help="rounds (default 5)")
    parser.add_argument("--seconds", type=positive, help="seconds per run (default 4)")
    parser.add_argument("--connections", type=positive_list, default=[1, 64, 256], metavar="N,N,...", help="default 1,64,256")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help='searched in "peer/operation/connections"')
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every single run to FILE")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def positive_list(text: str) -> List[int]:
    return [positive(part) for part in text.split(",")]


def measure(arguments: argparse.Namespace, directory: pathlib.Path) -> None:
    """Measures, prints the tables, writes the file."""
    plan = Plan(
        rounds=arguments.rounds or (1 if arguments.quick else 5),
        seconds=arguments.seconds or (2 if arguments.quick else 4),
        connections=arguments.connections,
        only=arguments.only,
    )
    wrk = find_tool("wrk", "wrk")
    if wrk is None:
        sys.exit("wrk makes all the load and is not installed: install the Debian package wrk")
    redis_program = find_tool("redis-server", "redis-server")
    measurements = Measurements()
    own = services(arguments.service, measurements)
    peers = line_up(plan, own, arguments.bare_route, redis_program, VIRTUAL_ENVIRONMENT, directory, measurements)
    startups = measure_startups(plan, own, redis_program, STARTS, RESTS, directory, measurements)
    run_rounds(plan, peers, Loaders(wrk, find_tool("h2load", "nghttp2-client")), redis_program, directory, measurements)
    machine = {**describe_machine(), **{package: package_version(package) for package in PACKAGES}}
    print(render(plan, measurements, startups, machine), end="")
    if arguments.json:
        write_json(arguments.json, plan, measurements, startups, machine)


if __name__ == "__main__":
    main()
