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
OPERATIONS = (GET, GET_RANDOM, SET)


def random_keys() -> List[str]:
    """The keys of `GET_RANDOM`; the digits are those that random_keys.lua writes."""
    return [f"{RANDOM_KEY_PREFIX}{index:05d}" for index in range(RANDOM_KEYS)]


def keys_read_by(operation: str) -> List[str]:
    """The keys that must be there before `operation` runs."""
    return {GET: [FIXED_KEY], GET_RANDOM: random_keys(), SET: []}[operation]


def set_body(key: str, seconds: int) -> bytes:
    """The body of POST /cache."""
    return f'{{"key":"{key}","value":{VALUE},"ttl":{seconds}}}'.encode()
