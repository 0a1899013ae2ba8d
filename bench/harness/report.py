"""The two tables and the file of raw figures."""

import dataclasses
import json
import os
import pathlib
import platform
import statistics
from typing import Dict, List, Sequence

from .load import Load
from .rounds import Measurements, Plan
from .startup import Startup
from .targets import Row, errors_of, select, table_rows
from .workload import COMPARED_CONNECTIONS, HTTP2_CONNECTIONS, HTTP2_STREAMS

MARKS = {True: "✓", False: "✗", None: ""}
# Above this share of a core, the figures say as much about the neighbours as about the servers.
QUIET_CORES = 0.1


def render(plan: Plan, measurements: Measurements, startups: Sequence[Startup], machine: Dict[str, str]) -> str:
    """The whole report as Markdown."""
    parts = [_heading(plan, machine), _ratios(table_rows(measurements, startups)), _medians(measurements)]
    notes = _notes(measurements)
    return "\n\n".join(parts + ([notes] if notes else [])) + "\n"


def write_json(path: pathlib.Path, plan: Plan, measurements: Measurements, startups: Sequence[Startup], machine: Dict[str, str]) -> None:
    """Every single run, and the lines of the table made of them."""
    document = {
        "machine": machine,
        "plan": {"rounds": plan.rounds, "seconds": plan.seconds, "connections": list(plan.connections), "only": plan.only.pattern},
        "samples": [dataclasses.asdict(sample) for sample in measurements.samples],
        "startups": [dataclasses.asdict(startup) for startup in startups],
        "left_out": measurements.left_out,
        "rows": [dataclasses.asdict(row) for row in table_rows(measurements, startups)],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def describe_machine() -> Dict[str, str]:
    """Processor, cores and kernel; versions are added by who knows the programs."""
    processor = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    return {"processor": processor, "cores": str(len(os.sched_getaffinity(0))), "kernel": platform.release()}


def _heading(plan: Plan, machine: Dict[str, str]) -> str:
    what = ", ".join(f"{name} {value}" for name, value in machine.items())
    how = f"wrk, 1 thread, loopback, {plan.seconds} s a run, {plan.rounds} rounds in alternating order; ratios at {COMPARED_CONNECTIONS} connections, h2c at {HTTP2_CONNECTIONS} with {HTTP2_STREAMS} streams each."
    return f"{what}\n\n{how} Shown are medians (and the lowest to the highest round)."


def _ratios(rows: Sequence[Row]) -> str:
    lines = ["| what | measure | measured | target | |", "|---|---|---|---|---|"]
    lines += [f"| {row.title} | {row.measure} | {row.measured} | {row.target} | {MARKS[row.met]} |" for row in rows]
    return "\n".join(lines)


def _medians(measurements: Measurements) -> str:
    lines = [
        "| server | operation | connections | answers/s | CPU us per answer | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms | errors | answer bytes |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    cells = sorted({(s.operation, s.connections) for s in measurements.samples})
    peers = list(dict.fromkeys(s.peer for s in measurements.samples))
    for operation, connections in cells:
        for peer in peers:
            chosen = select(measurements.samples, peer, operation, connections)
            if chosen:
                lines.append(_median_line(peer, operation, connections, [s.load for s in chosen], errors_of(chosen), chosen[0].answer_bytes))
    return "\n".join(lines)


def _median_line(peer: str, operation: str, connections: int, loads: List[Load], errors: int, answer_bytes: int) -> str:
    middle = lambda name: statistics.median(getattr(load, name) for load in loads)
    times = " | ".join(f"{middle(name) / 1000:.3f}" if middle(name) else "" for name in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us"))
    figures = f"{middle('answers_per_second'):,.0f} | {middle('cpu_us_per_answer'):.1f} | {times} | {errors} | {answer_bytes}"
    return f"| {peer} | {operation} | {connections} | {figures} |"


def _notes(measurements: Measurements) -> str:
    notes = [f"- Left out: {what}: {why}" for what, why in measurements.left_out.items()]
    others = [sample.load.other_cores for sample in measurements.samples]
    if others and statistics.median(others) > QUIET_CORES:
        busy = f"{statistics.median(others):.2f} cores busy in the median run (up to {max(others):.2f})"
        notes.append(f"- Other programs kept {busy}: do not quote these figures.")
    return "\n".join(notes)
