"""The order of the measurements, which is what makes the ratios hold on a machine that is never quite the same twice.

A round goes through the operations; within an operation the peers follow each other, each alone on the machine, so that
what is compared was measured within a minute. Every second round runs the peers in the opposite order, so that a machine
that grows slower does not favour the same side each time.
"""

import pathlib
import re
import sys
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence

from .h2load import StreamScript, run_h2load
from .load import Load, LoadFailed, run_load
from .peers import AnyScript, Peer, WrongAnswer
from .process import NotReady, Server
from .redis_server import Redis
from .workload import BATCH_OPERATIONS, HTTP2_OPERATIONS, OPERATIONS, compared_at

WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Plan:
    """How often and how long; `only` is searched in "peer/operation/connections"."""

    rounds: int
    seconds: int
    connections: Sequence[int]
    only: "re.Pattern[str]"

    def wants_any_of(self, peer: str) -> bool:
        """Whether `only` leaves any run of the peer of this name."""
        return any(self.only.search(f"{peer}/{operation}/{count}") for operation in OPERATIONS for count in self.counts(operation))

    def connections_for(self, peer: Peer, operation: str) -> List[int]:
        """The connection counts that `only` leaves."""
        if operation not in peer.operations:
            return []
        return [count for count in self.counts(operation) if self.only.search(f"{peer.name}/{operation}/{count}")]

    def counts(self, operation: str) -> Sequence[int]:
        """What is not a single request over HTTP/1 is run with one number of connections only."""
        return [compared_at(operation)] if operation in (*HTTP2_OPERATIONS, *BATCH_OPERATIONS) else self.connections


@dataclass(frozen=True)
class Loaders:
    """The programs that make the load."""

    wrk: str
    h2load: Optional[str]

    def run(self, servers: Sequence[Server], script: AnyScript, connections: int, seconds: int) -> Load:
        """One run. Raises LoadFailed."""
        if not isinstance(script, StreamScript):
            return run_load(self.wrk, servers, script, connections, seconds)
        if self.h2load is None:
            raise LoadFailed("h2load makes the load over HTTP/2 and is not installed: install the Debian package nghttp2-client")
        return run_h2load(self.h2load, servers, script, connections, seconds)


@dataclass(frozen=True)
class Sample:
    """One run of one peer."""

    round: int
    peer: str
    operation: str
    connections: int
    answer_bytes: int
    load: Load


@dataclass
class Measurements:
    """All samples, and why what is missing is missing."""

    samples: List[Sample] = field(default_factory=list)
    left_out: Dict[str, str] = field(default_factory=dict)

    def leave_out(self, what: str, why: str) -> None:
        """Notes and prints it once."""
        if what not in self.left_out:
            self.left_out[what] = why
            print(f"left out: {what}: {why}", file=sys.stderr, flush=True)


def run_rounds(
    plan: Plan, peers: Sequence[Peer], loaders: Loaders, redis_program: Optional[str], directory: pathlib.Path, measurements: Measurements
) -> None:
    """Every round, with a Redis of its own; samples and failures are added to `measurements`."""
    for round_number in range(plan.rounds):
        ordered = list(peers) if round_number % 2 == 0 else list(reversed(peers))
        redis = Redis(redis_program, directory) if redis_program and any(peer.uses_redis for peer in peers) else None
        try:
            for operation in OPERATIONS:
                for peer in ordered:
                    _measure_peer(plan, peer, operation, round_number, loaders, redis, directory, measurements)
        finally:
            if redis is not None:
                redis.server.stop()


def _measure_peer(
    plan: Plan,
    peer: Peer,
    operation: str,
    round_number: int,
    loaders: Loaders,
    redis: Optional[Redis],
    directory: pathlib.Path,
    measurements: Measurements,
) -> None:
    """Starts the peer for one operation and loads it with every number of connections."""
    counts = plan.connections_for(peer, operation)
    if not counts:
        return
    try:
        server = peer.start(directory, redis)
    except NotReady as error:
        measurements.leave_out(peer.name, str(error))
        return
    try:
        peer.seed(server, redis, operation)
        answer_bytes = peer.check(server, redis, operation)
        servers = [server, redis.server] if peer.uses_redis and redis is not None else [server]
        script = peer.script(operation)
        loaders.run(servers, script, max(counts), WARM_UP_SECONDS)
        for count in counts:
            load = loaders.run(servers, script, count, plan.seconds)
            measurements.samples.append(Sample(round_number, peer.name, operation, count, load.answer_bytes or answer_bytes, load))
            _print_progress(plan, measurements.samples[-1])
    except (LoadFailed, WrongAnswer, OSError, ValueError) as error:
        measurements.leave_out(f"{peer.name}, {operation}", f"{error}")
    finally:
        server.stop()


def _print_progress(plan: Plan, sample: Sample) -> None:
    load = sample.load
    cell = f"{sample.peer}, {sample.operation}, {sample.connections} connections"
    time = f"p99 {load.p99_us / 1000:.2f} ms" if load.p99_us else f"mean {load.mean_us / 1000:.2f} ms"
    figures = f"{load.answers_per_second:,.0f}/s, {load.cpu_us_per_answer:.1f} us CPU, {time}"
    print(f"round {sample.round + 1} of {plan.rounds}: {cell}: {figures}", file=sys.stderr, flush=True)
