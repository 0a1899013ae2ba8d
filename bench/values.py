#!/usr/bin/env python3
"""What values as resources, leases and tags cost and give: `make bench-values`. See README.md beside this file."""

import argparse
import pathlib
import re
import sys
import tempfile

from harness.near import NEAR
from harness.outage import Line, conclude
from harness.peers import MEMORY, Service
from harness.process import stop_all
from harness.stampede import stampedes
from harness.tags import invalidations
from harness.tools import find_tool
from harness.values import compare, comparisons

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
# The embedded store holds a million values if it may.
MEMORY_BYTES = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of a run (default 4)")
    parser.add_argument("--values", type=int, default=1_000_000, help="values that bear the tag (default 1,000,000)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="leases, tags, or searched in the title of a comparison")
    arguments = parser.parse_args()
    wrk, redis, nginx = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server"), find_tool("nginx", "nginx")
    if wrk is None or redis is None or not arguments.service.is_file():
        sys.exit("needs wrk, redis-server and the program (make build)")
    program = arguments.service.resolve()
    near = Service(NEAR, program, uses_redis=True)
    memory = Service(MEMORY, program, {"MEMORY_MAX_BYTES": str(MEMORY_BYTES)})
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = pathlib.Path(name)
        try:
            if arguments.only.search("leases"):
                lines += stampedes(near, redis, directory, arguments.rounds)
            if arguments.only.search("tags"):
                lines += invalidations(near, redis, directory, arguments.values)
                lines += invalidations(memory, redis, directory, arguments.values)
            for comparison in comparisons(program, nginx):
                if arguments.only.search(comparison.title):
                    lines += compare(wrk, comparison, redis, directory, arguments.rounds, arguments.seconds)
        finally:
            stop_all()
    conclude(lines)


if __name__ == "__main__":
    main()
