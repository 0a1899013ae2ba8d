"""The one Redis of a round, and the few commands that seeding and checking need."""

import pathlib
import signal
import socket
import time
from typing import List, Sequence

from .process import NotReady, PORT_ATTEMPTS, Server, free_port
from .workload import SEEDED_SECONDS, VALUE

START_SECONDS = 10.0


class Redis:
    """A redis-server process without persistence, on a port of its own."""

    def __init__(self, program: str, directory: pathlib.Path):
        self.program = program
        self.directory = directory
        self.server = self._start(program)
        self.port = self.server.port
        self.url = f"redis://127.0.0.1:{self.port}"

    def clear(self, seed: Sequence[str]) -> None:
        """Empties it and stores the value under every key of `seed`."""
        self._run([["FLUSHALL"]] + [["SET", key, VALUE, "EX", str(SEEDED_SECONDS)] for key in seed])

    def stored(self, key: str) -> bytes:
        """The bytes under `key`, empty when there is none."""
        return _commands(self.port, [["GET", key]])[0]

    def fill(self, prefix: str, digits: int, count: int) -> None:
        """Empties it and stores the value under `count` numbered keys."""
        script = "for n=ARGV[1],ARGV[2] do redis.call('SET',string.format(ARGV[3],n),ARGV[4],'EX',ARGV[5]) end return redis.status_reply('OK')"
        name, last = f"{prefix}%0{digits}d", count - 1
        slices = [(first, min(first + 9_999, last)) for first in range(0, count, 10_000)]
        self._run([["FLUSHALL"]] + [["EVAL", script, "0", str(first), str(end), name, VALUE, str(SEEDED_SECONDS)] for first, end in slices])

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self.server.process.kill()
        self.server.stop()

    def start_again(self) -> None:
        """Starts it on the same port, empty, and waits until it answers."""
        self.server = self._start_on(self.program, self.port)

    def stop(self) -> None:
        """Ends it, even if it is stopped."""
        self.server.process.send_signal(signal.SIGCONT)
        self.server.stop()

    def connections_received(self) -> int:
        """How many connections were made to it since it started, without those of this script since then."""
        return self._statistic("total_connections_received") - 2

    def commands_processed(self) -> int:
        """How many commands it has carried out since it started."""
        return self._statistic("total_commands_processed")

    def _statistic(self, name: str) -> int:
        text = _commands(self.port, [["INFO", "stats"]])[0].decode()
        return int(next(line for line in text.splitlines() if line.startswith(f"{name}:")).split(":")[1])

    def _run(self, commands: Sequence[Sequence[str]]) -> None:
        for reply in _commands(self.port, commands):
            if reply != b"OK":
                raise ValueError(f"Redis answered {reply!r}")

    def _start(self, program: str) -> Server:
        for attempt in range(PORT_ATTEMPTS):
            try:
                return self._start_on(program, free_port())
            except NotReady:
                if attempt == PORT_ATTEMPTS - 1:
                    raise
        raise NotReady("Redis did not start")

    def _start_on(self, program: str, port: int) -> Server:
        command = [program, "--save", "", "--appendonly", "no", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        server = Server("redis-server", command, port, self.directory / "redis-server.log")
        while server.process.poll() is None and time.monotonic() < server.started_at + START_SECONDS:
            try:
                _commands(port, [["PING"]])
                return server
            except (OSError, ValueError):
                time.sleep(0.01)
        failure = f"Redis did not start: {server.log.read_text(errors='replace')[-600:]}"
        server.stop()
        raise NotReady(failure)


def _commands(port: int, commands: Sequence[Sequence[str]]) -> List[bytes]:
    """Sends all commands at once and reads a simple string, an error or a bulk string for each."""
    with socket.create_connection(("127.0.0.1", port), 10.0) as connection, connection.makefile("rb") as replies:
        connection.sendall(b"".join(encoded(command) for command in commands))
        return [_reply(replies) for _ in commands]


def encoded(command: Sequence[str]) -> bytes:
    """A command as it goes over the wire."""
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _reply(replies) -> bytes:
    line = replies.readline()
    if line[:1] == b"+":
        return line[1:-2]
    if line[:1] == b"$":
        length = int(line[1:])
        return replies.read(length + 2)[:-2] if length >= 0 else b""
    raise ValueError(f"Redis answered {line!r}")
