#!/usr/bin/env python3
"""One connection over HTTP/2 that stays for ten minutes, as gRPC's clients keep it: `python3 bench/long_connection.py`. See README.md beside this file."""

import argparse
import pathlib
import sys
import tempfile
import threading
import time
from typing import List

from harness.h2load import run_paced
from harness.load import LoadFailed
from harness.outage import Line, conclude
from harness.peers import MEMORY, Service
from harness.process import stop_all
from harness.tools import find_tool
from harness.workload import FIXED_KEY, GET

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
STREAMS, A_SECOND = 16, 200
SAMPLE_SECONDS = 1.0
GROWTH_LIMIT_MIB = 8.0


def measure(service: Service, h2load: str, directory: pathlib.Path, seconds: int) -> List[Line]:
    server = service.start(directory, None)
    service.seed(server, None, GET)
    resident: List[float] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(SAMPLE_SECONDS):
            resident.append(server.resident_kib() / 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.monotonic()
    try:
        summary, times = run_paced(h2load, server.port, f"/cache/{FIXED_KEY}", 1, STREAMS, A_SECOND, seconds, directory / "answers")
    except LoadFailed as fault:
        return [Line("the connection", str(fault)[-300:], "stays", False)]
    finally:
        is_over.set()
        watcher.join()
    elapsed = time.monotonic() - begin
    tenth = max(1, len(times) // 10)
    first, last = (sorted(part)[int(tenth * 0.99)] / 1000 for part in (times[:tenth], times[-tenth:]))
    errors = summary["status_errors"] + summary["socket_errors"]
    wanted = A_SECOND * seconds
    # Caches and buffers fill in the first seconds.
    settled = resident[min(5, len(resident) - 1)]
    return [
        Line(f"{elapsed:.0f} s on one connection: answers, errors", f"{summary['requests']:,} of {wanted:,}, {errors}", "99 %, none",
             summary["requests"] >= 0.99 * wanted and errors == 0),
        Line("p99 of the first tenth : of the last", f"{first:.2f} : {last:.2f} ms", "", None),
        Line("resident memory at 5 s, at most", f"{settled:.0f}, {max(resident):.0f} MiB", f"grows < {GROWTH_LIMIT_MIB:.0f} MiB",
             max(resident) - settled < GROWTH_LIMIT_MIB),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--seconds", type=int, default=600, help="how long (default 600)")
    arguments = parser.parse_args()
    h2load = find_tool("h2load", "nghttp2-client")
    if h2load is None or not arguments.service.is_file():
        sys.exit("needs h2load and the program (make build)")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        try:
            lines = measure(Service(MEMORY, arguments.service.resolve()), h2load, pathlib.Path(name), arguments.seconds)
        finally:
            stop_all()
    conclude(lines)


if __name__ == "__main__":
    main()
