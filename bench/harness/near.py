"""What the near cache gives and costs: the Redis-backed service with it, without it, and the embedded store, one after the other in each round."""

import bisect
import itertools
import pathlib
import random
import socket
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence

from .load import Load, Script, run_load
from .outage import Line, outage_of, wait_connected
from .peers import MEMORY, REDIS, Service
from .redis_server import Redis, encoded
from .workload import GET, SET, VALUE

NEAR = "service-near"
CONNECTIONS = 64
ZIPF, UNIFORM = "Zipf reads", "uniform reads"
ZIPF_KEYS, ZIPF_EXPONENT, UNIFORM_KEYS = 100_000, 0.9, 1_000_000
KEY_PREFIX = "bench-near-"
KEY_DIGITS = 6
WRITES_PER_READ = 0.02
# Of the time before an outage, and of the outage.
WARM_SECONDS, WATCHED_SECONDS, HIT_RATIO = 20, 5, 0.95
WARM_UP_SECONDS = {GET: 1, SET: 1, ZIPF: 5, UNIFORM: 1}


@dataclass(frozen=True)
class Run:
    """One load, and what Redis saw of it beside the other client's writes."""

    load: Load
    commands_per_answer: float
    writes_per_answer: float


def services(program: pathlib.Path) -> Dict[str, Service]:
    """The three that are compared."""
    return {
        NEAR: Service(NEAR, program, uses_redis=True),
        REDIS: Service(REDIS, program, {"NEAR_CACHE": "off"}, uses_redis=True),
        MEMORY: Service(MEMORY, program),
    }


class ForeignWriter:
    """Writes keys by Zipf's law straight to Redis, at a rate that can be changed."""

    def __init__(self, port: int):
        chance = random.Random(20260101)
        sums = list(itertools.accumulate(rank**-ZIPF_EXPONENT for rank in range(1, ZIPF_KEYS + 1)))
        ranks = (bisect.bisect_left(sums, chance.random() * sums[-1]) for _ in range(50_000))
        self._commands = [encoded(["SET", key(rank), VALUE, "EX", "3600"]) for rank in ranks]
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._over = threading.Event()
        self.rate = 0.0
        self.written = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        due, before = 0.0, time.monotonic()
        while not self._over.wait(0.002):
            now = time.monotonic()
            due, before = due + self.rate * (now - before), now
            count = int(due)
            due -= count
            self._socket.sendall(b"".join(self._commands[(self.written + index) % len(self._commands)] for index in range(count)))
            owed = count * len(b"+OK\r\n")
            while owed > 0:
                owed -= len(self._socket.recv(owed))
            self.written += count

    def stop(self) -> None:
        """Ends it."""
        self._over.set()
        self._thread.join()
        self._socket.close()


def key(number: int) -> str:
    """The digits are those that random_keys.lua writes."""
    return f"{KEY_PREFIX}{number:0{KEY_DIGITS}d}"


def reads(count: int, exponent: Optional[float] = None) -> Script:
    """GET over `count` keys."""
    arguments = [f"/cache/{KEY_PREFIX}", str(count), str(KEY_DIGITS)] + ([str(exponent)] if exponent else [])
    return Script("random_keys.lua", "/", arguments)


def measure(wrk: str, service: Service, operation: str, redis_program: str, directory: pathlib.Path, seconds: int) -> Run:
    """One run of one service, on a Redis of its own."""
    redis = Redis(redis_program, directory)
    server = service.start(directory, redis)
    writer = None
    try:
        if operation in (ZIPF, UNIFORM):
            redis.fill(KEY_PREFIX, KEY_DIGITS, ZIPF_KEYS if operation == ZIPF else UNIFORM_KEYS)
            script = reads(ZIPF_KEYS, ZIPF_EXPONENT) if operation == ZIPF else reads(UNIFORM_KEYS)
        else:
            service.seed(server, redis, operation)
            script = service.script(operation)
        if service.uses_redis:
            wait_connected(server)
        if operation == ZIPF:
            writer = ForeignWriter(redis.port)
            writer.rate = 1000.0
        servers = [server, redis.server] if service.uses_redis else [server]
        for _ in range(2 if writer else 1):
            warm = run_load(wrk, servers, script, CONNECTIONS, WARM_UP_SECONDS[operation])
            if writer:
                writer.rate = warm.answers_per_second * WRITES_PER_READ
        commands, written = redis.commands_processed(), writer.written if writer else 0
        load = run_load(wrk, servers, script, CONNECTIONS, seconds)
        written = (writer.written if writer else 0) - written
        commands = redis.commands_processed() - commands - written
        return Run(load, commands / load.requests, written / load.requests)
    finally:
        if writer:
            writer.stop()
        server.stop()
        redis.stop()


ANSWERS: Callable[[Run], float] = lambda run: run.load.answers_per_second
CPU: Callable[[Run], float] = lambda run: run.load.cpu_us_per_answer
COMMANDS: Callable[[Run], float] = lambda run: run.commands_per_answer


@dataclass(frozen=True)
class Comparison:
    """The service with the near cache, divided by another. The target is a floor for answers and a ceiling for the rest."""

    title: str
    operation: str
    theirs: str
    figure: Callable[[Run], float]
    measure: str
    target: Optional[float]


COMPARISONS: Sequence[Comparison] = (
    Comparison("near hit : hit of the embedded store", GET, MEMORY, ANSWERS, "answers/s", 0.9),
    Comparison("near hit : hit of the embedded store", GET, MEMORY, CPU, "CPU per answer", 1.1),
    Comparison("near hit : GET through Redis", GET, REDIS, ANSWERS, "answers/s", None),
    Comparison("near hit : GET through Redis", GET, REDIS, CPU, "CPU per answer", None),
    Comparison("Zipf 0.9, 100,000 keys, 2 % foreign writes: near cache on : off", ZIPF, REDIS, ANSWERS, "answers/s", 1.4),
    Comparison("the same", ZIPF, REDIS, COMMANDS, "commands that Redis sees per answer", 0.25),
    Comparison("the same", ZIPF, REDIS, CPU, "CPU per answer", None),
    Comparison("SET: near cache on : off", SET, REDIS, CPU, "CPU per answer", 1.05),
    Comparison("uniform over 1,000,000 keys: near cache on : off", UNIFORM, REDIS, CPU, "CPU per answer", 1.15),
    Comparison("the same", UNIFORM, REDIS, ANSWERS, "answers/s", None),
)


def compare(wrk: str, own: Dict[str, Service], operation: str, redis_program: str, directory: pathlib.Path, rounds: int, seconds: int) -> List[Line]:
    """All lines of an operation; every second round runs the services in the opposite order."""
    chosen = [comparison for comparison in COMPARISONS if comparison.operation == operation]
    names = [name for name in own if name == NEAR or any(comparison.theirs == name for comparison in chosen)]
    runs: Dict[str, List[Run]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            run = measure(wrk, own[name], operation, redis_program, directory, seconds)
            runs[name].append(run)
            print(
                f"round {number + 1}: {name}, {operation}: {ANSWERS(run):,.0f}/s, {CPU(run):.2f} us CPU (wrk {run.load.client_cpu_us_per_answer:.2f}), {COMMANDS(run):.3f} commands and "
                f"{run.writes_per_answer:.4f} foreign writes per answer, {run.load.status_errors} errors, others {run.load.other_cores:.2f} cores",
                file=sys.stderr, flush=True)
    return [line(comparison, runs) for comparison in chosen]


def line(comparison: Comparison, runs: Dict[str, List[Run]]) -> Line:
    """The median of the ratios of the rounds, with their range."""
    ratios = [comparison.figure(mine) / comparison.figure(other) for mine, other in zip(runs[NEAR], runs[comparison.theirs])]
    middle, is_floor = statistics.median(ratios), comparison.figure is ANSWERS
    text = f"{middle:.2f}x ({min(ratios):.2f}–{max(ratios):.2f})"
    what = f"{comparison.title}, {comparison.measure}"
    if comparison.target is None:
        return Line(what, text, "", None)
    target = f"{'>=' if is_floor else '<='} {comparison.target:g}x"
    return Line(what, text, target, middle >= comparison.target if is_floor else middle <= comparison.target)


def hit_ratios(wrk: str, program: pathlib.Path, redis_program: str, directory: pathlib.Path, rounds: int) -> List[Line]:
    """What is found in an outage against what was found before: reads by Zipf's law over keys that all exist in Redis, which is then killed."""
    load = reads(ZIPF_KEYS, ZIPF_EXPONENT)
    ratios: Dict[str, List[float]] = {"near": [], "miss": []}
    for number in range(rounds):
        for setting in ("near", "miss") if number % 2 == 0 else ("miss", "near"):
            service = Service(REDIS, program, {"OUTAGE_READS": setting}, uses_redis=True)
            redis = Redis(redis_program, directory)
            redis.fill(KEY_PREFIX, KEY_DIGITS, ZIPF_KEYS)
            server = service.start(directory, redis)
            try:
                wait_connected(server)
                run_load(wrk, [server], load, CONNECTIONS, WARM_SECONDS)
                before = _found(run_load(wrk, [server], load, CONNECTIONS, WATCHED_SECONDS))
                redis.kill()
                while outage_of(server)["state"] != "outage":
                    time.sleep(0.002)
                after = _found(run_load(wrk, [server], load, CONNECTIONS, WATCHED_SECONDS))
            finally:
                server.stop()
                redis.stop()
            ratios[setting].append(after / before)
            print(f"OUTAGE_READS={setting}: {before:.4f} found before, {after:.4f} in the outage", flush=True)
    return [
        Line(
            f"hit ratio in an outage : before it, OUTAGE_READS={setting}",
            f"{statistics.median(values):.3f}x ({min(values):.3f}-{max(values):.3f})",
            f">= {HIT_RATIO}x" if setting == "near" else "", statistics.median(values) >= HIT_RATIO if setting == "near" else None)
        for setting, values in ratios.items()
    ]


def _found(load: Load) -> float:
    return 1 - load.status_errors / load.requests
