"""Load over HTTP/2 in clear text, by h2load."""

import pathlib
import re
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from .load import GRACE_SECONDS, Load, LoadFailed, measured
from .process import Server

REQUESTS = re.compile(r"^requests: .* (\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$", re.MULTILINE)
STATUSES = re.compile(r"^status codes: \d+ 2xx, \d+ 3xx, (\d+) 4xx, (\d+) 5xx$", re.MULTILINE)
FINISHED = re.compile(r"^finished in ([\d.]+)(us|ms|s), ", re.MULTILINE)
TRAFFIC = re.compile(r"^traffic: \S+ \((\d+)\) total", re.MULTILINE)
TIMES = re.compile(r"^time for request: +\S+ +([\d.]+)(us|ms|s) +([\d.]+)(us|ms|s) ", re.MULTILINE)
MICROSECONDS = {"us": 1, "ms": 1_000, "s": 1_000_000}


@dataclass(frozen=True)
class StreamScript:
    """One request, repeated on `streams` streams of each connection at once. With a body it is a POST of JSON."""

    path: str
    body: bytes
    streams: int


def run_h2load(h2load: str, servers: Sequence[Server], script: StreamScript, connections: int, seconds: int) -> Load:
    """Loads the first of `servers`; the CPU time of all of them is counted. Percentiles are left out: for them h2load would write a line for each
    answer, which costs it a third of its answers."""
    return measured(servers, lambda: _run(h2load, servers[0].port, script, connections, seconds))


def run_paced(h2load: str, port: int, path: str, connections: int, streams: int, a_second: int, seconds: int, log: pathlib.Path) -> Tuple[Dict[str, Any], List[int]]:
    """So many requests a second and connection, whatever the answers take: the summary, and the microseconds of each answer."""
    # h2load appends to a log that is there.
    log.unlink(missing_ok=True)
    options = ["--rps", str(a_second), "--log-file", str(log)]
    summary = summarized(_output(h2load, port, path, connections, streams, seconds, options))
    return summary, [int(line.split("\t")[2]) for line in log.read_text().splitlines()]


def _run(h2load: str, port: int, script: StreamScript, connections: int, seconds: int) -> Dict[str, Any]:
    with tempfile.NamedTemporaryFile(prefix="bench-body-") as body:
        options: List[str] = []
        if script.body:
            body.write(script.body)
            body.flush()
            options = ["--data", body.name, "--header", "content-type: application/json"]
        return summarized(_output(h2load, port, script.path, connections, script.streams, seconds, options))


def _output(h2load: str, port: int, path: str, connections: int, streams: int, seconds: int, options: List[str]) -> str:
    command = [h2load, "--clients", str(connections), "--max-concurrent-streams", str(streams), "--duration", str(seconds), *options]
    try:
        finished = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, timeout=seconds + GRACE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"h2load did not end within {seconds + GRACE_SECONDS} s") from error
    if finished.returncode != 0:
        raise LoadFailed(f"h2load ended with status {finished.returncode}: {(finished.stderr or finished.stdout).strip()[-400:]}")
    return finished.stdout


def summarized(output: str) -> Dict[str, Any]:
    """What h2load prints, as `measured` takes it. Raises LoadFailed where figures are missing: it made no connection then."""
    found = [pattern.search(output) for pattern in (REQUESTS, STATUSES, FINISHED, TRAFFIC, TIMES)]
    if any(match is None for match in found):
        raise LoadFailed(f"h2load printed no figures: {output.strip()[-400:]}")
    requests, statuses, finished, traffic, times = (match.groups() for match in found if match is not None)
    count = int(requests[0])
    return {
        "requests": count,
        "duration_us": _microseconds(finished[0], finished[1]),
        "status_errors": sum(int(number) for number in statuses),
        # A stream that failed without an answer; an answer of 400 and above counts as failed, too.
        "socket_errors": max(0, int(requests[1]) - sum(int(number) for number in statuses)) + int(requests[3]),
        **dict.fromkeys(("p50_us", "p90_us", "p99_us", "p999_us"), 0),
        "max_us": _microseconds(times[0], times[1]),
        "mean_us": _microseconds(times[2], times[3]),
        "answer_bytes": int(traffic[0]) // max(count, 1),
    }


def _microseconds(number: str, unit: str) -> int:
    return round(float(number) * MICROSECONDS[unit])
