"""A small HTTP/1.1 client over one kept connection: enough to seed, to check answers and to see their exact size."""

import socket
from dataclasses import dataclass
from typing import List, Tuple

HEAD_END = b"\r\n\r\n"


@dataclass
class Answer:
    """One answer as it came: `size` is head and body in bytes on the wire."""

    status: int
    headers: List[Tuple[str, str]]
    body: bytes
    size: int


class Connection:
    """One connection to a port of 127.0.0.1; calls are one after the other."""

    def __init__(self, port: int, timeout: float = 10.0, api_key: str = "", fields: str = ""):
        self.fields = "".join(f"{field}\r\n" for field in (f"X-API-Key: {api_key}" if api_key else "", fields) if field)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.buffered = b""
        # Linux may connect a socket of the ephemeral range to itself when nobody listens on the port.
        if self.socket.getsockname() == self.socket.getpeername():
            self.socket.close()
            raise ConnectionRefusedError("nobody listens: the socket was connected to itself")
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def ask(self, method: str, path: str, body: bytes = b"", media_type: str = "application/json") -> Answer:
        """Sends one request and reads its answer. Raises OSError on a broken connection, ValueError on what is not HTTP."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self.fields}"
        if body:
            head += f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
        self.socket.sendall(head.encode() + b"\r\n" + body)
        return self._read_answer()

    def _read_answer(self) -> Answer:
        while HEAD_END not in self.buffered:
            self._receive()
        head, _, self.buffered = self.buffered.partition(HEAD_END)
        lines = head.decode("latin-1").split("\r\n")
        if not lines[0].startswith("HTTP/1."):
            raise ValueError(f"not an HTTP answer: {lines[0][:80]!r}")
        headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
        status = int(lines[0].split()[1])
        if status in (204, 304):
            length = 0
        if length is None:
            raise ValueError("an answer without Content-Length")
        while len(self.buffered) < length:
            self._receive()
        body, self.buffered = self.buffered[:length], self.buffered[length:]
        return Answer(status, headers, body, len(head) + len(HEAD_END) + length)

    def _receive(self) -> None:
        received = self.socket.recv(65536)
        if not received:
            raise ConnectionResetError("the connection was closed before the answer was complete")
        self.buffered += received


def ask(port: int, method: str, path: str, body: bytes = b"", timeout: float = 10.0, api_key: str = "", fields: str = "") -> Answer:
    """One request on a connection of its own; `fields` are further lines of its head."""
    with Connection(port, timeout, api_key, fields) as connection:
        return connection.ask(method, path, body)
