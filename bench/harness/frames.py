"""Frames of HTTP/2 (RFC 9113) and field blocks (RFC 7541) as bytes, also those that a library would refuse to send."""

import struct
from typing import Dict

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 0x1, 0x4
CANCEL = 8
INITIAL_WINDOW_SIZE = 4
MAX_FRAME = 16_384
# Entry 62: the newest of the dynamic table, as one byte.
NEWEST_ENTRY = b"\xbe"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame; nothing is checked."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(values: Dict[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", name, value) for name, value in values.items()))


def opening(values: Dict[int, int]) -> bytes:
    """What a client begins with."""
    return PREFACE + settings(values)


def request(method: str, path: str) -> bytes:
    """The field block of a request, without an entry in the dynamic table."""
    return (b"\x82" if method == "GET" else b"\x83") + b"\x86" + b"\x04" + _text(path.encode()) + b"\x01" + _text(b"h")


def literal(name: bytes, value: bytes, is_indexed: bool = False) -> bytes:
    """A field with a new name; if indexed, it becomes the newest entry of the dynamic table."""
    return (b"\x40" if is_indexed else b"\x00") + _text(name) + _text(value)


def reset(stream: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


def window_update(stream: int, bytes_more: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", bytes_more))


def _text(text: bytes) -> bytes:
    """As it is, without Huffman's code."""
    return _integer(len(text), 7) + text


def _integer(value: int, bits: int) -> bytes:
    """With a prefix of so many bits, whose first bits are 0."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([value])
    value -= most
    result = bytearray([most])
    while value >= 128:
        result.append(value % 128 + 128)
        value //= 128
    return bytes(result + bytes([value]))
