"""The servers that are compared: how each is started, seeded, asked and checked.

A peer is checked by one call before its load, answer and all: a server that answers fast because it answers wrongly must
not get as far as a figure.
"""

import json
import os
import pathlib
import string
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence, Tuple, Union

from .exchange import Answer, Connection, ask
from .fault_proxy import FaultProxy
from .h2load import StreamScript
from .http2 import ask_http2
from .load import Script
from .process import Server, clean_environment, start_on_free_port
from .redis_server import Redis
from .workload import (
    BATCH_KEY_PREFIX,
    BATCH_OPERATIONS,
    BATCH_SET_KEY_PREFIX,
    FIXED_KEY,
    GET,
    GET_BATCH,
    GET_H2,
    GET_RANDOM,
    HTTP2_OPERATIONS,
    HTTP2_STREAMS,
    OPERATIONS,
    RANDOM_KEY_PREFIX,
    RANDOM_KEYS,
    SEEDED_SECONDS,
    SET,
    SET_H2,
    SET_KEY,
    SET_SECONDS,
    VALUE,
    batch_body,
    batch_keys,
    keys_read_by,
    set_body,
)

NGINX, WEBDIS, FASTAPI, HUMMINGBIRD = "nginx", "webdis", "fastapi", "hummingbird"
NGINX_H2, HUMMINGBIRD_H2 = "nginx-h2c", "hummingbird-h2c"
MEMORY, REDIS, ROUTER, UNCOUNTED = "service-memory", "service-redis", "service-router", "service-uncounted"
KEYS = "service-keys"
API_KEY = "rca_benchmark"
# How a request is repeated: by wrk, or by h2load over HTTP/2.
AnyScript = Union[Script, StreamScript]

FILES = pathlib.Path(__file__).resolve().parent.parent / "peers"
FASTAPI_READY_SECONDS = 60.0
STORED = f"Value cached successfully with TTL: {SET_SECONDS}"


class WrongAnswer(Exception):
    """A server did not answer as the operation demands; it is not measured."""


class Peer:
    """What all have in common. `name` is what tables and `--only` call it."""

    name: str
    uses_redis: bool = False
    operations: Tuple[str, ...] = OPERATIONS

    def start(self, directory: pathlib.Path, redis: Optional[Redis]) -> Server:
        """Starts it and waits until it answers. Raises NotReady."""
        raise NotImplementedError

    def seed(self, server: Server, redis: Optional[Redis], operation: str) -> None:
        """Stores what `operation` reads."""
        if self.uses_redis and redis is not None:
            redis.clear(keys_read_by(operation))

    def script(self, operation: str) -> AnyScript:
        """The load for `operation`."""
        raise NotImplementedError

    def check(self, server: Server, redis: Optional[Redis], operation: str) -> int:
        """Asks once and compares; returns the answer's size in bytes. Raises WrongAnswer."""
        raise NotImplementedError


class CacheAPIPeer(Peer):
    """A server with the service's HTTP interface."""

    api_key: str = ""

    def seed(self, server: Server, redis: Optional[Redis], operation: str) -> None:
        if self.uses_redis:
            super().seed(server, redis, operation)
            return
        with Connection(server.port, api_key=self.api_key) as connection:
            for key in keys_read_by(operation):
                answer = connection.ask("POST", "/cache", set_body(key, SEEDED_SECONDS))
                require(answer.status == 200, self.name, "POST /cache", answer)

    def script(self, operation: str) -> AnyScript:
        if operation == GET_H2:
            return StreamScript(f"/cache/{FIXED_KEY}", b"", HTTP2_STREAMS)
        if operation == SET_H2:
            return StreamScript("/cache", set_body(SET_KEY, SET_SECONDS), HTTP2_STREAMS)
        if operation in BATCH_OPERATIONS:
            return Script("fixed.lua", "/cache/batch", ["POST", batch_body(operation).decode()])
        if operation == GET:
            return Script("fixed.lua", f"/cache/{FIXED_KEY}", ["GET", ""] + ([self.api_key] if self.api_key else []))
        if operation == GET_RANDOM:
            return Script("random_keys.lua", "/", [f"/cache/{RANDOM_KEY_PREFIX}", str(RANDOM_KEYS)])
        return Script("fixed.lua", "/cache", ["POST", set_body(SET_KEY, SET_SECONDS).decode()])

    def check(self, server: Server, redis: Optional[Redis], operation: str) -> int:
        size = 0
        if operation in BATCH_OPERATIONS:
            keys = batch_keys(BATCH_KEY_PREFIX if operation == GET_BATCH else BATCH_SET_KEY_PREFIX)
            size = self._check_batch(server, operation, keys)
        elif operation in (SET, SET_H2):
            answer = self._asks(operation)(server.port, "POST", "/cache", set_body(SET_KEY, SET_SECONDS))
            require_json(answer, {"success": True, "key": SET_KEY, "message": STORED}, self.name, "POST /cache")
            keys, size = [SET_KEY], answer.size
        else:
            keys = keys_read_by(operation)[-1:]
        if operation == GET_H2:
            answer = ask_http2(server.port, "GET", f"/cache/{keys[0]}")
        else:
            answer = ask(server.port, "GET", f"/cache/{keys[-1]}", api_key=self.api_key)
        require_json(answer, {"success": True, "key": keys[-1], "value": json.loads(VALUE)}, self.name, f"GET /cache/{keys[-1]}")
        if self.uses_redis and redis is not None:
            for key in keys:
                require(json.loads(redis.stored(key) or b"null") == json.loads(VALUE), self.name, f"what Redis holds at {key}", answer)
        return size or answer.size

    def _asks(self, operation: str) -> Callable[..., Answer]:
        return ask_http2 if operation in HTTP2_OPERATIONS else ask

    def _check_batch(self, server: Server, operation: str, keys: Sequence[str]) -> int:
        """The size of the answer, which must have a result for each key."""
        answer = ask(server.port, "POST", "/cache/batch", batch_body(operation))
        member = {"value": json.loads(VALUE)} if operation == GET_BATCH else {"message": STORED}
        results = [{"status": 200, "success": True, "key": key, **member} for key in keys]
        require_json(answer, {"results": results}, self.name, "POST /cache/batch")
        return answer.size


@dataclass
class Service(CacheAPIPeer):
    """The service itself, in one of its configurations."""

    name: str
    program: pathlib.Path
    settings: Dict[str, str] = field(default_factory=dict)
    uses_redis: bool = False
    operations: Tuple[str, ...] = OPERATIONS
    api_key: str = ""

    def start(self, directory: pathlib.Path, redis: Union[Redis, FaultProxy, None]) -> Server:
        return start_on_free_port(self.name, self.command, "/health", directory, lambda port: self.environment(port, redis))

    def command(self, port: int) -> Sequence[str]:
        """The command line; the port is in the environment."""
        return [str(self.program)]

    def environment(self, port: int, redis: Union[Redis, FaultProxy, None]) -> Dict[str, str]:
        """Its settings: everything else is at its default."""
        store = {"REDIS_URL": redis.url} if self.uses_redis and redis is not None else {}
        return clean_environment(HOST="127.0.0.1", PORT=str(port), LOG_LEVEL="warning", **store, **self.settings)


@dataclass
class FastAPI(CacheAPIPeer):
    """bench/peers/fastapi_cache.py under uvicorn with uvloop and httptools: one process, as the service that this one replaces ran."""

    python: pathlib.Path
    name: str = FASTAPI
    uses_redis: bool = True
    operations: Tuple[str, ...] = (GET, GET_RANDOM, SET)

    def start(self, directory: pathlib.Path, redis: Optional[Redis]) -> Server:
        assert redis is not None
        environment = clean_environment(REDIS_URL=redis.url, PYTHONDONTWRITEBYTECODE="1")
        return start_on_free_port(
            self.name, self.command, "/health", directory, lambda port: environment, ready_seconds=FASTAPI_READY_SECONDS
        )

    def command(self, port: int) -> Sequence[str]:
        """The command line of uvicorn."""
        options = ["--app-dir", str(FILES), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        options += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--no-access-log"]
        return [str(self.python), "-m", "uvicorn", "fastapi_cache:app", *options]


@dataclass
class Nginx(Peer):
    """nginx `return 200`, with a body and headers that take as many bytes as the service's answer to GET."""

    program: str
    reference: Answer
    name: str = NGINX
    operations: Tuple[str, ...] = (GET,)

    def start(self, directory: pathlib.Path, redis: Optional[Redis]) -> Server:
        # What nginx answers by itself is known only from asking it; the rest is made up by headers like the service's.
        server = self._start_with([], directory)
        try:
            own_size = ask(server.port, "GET", f"/cache/{FIXED_KEY}").size
        finally:
            server.stop()
        return self._start_with(headers_of_size(self.reference.headers, self.reference.size - own_size), directory)

    def seed(self, server: Server, redis: Optional[Redis], operation: str) -> None:
        """Nothing is stored."""

    def script(self, operation: str) -> Script:
        return Script("fixed.lua", f"/cache/{FIXED_KEY}", ["GET", ""])

    def check(self, server: Server, redis: Optional[Redis], operation: str) -> int:
        answer = ask(server.port, "GET", f"/cache/{FIXED_KEY}")
        require(answer.status == 200 and answer.body == self.reference.body, self.name, "GET", answer)
        return answer.size

    def _listeners(self, port: int) -> str:
        """The directives that name its ports."""
        return f"listen 127.0.0.1:{port} backlog=1024;"

    def _start_with(self, headers: List[Tuple[str, str]], directory: pathlib.Path) -> Server:
        template = string.Template((FILES / "nginx.conf.template").read_text())
        configuration = directory / "nginx.conf"

        def command(port: int) -> Sequence[str]:
            configuration.write_text(
                template.substitute(
                    directory=directory,
                    listeners=self._listeners(port),
                    body=self.reference.body.decode(),
                    headers="\n".join(f'            add_header {name} "{value}";' for name, value in headers),
                    # Started by root, the workers would become a user who may not enter the temporary directory.
                    user_line="user root;" if os.geteuid() == 0 else "",
                )
            )
            return [self.program, "-e", str(directory / "nginx.error.log"), "-p", str(directory), "-c", str(configuration)]

        return start_on_free_port(self.name, command, f"/cache/{FIXED_KEY}", directory)


@dataclass
class HummingbirdRoute(Peer):
    """Hummingbird's router with one handler that returns a constant: what the service's general path is built on."""

    program: pathlib.Path
    name: str = HUMMINGBIRD
    operations: Tuple[str, ...] = (GET,)

    def start(self, directory: pathlib.Path, redis: Optional[Redis]) -> Server:
        environment = lambda port: clean_environment(HOST="127.0.0.1", PORT=str(port), LOG_LEVEL="warning")
        return start_on_free_port(self.name, lambda port: [str(self.program)], "/cache/x", directory, environment)

    def script(self, operation: str) -> Script:
        return Script("fixed.lua", "/cache/x", ["GET", ""])

    def check(self, server: Server, redis: Optional[Redis], operation: str) -> int:
        answer = ask(server.port, "GET", "/cache/x")
        require(answer.status == 200, self.name, "GET", answer)
        return answer.size


def headers_of_size(like: Sequence[Tuple[str, str]], size: int) -> List[Tuple[str, str]]:
    """Headers named as those of `like` that nginx does not send by itself, cut or padded to take `size` bytes together.

    The exact size is met whenever `size` allows one header of one byte; otherwise the list is empty.
    """
    own = ("date", "server", "connection", "content-type", "content-length")
    chosen = [(name, value) for name, value in like if name.lower() not in own] or [("X-Padding", "")]
    cost = lambda name, value: len(name) + len(": ") + len(value) + len("\r\n")
    while chosen and sum(cost(name, "-") for name, _ in chosen) > size:
        chosen.pop()
    headers = []
    for index, (name, value) in enumerate(chosen):
        later = sum(cost(other, "-") for other, _ in chosen[index + 1 :])
        room = size - later - cost(name, "")
        length = room if index == len(chosen) - 1 else min(max(len(value), 1), room)
        headers.append((name, "".join(character if character.isalnum() else "-" for character in value)[:length].ljust(length, "-")))
        size -= cost(*headers[-1])
    return headers


def nominal_reference() -> Answer:
    """The service's answer to GET as its contract has it, for when there is no service to ask."""
    body = f'{{"success":true,"key":"{FIXED_KEY}","value":{VALUE}}}'.encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("Cache-Status", "redis-caching-agent; hit; ttl=3600; detail=memory"),
        ("X-Request-Id", "0123456789abcdef0123456789abcdef"),
        ("X-Process-Time", "0.000010"),
    ]
    size = len("HTTP/1.1 200 OK\r\n") + sum(len(f"{name}: {value}\r\n") for name, value in headers) + len("\r\n") + len(body)
    return Answer(200, headers, body, size)


def require_json(answer: Answer, expected: object, name: str, call: str) -> None:
    try:
        matches = answer.status == 200 and json.loads(answer.body) == expected
    except ValueError:
        matches = False
    require(matches, name, call, answer)


def require(condition: bool, name: str, call: str, answer: Answer) -> None:
    if not condition:
        raise WrongAnswer(f"{name}: {call} is not as it should be: {answer.status} {answer.body[:200]!r}")
