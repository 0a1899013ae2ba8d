"""A client of HTTP/2 without TLS that can be told to misbehave."""

import socket
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from hyperframe.frame import Frame, GoAwayFrame

TIMEOUT_SECONDS = 20


class Answer(NamedTuple):
    status: int
    fields: List[Tuple[str, str]]
    body: bytes

    def field(self, name: str) -> Optional[str]:
        return next((value for each, value in self.fields if each == name), None)


class Client:
    """One connection. The library checks what the service sends: a frame that it does not expect is an error."""

    def __init__(self, port: int, settings: Optional[Dict[int, int]] = None):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        configuration = h2.config.H2Configuration(client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
                                                  normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(configuration)
        self.h2.initiate_connection()
        if settings is not None:
            self.h2.update_settings(settings)
        self.answers: Dict[int, Answer] = {}
        self.resets: Dict[int, int] = {}
        self.ended: Optional[int] = None
        self.interim: List[int] = []
        self._parts: Dict[int, list] = {}
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def head(self, method: str, path: str, fields: Iterable[Tuple[str, str]] = (), authority: Optional[str] = "localhost") -> List[Tuple[str, str]]:
        pseudo = [(":method", method), (":scheme", "http"), (":path", path)]
        return pseudo + ([(":authority", authority)] if authority is not None else []) + list(fields)

    def start(self, method: str, path: str, fields: Iterable[Tuple[str, str]] = (), body: Optional[bytes] = None) -> int:
        """Sends a request whose body fits the windows. Returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        fields = list(fields)
        if body is not None and not any(name == "content-length" for name, _ in fields):
            fields.append(("content-length", str(len(body))))
        self.h2.send_headers(stream, self.head(method, path, fields), end_stream=body is None)
        if body is not None:
            self.send_body(stream, body)
        self.flush()
        return stream

    def send_body(self, stream: int, body: bytes) -> None:
        rest = body
        while rest:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(rest))
            if room == 0:
                self.flush()
                if not self.read():
                    return
                continue
            self.h2.send_data(stream, rest[:room], end_stream=room == len(rest))
            rest = rest[room:]
        if not body:
            self.h2.send_data(stream, b"", end_stream=True)

    def ask(self, method: str, path: str, fields: Iterable[Tuple[str, str]] = (), body: Optional[bytes] = None) -> Answer:
        return self.wait(self.start(method, path, fields, body))

    def wait(self, stream: int) -> Answer:
        while stream not in self.answers:
            if stream in self.resets:
                raise ConnectionError(f"stream {stream} was reset with {self.resets[stream]}")
            if not self.read():
                raise ConnectionError(f"the connection ended with {self.ended}")
        return self.answers[stream]

    def read(self) -> bool:
        """Takes what the service sends. Returns whether the connection is still open."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            return False
        if not data:
            return False
        for event in self.h2.receive_data(data):
            self.take(event)
        try:
            self.flush()
        except OSError:
            pass
        return True

    def take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self._parts[event.stream_id] = [event.headers, b""]
        elif isinstance(event, h2.events.InformationalResponseReceived):
            self.interim.append(int(dict(event.headers)[":status"]))
        elif isinstance(event, h2.events.DataReceived):
            self._parts[event.stream_id][1] += event.data
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            headers, body = self._parts.pop(event.stream_id)
            self.answers[event.stream_id] = Answer(int(headers[0][1]), headers[1:], body)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.ended = int(event.error_code)


class RawClient:
    """A connection whose frames the caller makes."""

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    def __init__(self, port: int, settings: bytes = b""):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.received = b""
        self.socket.sendall(self.PREFACE + len(settings).to_bytes(3, "big") + b"\x04\x00\x00\x00\x00\x00" + settings)

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, frames: bytes) -> bool:
        """Returns whether the service still takes them."""
        try:
            self.socket.sendall(frames)
            return True
        except OSError:
            return False

    def read_to_end(self, seconds: float = TIMEOUT_SECONDS) -> List[Frame]:
        """The frames that the service has sent until it closed the connection."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionError:
                break
            except TimeoutError as error:
                raise AssertionError("the service keeps the connection open") from error
            if not data:
                break
            self.received += data
        return self.frames()

    def read_until(self, is_enough: Callable[[List[Frame]], bool]) -> List[Frame]:
        """All frames that have come so far."""
        self.socket.settimeout(TIMEOUT_SECONDS)
        while not is_enough(self.frames()):
            data = self.socket.recv(1 << 16)
            if not data:
                raise AssertionError(f"the service has closed the connection: {self.frames()}")
            self.received += data
        return self.frames()

    def read_some(self, seconds: float) -> None:
        """What comes within this time."""
        self.socket.settimeout(seconds)
        try:
            self.received += self.socket.recv(1 << 16)
        except OSError:
            pass

    def frames(self) -> List[Frame]:
        frames, rest = [], self.received
        while len(rest) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(rest[:9]))
            if len(rest) < 9 + length:
                break
            frame.parse_body(memoryview(rest[9:9 + length]))
            frames.append(frame)
            rest = rest[9 + length:]
        return frames

    def end(self, seconds: float = TIMEOUT_SECONDS) -> Optional[int]:
        """The error of the GOAWAY with which the service closes the connection; None if it sends none."""
        away = [frame for frame in self.read_to_end(seconds) if isinstance(frame, GoAwayFrame)]
        return int(away[-1].error_code) if away else None


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
