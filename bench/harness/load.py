"""Load: one run of wrk against one server, with what the server's processes cost meanwhile.

h2load.py makes the load over HTTP/2 in the same way.
"""

import json
import os
import pathlib
import resource
import subprocess
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Sequence

from .process import TICKS_PER_SECOND, Server, all_ticks

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "wrk"
# An answer that takes longer counts as a socket error.
ANSWER_SECONDS = 5
GRACE_SECONDS = 15


class LoadFailed(Exception):
    """The program that makes the load did not run to its end."""


@dataclass(frozen=True)
class Script:
    """One of the Lua scripts with its arguments, and the path to ask."""

    name: str
    path: str
    arguments: Sequence[str]


@dataclass(frozen=True)
class Load:
    """What one run measured. Times are microseconds, 0 where nobody looked; CPU is user and system time."""

    requests: int
    answers_per_second: float
    status_errors: int
    socket_errors: int
    p50_us: int
    p90_us: int
    p99_us: int
    p999_us: int
    max_us: int
    cpu_us_per_answer: float
    client_cpu_us_per_answer: float
    other_cores: float
    """Cores that programs other than wrk and the measured servers kept busy: what makes a run doubtful."""
    degraded: int = 0
    """Answers that memory gave instead of Redis, where the script counts them."""
    mean_us: int = 0
    """Where there are no percentiles."""
    answer_bytes: int = 0
    """Of an answer, frames and all, where the load counts them."""


def run_load(wrk: str, servers: Sequence[Server], script: Script, connections: int, seconds: int) -> Load:
    """Loads the first of `servers`; the CPU time of all of them is counted (the server, and Redis behind it)."""
    return measured(servers, lambda: _run_wrk(wrk, servers[0].port, script, connections, seconds))


def measured(servers: Sequence[Server], run: Callable[[], Dict[str, Any]]) -> Load:
    """What `run` summarizes, with the CPU time meanwhile. A summary has requests, duration_us, and fields of Load by their names."""
    client_before, all_before = _client_seconds(), all_ticks()
    servers_before = sum(server.cpu_ticks() for server in servers)
    summary = run()
    servers_seconds = (sum(server.cpu_ticks() for server in servers) - servers_before) / TICKS_PER_SECOND
    all_seconds = (all_ticks() - all_before) / TICKS_PER_SECOND
    client_seconds = _client_seconds() - client_before
    elapsed = summary["duration_us"] / 1e6
    answers = max(summary["requests"], 1)
    return Load(
        answers_per_second=summary["requests"] / elapsed,
        **{name: value for name, value in summary.items() if name != "duration_us"},
        cpu_us_per_answer=servers_seconds * 1e6 / answers,
        client_cpu_us_per_answer=client_seconds * 1e6 / answers,
        other_cores=max(0.0, all_seconds - servers_seconds - client_seconds) / elapsed,
    )


def _run_wrk(wrk: str, port: int, script: Script, connections: int, seconds: int) -> dict:
    command: List[str] = [wrk, "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency"]
    command += ["--timeout", f"{ANSWER_SECONDS}s", "--script", str(SCRIPTS / script.name), f"http://127.0.0.1:{port}{script.path}"]
    command += ["--", *script.arguments]
    environment = {**os.environ, "LUA_PATH": f"{SCRIPTS}/?.lua;;"}
    try:
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"wrk did not end within {seconds + GRACE_SECONDS} s") from error
    lines = [line for line in finished.stdout.splitlines() if line.startswith("{")]
    if finished.returncode != 0 or not lines:
        raise LoadFailed(f"wrk ended with status {finished.returncode}: {(finished.stderr or finished.stdout).strip()[-400:]}")
    return json.loads(lines[-1])


def _client_seconds() -> float:
    """CPU time of children that have ended. Servers are children too, but none of them ends during a run."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
