#!/usr/bin/env python3
"""How long instance B answers an older value after instance A has acknowledged a write, under load. See README.md beside this file."""

import argparse
import json
import pathlib
import random
import selectors
import sys
import tempfile
import threading
import time
from typing import Dict, List, Tuple

from harness.exchange import HEAD_END, Connection
from harness.load import Load, run_load
from harness.near import NEAR, ZIPF_EXPONENT, ZIPF_KEYS, ForeignWriter, KEY_DIGITS, KEY_PREFIX, key, reads, services
from harness.outage import Line, render, wait_connected
from harness.process import Server, stop_all
from harness.redis_server import Redis
from harness.tools import find_tool

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PROBED = key(ZIPF_KEYS)
READERS = 4
P99_MS = 5.0


class Client:
    """One request at a time, read without waiting."""

    def __init__(self, port: int, instance: str, selector: selectors.BaseSelector):
        self.connection = Connection(port)
        self.instance = instance
        self.sent = 0.0
        self.acknowledged = 0
        self._buffered = b""
        self.connection.socket.setblocking(False)
        selector.register(self.connection.socket, selectors.EVENT_READ, self)

    def send(self, request: bytes, acknowledged: int) -> None:
        self.sent, self.acknowledged = time.monotonic(), acknowledged
        self.connection.socket.send(request)

    def received(self) -> bytes:
        """The body of the answer once it is complete, or nothing."""
        self._buffered += self.connection.socket.recv(65536)
        head, end, body = self._buffered.partition(HEAD_END)
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return b""
        self._buffered = b""
        return body


def probe(a: Server, b: Server, seconds: float) -> Tuple[Dict[int, float], Dict[int, float], int, int]:
    """Writes numbers one after the other through A, while clients of A and B read all the time.

    For each write: milliseconds from its acknowledgement to the last request sent to B, and to the last answer of B, that brought an older number.
    Only requests sent after the acknowledgement count: what is under way then may bring either. And the older answers of A, and all reads."""
    selector, chance = selectors.DefaultSelector(), random.Random(20260101)
    writer = Client(a.port, "writer", selector)
    readers = [Client(server.port, name, selector) for name, server in (("A", a), ("B", b)) for _ in range(READERS)]
    get = f"GET /cache/{PROBED} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
    acknowledged: List[float] = [time.monotonic()]
    asked: Dict[int, float] = {}
    arrived: Dict[int, float] = {}
    violations = answers = 0
    with Connection(a.port) as first:
        first.ask("POST", "/cache", _body(0))
    for reader in readers:
        reader.send(get, 0)
    until, next_write, is_writing = time.monotonic() + seconds, time.monotonic(), False
    while (now := time.monotonic()) < until:
        if not is_writing and now >= next_write:
            body, is_writing = _body(len(acknowledged)), True
            head = f"POST /cache HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.send(head.encode() + body, 0)
        for ready, _ in selector.select(0.001):
            client = ready.data
            answer = client.received()
            if not answer:
                continue
            now = time.monotonic()
            if client is writer:
                assert b'"success":true' in answer, answer
                acknowledged.append(now)
                is_writing, next_write = False, now + chance.uniform(0.005, 0.025)
                continue
            answers += 1
            found = json.loads(answer)["value"]
            if found < client.acknowledged and client.instance == "A":
                violations += 1
            elif found < client.acknowledged:
                for number in range(found + 1, client.acknowledged + 1):
                    asked[number] = (client.sent - acknowledged[number]) * 1000
                    arrived[number] = (now - acknowledged[number]) * 1000
            client.send(get, len(acknowledged) - 1)
    written = range(1, len(acknowledged))
    return {n: asked.get(n, 0.0) for n in written}, {n: arrived.get(n, 0.0) for n in written}, violations, answers


def _body(number: int) -> bytes:
    return f'{{"key":"{PROBED}","value":{number},"ttl":3600}}'.encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--seconds", type=int, default=30, help="seconds of probing (default 30)")
    parser.add_argument("--connections", type=int, default=16, help="connections of the load on each instance; 0: no load (default 16)")
    arguments = parser.parse_args()
    wrk, redis_program = find_tool("wrk", "wrk"), find_tool("redis-server", "redis-server")
    if wrk is None or redis_program is None or not arguments.service.is_file():
        sys.exit("needs wrk, redis-server and the program (make build)")
    service = services(arguments.service.resolve())[NEAR]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = pathlib.Path(name)
        try:
            redis = Redis(redis_program, directory)
            redis.fill(KEY_PREFIX, KEY_DIGITS, ZIPF_KEYS)
            instances = [service.start(directory, redis) for _ in range(2)]
            for instance in instances:
                wait_connected(instance)
            writer = ForeignWriter(redis.port)
            writer.rate = 1000.0
            loads: List[Load] = []
            load = lambda server: loads.append(
                run_load(wrk, [server], reads(ZIPF_KEYS, ZIPF_EXPONENT), arguments.connections, arguments.seconds + 4))
            threads = [threading.Thread(target=load, args=(server,)) for server in instances if arguments.connections]
            for thread in threads:
                thread.start()
            time.sleep(3)
            asked, arrived, violations, answers = probe(*instances, arguments.seconds)
            for thread in threads:
                thread.join()
            writer.stop()
        finally:
            stop_all()
    rate = sum(load.answers_per_second for load in loads)
    shares = f"{len(asked):,} writes, {answers:,} reads of the key, {rate:,.0f} answers/s of load; older after the write: {sum(v > 0 for v in asked.values())}"
    print(shares, flush=True)
    print(render([
        _line("acknowledged on A to the last request to B that brought an older value", asked),
        _line("acknowledged on A to the arrival of B's last older answer", arrived),
        Line("answers of A older than its own acknowledged write", str(violations), "0", violations == 0),
    ]))


def _line(what: str, times: Dict[int, float]) -> Line:
    ordered = sorted(times.values())
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    p99 = at(0.99)
    return Line(what, f"p50 {at(0.5):.2f} ms, p99 {p99:.2f} ms, longest {ordered[-1]:.2f} ms", f"p99 < {P99_MS:.0f} ms", p99 < P99_MS)


if __name__ == "__main__":
    main()
