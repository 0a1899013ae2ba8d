"""What a scrape of /metrics costs: how long it takes under load, and what it does to the answers beside it."""

import pathlib
import statistics
import threading
import time
from typing import List, Tuple

from .exchange import Connection
from .load import Load, run_load
from .outage import CONNECTIONS, Line
from .peers import Service
from .process import Server
from .workload import GET

SCRAPES_PER_SECOND = 10
SCRAPE_LIMIT_MS = 5.0
DELAY_LIMIT_MS = 1.0


def scrapes(wrk: str, service: Service, directory: pathlib.Path, rounds: int, seconds: int) -> List[Line]:
    """Pairs of runs, with scrapes and without, in alternating order."""
    taken: List[float] = []
    delays: List[float] = []
    for number in range(rounds):
        pair = {}
        for is_scraped in (True, False) if number % 2 == 0 else (False, True):
            pair[is_scraped], times = _run(wrk, service, directory, seconds, is_scraped)
            taken += times
        delays.append((pair[True].p99_us - pair[False].p99_us) / 1000)
    taken.sort()
    p99 = taken[int(len(taken) * 0.99)]
    delay = statistics.median(delays)
    return [
        Line(
            f"a scrape under load, {CONNECTIONS} connections", f"median {statistics.median(taken):.1f} ms, p99 {p99:.1f} ms ({len(taken)} scrapes)",
            f"< {SCRAPE_LIMIT_MS:.0f} ms", statistics.median(taken) < SCRAPE_LIMIT_MS),
        Line(
            f"p99 of GET with {SCRAPES_PER_SECOND} scrapes a second, less without", f"{delay:+.2f} ms ({min(delays):+.2f} to {max(delays):+.2f})",
            f"< {DELAY_LIMIT_MS:.0f} ms", delay < DELAY_LIMIT_MS),
    ]


def _run(wrk: str, service: Service, directory: pathlib.Path, seconds: int, is_scraped: bool) -> Tuple[Load, List[float]]:
    server = service.start(directory, None)
    over = threading.Event()
    times: List[float] = []
    scraper = threading.Thread(target=_scrape, args=(server, over, times))
    try:
        service.seed(server, None, GET)
        if is_scraped:
            scraper.start()
        load = run_load(wrk, [server], service.script(GET), CONNECTIONS, seconds)
        return load, times
    finally:
        over.set()
        if is_scraped:
            scraper.join()
        server.stop()


def _scrape(server: Server, over: threading.Event, times: List[float]) -> None:
    with Connection(server.port) as connection:
        while not over.wait(1 / SCRAPES_PER_SECOND):
            began = time.perf_counter()
            answer = connection.ask("GET", "/metrics")
            assert answer.status == 200
            times.append((time.perf_counter() - began) * 1000)
