"""What a cluster costs and gives: CPU per answer, slots that move under load, a master that is lost, and what instances ask of the nodes."""

import json
import pathlib
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence

from .exchange import Connection, ask
from .load import Load, Script, run_load
from .outage import Line
from .peers import REDIS, Service
from .process import Server
from .ratios import ANSWERS, CPU, errors_of, ratio_line
from .redis_cluster import SLOTS, Client, Node, RedisCluster, Refused, slot_of, wait_until
from .redis_server import Redis
from .workload import VALUE

CONNECTIONS = 64
KEYS = 10_000
GET, SET = "GET", "SET"
# GETs and SETs of a hundred; the rest are DELETEs.
SHARES = {GET: (100, 0), SET: (0, 100), "mixture": (80, 15)}
CPU_RATIO = 1.10
MOVED_SLOTS = 5000
PROMISE_MS = 50.0
RETURN_SECONDS = 1.5
# A run with a fault: one second of health, the fault, and the way back.
RUN_SECONDS, FAULT_FROM = 12, 1.0
INSTANCES = 10
WATCHED_SECONDS = 120
# One refresh a minute of two commands, a fifth earlier or later, and what a look at a moving topology adds.
TOPOLOGY_PER_MINUTE = 6.0
DEGRADED = "x-cache-degraded"


def keys_of(cluster: RedisCluster, nodes: Sequence[Node], count: int) -> List[str]:
    """Keys of the slots that the nodes had at the start."""
    numbers = {node.number for node in nodes}
    found = []
    for number in range(SLOTS * 100):
        key = f"bench-cluster-{number:06d}"
        if cluster.owner(slot_of(key)).number in numbers:
            found.append(key)
        if len(found) == count:
            break
    return found


def load_over(directory: pathlib.Path, keys: Sequence[str], operation: str, counts: bool) -> Script:
    """Random keys of these. To look at every answer costs the client, and so the answers per second."""
    listed = directory / f"keys-{operation}.txt"
    listed.write_text("".join(f"{key}\n" for key in keys))
    gets, sets = SHARES[operation]
    return Script("listed_keys.lua", "/", [str(listed), str(gets), str(sets), VALUE] + (["count"] if counts else []))


def health_of(server: Server) -> Dict:
    """What /health says of Redis."""
    return json.loads(ask(server.port, "GET", "/health").body)["redis"]


def wait_whole(server: Server) -> None:
    """Until every shard is connected and the journal is empty."""
    wait_until(lambda: _is_whole(health_of(server)), f"{server.name} is connected to every shard", pause=0.002)


def _is_whole(health: Dict) -> bool:
    shards = (health.get("cluster") or {}).get("shards")
    states = [shard["state"] for shard in shards] if shards else [health["state"]]
    return all(state == "connected" for state in states) and health["journal"]["keys"] == 0 and health["journal"]["patterns"] == 0


# CPU per answer


def cpu(wrk: str, service: Service, operation: str, redis_program: str, directory: pathlib.Path, rounds: int, seconds: int) -> List[Line]:
    """The service's own CPU per answer through three masters, divided by that through one Redis. Copies of reads are off."""
    keys = [f"bench-cluster-{number:06d}" for number in range(KEYS)]
    script = load_over(directory, keys, operation, counts=False)
    runs: Dict[str, List[Load]] = {"one": [], "three": []}
    for number in range(rounds):
        for name in ("one", "three") if number % 2 == 0 else ("three", "one"):
            store = Redis(redis_program, directory) if name == "one" else RedisCluster(redis_program, directory)
            server = None
            try:
                store.clear(keys)
                server = service.start(directory, store)
                wait_whole(server)
                run_load(wrk, [server], script, CONNECTIONS, 1)
                load = run_load(wrk, [server], script, CONNECTIONS, seconds)
            finally:
                if server is not None:
                    server.stop()
                store.stop()
            runs[name].append(load)
            print(
                f"round {number + 1}: {operation}, {name}: {load.answers_per_second:,.0f}/s, {load.cpu_us_per_answer:.2f} us CPU of the service, "
                f"{errors_of(load)} errors, others {load.other_cores:.2f} cores",
                file=sys.stderr, flush=True)
    return [
        ratio_line(f"{operation} through three masters : one Redis, CPU of the service per answer", runs["three"], runs["one"], CPU, CPU_RATIO),
        ratio_line(f"{operation} through three masters : one Redis, answers/s (all on this machine)", runs["three"], runs["one"], ANSWERS, None),
    ]


# Slots that move


def rebalance(wrk: str, service: Service, redis_program: str, directory: pathlib.Path, rounds: int) -> List[Line]:
    """5,000 slots with their keys go to another master, under load; and the same load while nothing moves."""
    loads: Dict[bool, List[Load]] = {False: [], True: []}
    took: List[float] = []
    for number in range(rounds):
        for moves in (False, True) if number % 2 == 0 else (True, False):
            cluster = RedisCluster(redis_program, directory)
            server = None
            try:
                keys = keys_of(cluster, cluster.nodes, KEYS)
                cluster.clear(keys)
                server = service.start(directory, cluster)
                wait_whole(server)
                move = Background(lambda: cluster.migrate(range(MOVED_SLOTS), cluster.nodes[0], cluster.nodes[1]), FAULT_FROM if moves else None)
                load = run_load(wrk, [server], load_over(directory, keys, "mixture", counts=True), CONNECTIONS, RUN_SECONDS)
                move.join()
            finally:
                if server is not None:
                    server.stop()
                cluster.stop()
            loads[moves].append(load)
            if moves:
                took.append(move.seconds)
            print(f"round {number + 1}: {'slots move' if moves else 'nothing moves'}: p99.9 {load.p999_us / 1000:.1f} ms, {load.degraded} degraded", flush=True)
    lines = [fault_line(f"{CONNECTIONS} connections, nothing moves", loads[False])]
    lines.append(fault_line(f"{CONNECTIONS} connections, {MOVED_SLOTS:,} slots move in {statistics.median(took):.1f} s", loads[True]))
    return lines


class Background:
    """Something that happens once, some time after a load has begun; `after` is None if it does not happen at all."""

    def __init__(self, body, after: Optional[float]):
        self.seconds = 0.0
        self._failure: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, args=(body, after)) if after is not None else None
        if self._thread is not None:
            self._thread.start()

    def _run(self, body, after: float) -> None:
        time.sleep(after)
        began = time.monotonic()
        try:
            body()
        except BaseException as failure:  # It belongs to who waits for it.
            self._failure = failure
        self.seconds = time.monotonic() - began

    def join(self) -> None:
        """Until it is over; raises what went wrong."""
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure


def fault_line(what: str, loads: Sequence[Load]) -> Line:
    """The worst round counts: a promise is not a median."""
    worst = max(load.p999_us for load in loads) / 1000
    middle = statistics.median(load.p999_us for load in loads) / 1000
    errors = sum(errors_of(load) for load in loads)
    degraded = sum(load.degraded for load in loads)
    answers = sum(load.requests for load in loads)
    measured = f"p99.9 {middle:.1f} ms (worst round {worst:.1f}), {errors} errors and {degraded:,} of {answers:,} answers degraded"
    met = worst < PROMISE_MS and errors == 0 and degraded == 0
    return Line(what, measured, f"p99.9 < {PROMISE_MS:.0f} ms, no errors, none degraded", met)


# A master that is lost


@dataclass
class Loss:
    """What one run with a killed master has shown. Times are seconds after the kill; None: it never happened."""

    load: Load
    took_over: Optional[float] = None
    back: Optional[float] = None
    down: Optional[float] = None
    others_degraded: List[float] = field(default_factory=list)


def lose_master(wrk: str, service: Service, redis_program: str, directory: pathlib.Path, rounds: int) -> List[Line]:
    """With full coverage off, where a replica takes over; and with it on, where none does and the cluster then refuses everything."""
    partial = [_lose(wrk, service, redis_program, directory, full_coverage=False) for _ in range(rounds)]
    whole = [_lose(wrk, service, redis_program, directory, full_coverage=True) for _ in range(rounds)]
    others = fault_line(f"{CONNECTIONS} connections, keys of the other shards, a master is killed (full coverage off)", [loss.load for loss in partial])
    returns = [loss.back - loss.took_over for loss in partial if loss.back is not None and loss.took_over is not None]
    middle = statistics.median(returns) if returns else float("nan")
    text = f"{middle:.2f} s (worst round {max(returns):.2f})" if len(returns) == rounds else f"{rounds - len(returns)} of {rounds} never came back"
    took = statistics.median(loss.took_over for loss in partial if loss.took_over is not None) if returns else float("nan")
    early = sum(sum(1 for when in loss.others_degraded if loss.down is None or when < loss.down) for loss in whole)
    downs = [loss.down for loss in whole if loss.down is not None]
    down = f"CLUSTERDOWN after {statistics.median(downs):.2f} s" if downs else "never CLUSTERDOWN"
    return [
        others,
        Line(f"the shard's own keys: replica took over ({took:.2f} s after the kill) to answers of Redis", text, f"< {RETURN_SECONDS:.0f} s",
             len(returns) == rounds and max(returns) < RETURN_SECONDS),
        Line(f"full coverage on, no replica ({down}): answers for other shards that were degraded before", str(early), "0", early == 0),
    ]


def _lose(wrk: str, service: Service, redis_program: str, directory: pathlib.Path, full_coverage: bool) -> Loss:
    cluster = RedisCluster(redis_program, directory, replicas=0 if full_coverage else 1, full_coverage=full_coverage)
    server = None
    try:
        others = keys_of(cluster, cluster.nodes[1 : cluster.masters], KEYS // 2)
        own = keys_of(cluster, cluster.nodes[:1], 1)[0]
        cluster.clear(others + [own])
        server = service.start(directory, cluster)
        wait_whole(server)
        watch = Watch(cluster, server, own, others[0])
        kill = Background(watch.kill, FAULT_FROM)
        load = run_load(wrk, [server], load_over(directory, others, "mixture", counts=True), CONNECTIONS, RUN_SECONDS)
        kill.join()
        loss = watch.end(load)
    finally:
        if server is not None:
            server.stop()
        cluster.stop()
    print(
        f"full coverage {'on' if full_coverage else 'off'}: took over {loss.took_over}, back {loss.back}, down {loss.down}, "
        f"{load.degraded:,} of {load.requests:,} degraded, p99.9 {load.p999_us / 1000:.1f} ms", flush=True)
    return loss


class Watch:
    """Asks, every two milliseconds, the service for a key of the lost shard and one of another, the replica for its role, and a master for a key."""

    def __init__(self, cluster: RedisCluster, server: Server, own: str, other: str):
        self._cluster, self._server, self._own, self._other = cluster, server, own, other
        self._over = threading.Event()
        self._killed = float("inf")
        self._loss = Loss(load=None)  # The load follows when it is over.
        bodies = [self._watch_service, self._watch_nodes]
        self._threads = [threading.Thread(target=body, daemon=True) for body in bodies]
        for thread in self._threads:
            thread.start()

    def kill(self) -> None:
        """The first master ends."""
        self._cluster.nodes[0].kill()
        self._killed = time.monotonic()

    def end(self, load: Load) -> Loss:
        """What was seen."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._loss.load = load
        return self._loss

    def _since_kill(self) -> float:
        return time.monotonic() - self._killed

    def _watch_service(self) -> None:
        with Connection(self._server.port) as connection:
            while not self._over.wait(0.002):
                own, other = (connection.ask("GET", f"/cache/{key}") for key in (self._own, self._other))
                since = self._since_kill()
                if _is_degraded(other) and since > 0:
                    self._loss.others_degraded.append(since)
                if self._loss.took_over is not None and self._loss.back is None and not _is_degraded(own):
                    self._loss.back = since

    def _watch_nodes(self) -> None:
        replica = Client(self._cluster.nodes[-1].port) if len(self._cluster.nodes) > self._cluster.masters else None
        with Client(self._cluster.nodes[1].port) as master:
            while not self._over.wait(0.002):
                since = self._since_kill()
                if since < 0:
                    continue
                if replica is not None and self._loss.took_over is None and replica.ask("ROLE")[0] == "master":
                    self._loss.took_over = since
                if self._loss.down is None and _is_down(master, self._other):
                    self._loss.down = since


def _is_degraded(answer) -> bool:
    return any(name.lower() == DEGRADED for name, _ in answer.headers)


def _is_down(master: Client, key: str) -> bool:
    reply = master.ask_all([["GET", key]])[0]
    return isinstance(reply, Refused) and str(reply).startswith("CLUSTERDOWN")


# What instances ask of a cluster that does not change


def topology(service: Service, redis_program: str, directory: pathlib.Path, seconds: int) -> List[Line]:
    """Commands about the topology that ten instances at rest send to all nodes together."""
    cluster = RedisCluster(redis_program, directory, replicas=3)
    servers: List[Server] = []
    try:
        for _ in range(INSTANCES):
            servers.append(service.start(directory, cluster))
        for server in servers:
            wait_whole(server)
        # What a start asks is not counted.
        time.sleep(5)
        cluster.reset_statistics()
        time.sleep(seconds)
        counts = {name: cluster.calls(name) for name in ("cluster|slots", "cluster|shards", "cluster|nodes", "cluster|info")}
    finally:
        for server in servers:
            server.stop()
        cluster.stop()
    each = sum(counts.values()) * 60 / seconds / INSTANCES
    text = ", ".join(f"{count} {name.replace('|', ' ').upper()}" for name, count in counts.items() if count)
    what = f"{INSTANCES} instances, 6 nodes, {seconds} s at rest: commands about the topology for each instance and minute"
    return [Line(what, f"{each:.1f} ({text or 'none'})", f"<= {TOPOLOGY_PER_MINUTE:g}", each <= TOPOLOGY_PER_MINUTE)]


def service_of(program: pathlib.Path) -> Service:
    """Without copies: what is measured is the way to the nodes."""
    return Service(REDIS, program, {"NEAR_CACHE": "off"}, uses_redis=True)
