"""Clients that mean harm: each does one thing that breaks servers, over and over, until it is stopped."""

import random
import socket
import struct
import threading
import time
from typing import Callable, List

Attack = Callable[[int, random.Random], None]


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 5)
    connection.settimeout(2)
    return connection


def _slow_head(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        for byte in b"GET /cache/slow HTTP/1.1\r\nHost: h\r\nX: " + b"y" * chance.randrange(20):
            connection.send(bytes([byte]))
            time.sleep(0.02)


def _garbage(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        connection.sendall(chance.randbytes(chance.randrange(1, 5000)))
        connection.recv(4096)


def _huge_announcement(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        connection.sendall(b"POST /cache HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % chance.randrange(2_000_000, 10**12))
        connection.recv(4096)


def _endless_chunks(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        connection.sendall(b"POST /cache HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def _unread_answers(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(50):
            connection.sendall(b"GET /cache/large HTTP/1.1\r\nHost: h\r\n\r\n" * 20)
        time.sleep(chance.random())


def _silent(port: int, chance: random.Random, request: bytes) -> None:
    """Sends as many requests as the sockets take and reads no answer."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.settimeout(0.2)
        try:
            connection.sendall(request * 1100)
        except socket.timeout:
            pass
        time.sleep(chance.random())


def _unread_documents(port: int, chance: random.Random) -> None:
    """Every path: the fast lane, the router, and what only the codec can frame."""
    _silent(port, chance, chance.choice([
        b"GET http://h/openapi.json HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /openapi.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET /cache/large HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n"]))


def _endless_body(port: int, chance: random.Random) -> None:
    """A body that is announced, begun and never ends."""
    with _connect(port) as connection:
        connection.sendall(b"POST /cache HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + b" " * chance.randrange(900_000))
        time.sleep(chance.random())


def _reset(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"GET /cache/k HTTP/1.1\r\nHost: h\r\n\r\n" * chance.randrange(1, 50))


def _half(port: int, chance: random.Random) -> None:
    request = b'POST /cache HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n{"key":"half","value":1}      '
    with _connect(port) as connection:
        connection.sendall(request[: chance.randrange(len(request))])
        connection.shutdown(socket.SHUT_WR)
        connection.recv(4096)


def _many_heads(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        connection.sendall(b"GET /cache/k HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(5000)))
        connection.recv(4096)


def _smuggling(port: int, chance: random.Random) -> None:
    with _connect(port) as connection:
        connection.sendall(
            b"POST /cache HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /cache/x HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.recv(4096)


def _deep_json(port: int, chance: random.Random) -> None:
    body = b'{"key":"deep","value":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    with _connect(port) as connection:
        connection.sendall(b"POST /cache HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        connection.recv(4096)


def _long_pattern(port: int, chance: random.Random) -> None:
    body = b'{"pattern":"' + b"*a" * 500 + b'","dry_run":true}'
    with _connect(port) as connection:
        connection.sendall(b"POST /cache/invalidate HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        connection.recv(4096)


ATTACKS: List[Attack] = [
    _slow_head, _garbage, _huge_announcement, _endless_chunks, _unread_answers, _reset, _half, _many_heads, _smuggling, _deep_json, _long_pattern,
    _unread_documents, _endless_body,
]


class HostileClients:
    """Several of them at once. `attacks` counts what they did."""

    def __init__(self, port: int, count: int, seed: int):
        self.attacks = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(port, random.Random(seed + number)), daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, port: int, chance: random.Random) -> None:
        while not self._over.is_set():
            try:
                chance.choice(ATTACKS)(port, chance)
            except OSError:
                pass  # Being refused or cut off is what they are for.
            self.attacks += 1
            time.sleep(chance.random() * 0.05)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)
