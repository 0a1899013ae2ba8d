#!/usr/bin/env python3
"""How long answers take while Redis reports that very many copies are no longer true. See README.md beside this file."""

import argparse
import pathlib
import socket
import sys
import tempfile
import threading

from harness.exchange import Connection
from harness.near import KEY_DIGITS, KEY_PREFIX, NEAR, key, services
from harness.outage import Line, render, wait_connected
from harness.process import Server, stop_all
from harness.redis_server import Redis, encoded
from harness.tags import WATCHED_SECONDS, longest
from harness.tools import find_tool

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PUSHED, COPIES = 10_000, 1_000_000
DELAY_MS = 5.0


def copy(server: Server, count: int) -> None:
    """Reads every key twice, so that the service has a copy of it. In slices, since it remembers a first read only for a while."""
    with Connection(server.port) as connection:
        for first in range(0, count, 500):
            names = [key(number) for number in range(first, min(first + 500, count))]
            requests = b"".join(f"GET /cache/{name} HTTP/1.1\r\nHost: h\r\n\r\n".encode() for name in names)
            for _ in range(2):
                # Sent by another thread: the service stops reading a client that does not read its answers.
                sender = threading.Thread(target=connection.socket.sendall, args=(requests,))
                sender.start()
                for _ in names:
                    connection._read_answer()
                sender.join()


def entries(server: Server) -> int:
    """The copies that the service has."""
    with Connection(server.port) as connection:
        metrics = connection.ask("GET", "/metrics").body.decode()
    return int(float(next(line for line in metrics.splitlines() if line.startswith("cacheagent_near_entries ")).split()[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=pathlib.Path, default=REPOSITORY / ".build/release/redis-caching-agent", help="the service's program")
    parser.add_argument("--copies", type=int, default=COPIES, help=f"copies before FLUSHALL (default {COPIES:,})")
    arguments = parser.parse_args()
    program = find_tool("redis-server", "redis-server")
    if program is None or not arguments.service.is_file():
        sys.exit("needs redis-server and the program (make build)")
    service = services(arguments.service.resolve())[NEAR]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = pathlib.Path(name)
        try:
            redis = Redis(program, directory)
            redis.fill(KEY_PREFIX, KEY_DIGITS, arguments.copies)
            server = service.start(directory, redis)
            wait_connected(server)
            nothing = longest(server, lambda: None)
            client = socket.create_connection(("127.0.0.1", redis.port), 60.0)
            copy(server, PUSHED)
            copied = entries(server)
            unlink = encoded(["UNLINK", *(key(number) for number in range(PUSHED))])
            pushed = longest(server, lambda: client.sendall(unlink))
            copy(server, arguments.copies)
            copies = entries(server)
            flushed = longest(server, lambda: client.sendall(encoded(["FLUSHALL", "ASYNC"])))
        finally:
            stop_all()
    print(f"longest of the reads of {WATCHED_SECONDS:.0f} s, one after the other; without any event: {nothing:.2f} ms")
    print(render([
        _line(f"UNLINK of {PUSHED:,} keys, {copied:,} copies: longer than that by", pushed - nothing),
        _line(f"FLUSHALL with {copies:,} copies: longer than that by", flushed - nothing),
    ]))


def _line(what: str, delay: float) -> Line:
    return Line(what, f"{delay:.2f} ms", f"< {DELAY_MS:.0f} ms", delay < DELAY_MS)


if __name__ == "__main__":
    main()
