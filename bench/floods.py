#!/usr/bin/env python3
"""What floods of HTTP/2 do to the others, and to memory: `python3 bench/floods.py`. See README.md beside this file."""

import argparse
import pathlib
import re
import sys
import tempfile
import threading
import time
from typing import Any, Dict, List, Tuple

from harness.exchange import ask
from harness.floods import FLOODS, LARGE_KEY, Flood, Flooding
from harness.h2load import run_paced
from harness.load import LoadFailed
from harness.outage import Line, conclude, render
from harness.peers import MEMORY, Service
from harness.process import TICKS_PER_SECOND, Server, stop_all
from harness.tools import find_tool
from harness.workload import FIXED_KEY, GET

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
# The others: what an instance on Cloud Run gets over HTTP/1 at most, over eight connections.
OTHERS, STREAMS, A_SECOND = 8, 16, 100
ALONE_SECONDS = 5
REST_SECONDS = 3.0
P99_LIMIT_MS = 50.0
GROWTH_LIMIT_MIB = 80.0


class Others:
    """The normal load, in a thread: what its answers took, in microseconds."""

    def __init__(self, h2load: str, server: Server, directory: pathlib.Path, seconds: int):
        self.summary: Dict[str, Any] = {}
        self.times: List[int] = []
        self.fault = ""
        self._thread = threading.Thread(target=self._run, args=(h2load, server.port, directory / "answers", seconds))
        self._thread.start()

    def _run(self, h2load: str, port: int, log: pathlib.Path, seconds: int) -> None:
        try:
            self.summary, self.times = run_paced(h2load, port, f"/cache/{FIXED_KEY}", OTHERS, STREAMS, A_SECOND, seconds, log)
        except (LoadFailed, OSError) as error:
            self.fault = str(error)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def percentiles(self) -> Tuple[float, float, float]:
        """p50, p99 and the longest, in ms."""
        self._thread.join()
        ordered = sorted(self.times) or [0]
        return ordered[len(ordered) // 2] / 1000, ordered[int(len(ordered) * 0.99)] / 1000, ordered[-1] / 1000


def run(service: Service, flood: Flood, h2load: str, directory: pathlib.Path, seconds: int) -> List[Line]:
    server = service.start(directory, None)
    service.seed(server, None, GET)
    body = b'{"key":"%s","value":"%s"}' % (LARGE_KEY.encode(), b"x" * 500_000)
    assert ask(server.port, "POST", "/cache", body).status == 200
    alone = Others(h2load, server, directory, ALONE_SECONDS).percentiles()
    before = peak = server.resident_kib() / 1024
    ticks, begin = server.cpu_ticks(), time.monotonic()
    flooding = Flooding(server.port, flood)
    others = Others(h2load, server, directory, seconds)
    while others.is_running:
        peak = max(peak, server.resident_kib() / 1024)
        time.sleep(0.1)
    p50, p99, longest = others.percentiles()
    cores = (server.cpu_ticks() - ticks) / TICKS_PER_SECOND / (time.monotonic() - begin)
    flooding.stop()
    time.sleep(REST_SECONDS)
    after = server.resident_kib() / 1024
    is_alive = server.process.poll() is None and ask(server.port, "GET", "/health/live").status == 200
    server.stop()
    if others.fault:
        return [Line(f"{flood.name}: the normal load", f"broke off: {others.fault[-200:]}", "runs to its end", False)]
    errors = others.summary["status_errors"] + others.summary["socket_errors"]
    answers = others.summary["requests"]
    wanted = OTHERS * A_SECOND * seconds
    sent = f"{flooding.sent_bytes / 2**20:,.0f} MiB sent, {flooding.connections_closed:,} connections ended, {cores:.2f} cores"
    return [
        Line(f"{flood.name}: {sent}", "alive" if is_alive else "ended", "alive", is_alive),
        Line(f"{flood.name}: p50, p99, longest of the others (alone)", f"{p50:.2f}, {p99:.2f}, {longest:.1f} ms ({alone[0]:.2f}, {alone[1]:.2f}, {alone[2]:.1f})",
             f"p99 < {P99_LIMIT_MS:.0f} ms", p99 < P99_LIMIT_MS),
        Line(f"{flood.name}: their answers, errors", f"{answers:,} of {wanted:,}, {errors}", "95 %, none", answers >= 0.95 * wanted and errors == 0),
        Line(f"{flood.name}: resident memory before, at most, after", f"{before:.0f}, {peak:.0f}, {after:.0f} MiB", f"grows < {GROWTH_LIMIT_MIB:.0f} MiB",
             peak - before < GROWTH_LIMIT_MIB),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--seconds", type=int, default=60, help="of each flood (default 60)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="searched in the flood's name")
    arguments = parser.parse_args()
    h2load = find_tool("h2load", "nghttp2-client")
    if h2load is None or not arguments.service.is_file():
        sys.exit("needs h2load and the program (make build)")
    lines: List[Line] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        try:
            for flood in FLOODS:
                if arguments.only.search(flood.name):
                    service = Service(MEMORY, arguments.service.resolve())
                    lines += run(service, flood, h2load, pathlib.Path(name), arguments.seconds)
                    print(render(lines[-4:]), file=sys.stderr, flush=True)
        finally:
            stop_all()
    conclude(lines)


if __name__ == "__main__":
    main()
