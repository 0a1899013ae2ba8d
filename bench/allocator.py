#!/usr/bin/env python3
"""glibc's allocator against jemalloc's: `python3 bench/allocator.py --library /usr/lib/x86_64-linux-gnu/libjemalloc.so.2`. See README.md beside this file."""

import argparse
import pathlib
import statistics
import sys
import tempfile
from typing import Dict, List

from harness.load import Load, run_load
from harness.outage import MIXED
from harness.peers import MEMORY, Service
from harness.process import stop_all
from harness.tools import find_tool
from harness.workload import GET, SET

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
CONNECTIONS, SECONDS = 64, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--library", type=pathlib.Path, required=True, help="jemalloc's shared library (Debian: libjemalloc2)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    wrk = find_tool("wrk", "wrk")
    if wrk is None or not arguments.service.is_file() or not arguments.library.is_file():
        sys.exit("needs wrk, the program (make build) and the library")
    allocators = {"glibc": {}, "jemalloc": {"LD_PRELOAD": str(arguments.library)}}
    loads: Dict[str, Dict[str, List[Load]]] = {name: {GET: [], SET: [], "mixed": []} for name in allocators}
    resident: Dict[str, List[float]] = {name: [] for name in allocators}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            for number in range(arguments.rounds):
                for name in list(allocators)[:: 1 if number % 2 else -1]:
                    service = Service(MEMORY, arguments.service.resolve(), settings=allocators[name])
                    server = service.start(pathlib.Path(folder), None)
                    service.seed(server, None, GET)
                    for operation in (GET, SET, "mixed"):
                        script = MIXED if operation == "mixed" else service.script(operation)
                        loads[name][operation].append(run_load(wrk, [server], script, CONNECTIONS, SECONDS))
                    resident[name].append(server.resident_kib() / 1024)
                    server.stop()
        finally:
            stop_all()
    print("| what | glibc | jemalloc | jemalloc : glibc, median of rounds |\n|---|---|---|---|")
    for operation in (GET, SET, "mixed"):
        pairs = list(zip(loads["glibc"][operation], loads["jemalloc"][operation]))
        for what, figure in (("answers/s", lambda load: load.answers_per_second), ("CPU us per answer", lambda load: load.cpu_us_per_answer)):
            ratios = [figure(other) / figure(one) for one, other in pairs]
            middle = [statistics.median(figure(load) for load in loads[name][operation]) for name in allocators]
            print(f"| {operation}, {what} | {middle[0]:,.1f} | {middle[1]:,.1f} | {statistics.median(ratios):.2f}x ({min(ratios):.2f}–{max(ratios):.2f}) |")
    middle = [statistics.median(resident[name]) for name in allocators]
    print(f"| resident after it, MiB | {middle[0]:.0f} | {middle[1]:.0f} | {middle[1] / middle[0]:.2f}x |")


if __name__ == "__main__":
    main()
