"""What is stored and what is asked: the same keys, value and lifetimes for every server."""

import json
from typing import List

# 64 bytes of JSON without a byte that Webdis's path syntax ("/" and ".") would take for itself.
VALUE = '{"user":4711,"session":"9f8e7d6c5b4a39281706f5e4d3c2b1a0f9e8d7"}'
assert len(VALUE) == 64 and json.loads(VALUE)

FIXED_KEY = "bench-fixed"
SET_KEY = "bench-set"
RANDOM_KEYS = 10_000
RANDOM_KEY_PREFIX = "bench-random-"
SET_SECONDS = 60
# Cache entries have a lifetime, also those that are only read; this one outlasts a run.
SEEDED_SECONDS = 3600

GET = "GET"
GET_RANDOM = "GET 10k keys"
SET = "SET"
# The same over HTTP/2 in clear text, and a hundred keys in one request.
GET_H2, SET_H2 = "GET h2c", "SET h2c"
GET_BATCH, SET_BATCH = "GET batch", "SET batch"
# What is compared with each other stands side by side.
OPERATIONS = (GET, GET_H2, GET_BATCH, GET_RANDOM, SET, SET_H2, SET_BATCH)
HTTP2_OPERATIONS = (GET_H2, SET_H2)
BATCH_OPERATIONS = (GET_BATCH, SET_BATCH)

BATCH_KEYS = 100
BATCH_KEY_PREFIX = "bench-batch-"
BATCH_SET_KEY_PREFIX = "bench-batch-set-"
# Connections at which servers are compared; over HTTP/2 each has so many streams.
COMPARED_CONNECTIONS = 64
HTTP2_CONNECTIONS, HTTP2_STREAMS = 8, 16


def compared_at(operation: str) -> int:
    """The number of connections at which ratios of this operation are taken."""
    return HTTP2_CONNECTIONS if operation in HTTP2_OPERATIONS else COMPARED_CONNECTIONS


def keys_of(operation: str) -> int:
    """How many keys one request is about."""
    return BATCH_KEYS if operation in BATCH_OPERATIONS else 1


def random_keys() -> List[str]:
    """The keys of `GET_RANDOM`; the digits are those that random_keys.lua writes."""
    return [f"{RANDOM_KEY_PREFIX}{index:05d}" for index in range(RANDOM_KEYS)]


def keys_read_by(operation: str) -> List[str]:
    """The keys that must be there before `operation` runs."""
    if operation in (GET, GET_H2):
        return [FIXED_KEY]
    return {GET_RANDOM: random_keys(), GET_BATCH: batch_keys(BATCH_KEY_PREFIX)}.get(operation, [])


def batch_keys(prefix: str) -> List[str]:
    """The keys of one batch."""
    return [f"{prefix}{index:02d}" for index in range(BATCH_KEYS)]


def set_body(key: str, seconds: int) -> bytes:
    """The body of POST /cache."""
    return f'{{"key":"{key}","value":{VALUE},"ttl":{seconds}}}'.encode()


def batch_body(operation: str) -> bytes:
    """The body of POST /cache/batch."""
    if operation == GET_BATCH:
        operations = [f'{{"op":"get","key":"{key}"}}' for key in batch_keys(BATCH_KEY_PREFIX)]
    else:
        operations = [f'{{"op":"set","key":"{key}","value":{VALUE},"ttl":{SET_SECONDS}}}' for key in batch_keys(BATCH_SET_KEY_PREFIX)]
    return f'{{"operations":[{",".join(operations)}]}}'.encode()
