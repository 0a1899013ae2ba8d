"""What an outage costs: latencies while Redis fails, the way back, and the embedded store's throughput meanwhile."""

import json
import pathlib
import signal
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, NoReturn, Optional, Sequence

from .exchange import Connection, ask
from .fault_proxy import FaultProxy
from .load import Load, Script, run_load
from .peers import MEMORY, REDIS, Service
from .process import Server
from .redis_server import Redis
from .workload import GET

CONNECTIONS = 64
MIXED = Script("mixed.lua", "/cache/bench-mixed-0001", [])
# A run: one second of health, the fault, and the way back.
RUN_SECONDS, FAULT_FROM, FAULT_UNTIL = 6, 1.0, 4.5
JOURNAL_KEYS = 10_000
INSTANCES = 10
PROMISE_MS = 50.0
RETURN_SECONDS = 2.0
RETURN_CONNECTIONS = 100
THROUGHPUT_RATIO = 0.9


@dataclass(frozen=True)
class Line:
    """One line of the report; `met` is None if nothing was promised."""

    what: str
    measured: str
    target: str
    met: Optional[bool]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and its end."""

    name: str
    begin: Callable[[Redis, FaultProxy], None]
    end: Callable[[Redis, FaultProxy], None]


def _proxy(line: str) -> Fault:
    return Fault(line, lambda _, proxy: proxy.command(line), lambda _, proxy: proxy.command("pass"))


def _restart_loop(redis: Redis, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        redis.kill()
        time.sleep(0.1)
        redis.start_again()
        time.sleep(0.2)


FAULTS: Sequence[Fault] = (
    Fault("nothing", lambda redis, proxy: None, lambda redis, proxy: None),
    Fault("SIGSTOP", lambda redis, _: redis.server.process.send_signal(signal.SIGSTOP), lambda redis, _: redis.server.process.send_signal(signal.SIGCONT)),
    _proxy("hold"),
    _proxy("delay 20"),
    _proxy("delay 100"),
    _proxy("delay 1000"),
    _proxy("garbage"),
    Fault("SIGKILL", lambda redis, _: redis.kill(), lambda redis, _: redis.start_again()),
    Fault("restart loop", lambda redis, _: _restart_loop(redis, FAULT_UNTIL - FAULT_FROM), lambda redis, _: None),
)


def latencies(wrk: str, service: Service, redis_program: str, directory: pathlib.Path, rounds: int) -> List[Line]:
    """The mixed load over each fault: it begins and ends in the middle of the run."""
    lines = []
    for fault in FAULTS:
        loads = [_run(wrk, service, fault, redis_program, directory) for _ in range(rounds)]
        lines.append(latency_line(fault.name, loads))
        print(f"{lines[-1].what}: {lines[-1].measured}", flush=True)
    return lines


def latency_line(name: str, loads: Sequence[Load]) -> Line:
    """The worst round counts: a promise is not a median."""
    worst = max(load.p999_us for load in loads) / 1000
    middle = statistics.median(load.p999_us for load in loads) / 1000
    longest = max(load.max_us for load in loads) / 1000
    answers = statistics.median(load.answers_per_second for load in loads)
    errors = sum(load.status_errors + load.socket_errors for load in loads)
    measured = f"p99.9 {middle:.1f} ms (worst round {worst:.1f}, longest answer {longest:.1f}), {errors} errors, {answers:,.0f} answers/s"
    return Line(f"{CONNECTIONS} connections, Redis: {name}", measured, f"p99.9 < {PROMISE_MS:.0f} ms, no errors", worst < PROMISE_MS and errors == 0)


def _run(wrk: str, service: Service, fault: Fault, redis_program: str, directory: pathlib.Path) -> Load:
    redis = Redis(redis_program, directory)
    proxy = FaultProxy(redis.port, directory)
    server = service.start(directory, proxy)
    try:
        wait_connected(server)
        director = threading.Thread(target=_direct, args=(fault, redis, proxy))
        director.start()
        load = run_load(wrk, [server], MIXED, CONNECTIONS, RUN_SECONDS)
        director.join()
        return load
    finally:
        server.stop()
        proxy.stop()
        redis.stop()


def _direct(fault: Fault, redis: Redis, proxy: FaultProxy) -> None:
    started = time.monotonic()
    time.sleep(FAULT_FROM)
    fault.begin(redis, proxy)
    time.sleep(max(0.0, started + FAULT_UNTIL - time.monotonic()))
    fault.end(redis, proxy)


def outage_of(server: Server) -> Dict:
    """What /health says of Redis."""
    return json.loads(ask(server.port, "GET", "/health").body)["redis"]


def wait_connected(server: Server) -> None:
    """Until Redis serves and the journal is empty."""
    while True:
        outage = outage_of(server)
        if outage["state"] == "connected" and outage["journal"]["keys"] == 0:
            return
        time.sleep(0.002)


def the_way_back(service: Service, redis_program: str, directory: pathlib.Path) -> List[Line]:
    """Ten instances have lost Redis, and one of them has written 10,000 keys meanwhile."""
    redis = Redis(redis_program, directory)
    servers = [service.start(directory, redis) for _ in range(INSTANCES)]
    try:
        for server in servers:
            wait_connected(server)
        redis.kill()
        with Connection(servers[0].port) as connection:
            for number in range(JOURNAL_KEYS):
                connection.ask("POST", "/cache", f'{{"key":"journal-{number}","value":{number},"ttl":600}}'.encode())
        # Long enough for every pause between attempts to have reached its bound.
        time.sleep(5)
        journal = outage_of(servers[0])["journal"]["keys"]
        redis.start_again()
        began = time.monotonic()
        wait_connected(servers[0])
        first = time.monotonic() - began
        for server in servers:
            wait_connected(server)
        last = time.monotonic() - began
        connections = redis.connections_received()
    finally:
        for server in servers:
            server.stop()
        redis.stop()
    return [
        Line(f"Redis back to gate open, {journal:,} keys in the journal", f"{first:.2f} s", f"< {RETURN_SECONDS:.0f} s", first < RETURN_SECONDS),
        Line(f"the same, the last of {INSTANCES} instances", f"{last:.2f} s", f"< {RETURN_SECONDS:.0f} s", last < RETURN_SECONDS),
        Line(f"connections that {INSTANCES} instances made to it", str(connections), f"< {RETURN_CONNECTIONS}", connections < RETURN_CONNECTIONS),
    ]


def throughput(wrk: str, own: Dict[str, Service], redis_program: str, directory: pathlib.Path, rounds: int, seconds: int) -> Line:
    """GET from memory while Redis is away, against GET of the embedded store by choice."""
    ratios = []
    for number in range(rounds):
        pair = {}
        for name in (MEMORY, REDIS) if number % 2 == 0 else (REDIS, MEMORY):
            pair[name] = _memory_load(wrk, own[name], redis_program, directory, seconds)
        ratios.append(pair[REDIS].answers_per_second / pair[MEMORY].answers_per_second)
    middle = statistics.median(ratios)
    measured = f"{middle:.2f}x ({min(ratios):.2f}-{max(ratios):.2f})"
    return Line("GET in an outage : GET of the embedded store, answers/s", measured, f">= {THROUGHPUT_RATIO}x", middle >= THROUGHPUT_RATIO)


def _memory_load(wrk: str, service: Service, redis_program: str, directory: pathlib.Path, seconds: int) -> Load:
    redis = Redis(redis_program, directory) if service.uses_redis else None
    server = service.start(directory, redis)
    try:
        if redis is not None:
            wait_connected(server)
            redis.kill()
            while outage_of(server)["state"] != "outage":
                time.sleep(0.002)
        with Connection(server.port) as connection:
            connection.ask("POST", "/cache", b'{"key":"bench-fixed","value":{"user":4711},"ttl":600}')
        return run_load(wrk, [server], service.script(GET), CONNECTIONS, seconds)
    finally:
        server.stop()
        if redis is not None:
            redis.stop()


def render(lines: Sequence[Line]) -> str:
    """The report as Markdown."""
    marks = {True: "✓", False: "✗", None: ""}
    return "\n".join(["| what | measured | target | |", "|---|---|---|---|"] + [f"| {l.what} | {l.measured} | {l.target} | {marks[l.met]} |" for l in lines])


def conclude(lines: Sequence[Line]) -> NoReturn:
    """Prints the report and ends the program: with status 1 if a promise was not kept."""
    print(render(lines))
    sys.exit(0 if all(line.met is not False for line in lines) else 1)
