"""Webdis, as a peer."""

import json
import pathlib
import urllib.parse
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from .exchange import ask
from .load import Script
from .peers import WEBDIS, Peer, require, require_json
from .process import Server, start_on_free_port
from .redis_server import Redis
from .workload import (
    BATCH_KEY_PREFIX,
    BATCH_KEYS,
    BATCH_SET_KEY_PREFIX,
    FIXED_KEY,
    GET,
    GET_BATCH,
    GET_RANDOM,
    RANDOM_KEY_PREFIX,
    RANDOM_KEYS,
    SET,
    SET_BATCH,
    SET_KEY,
    SET_SECONDS,
    VALUE,
    batch_keys,
    keys_read_by,
)


@dataclass
class Webdis(Peer):
    """Webdis: C, libevent, hiredis; the fastest HTTP front of Redis that distributions carry."""

    program: str
    name: str = WEBDIS
    uses_redis: bool = True
    operations: Tuple[str, ...] = (GET, GET_RANDOM, GET_BATCH, SET, SET_BATCH)

    def start(self, directory: pathlib.Path, redis: Optional[Redis]) -> Server:
        assert redis is not None
        redis_port = redis.port

        def command(port: int) -> Sequence[str]:
            configuration = directory / "webdis.json"
            configuration.write_text(json.dumps(self.configuration(port, redis_port, directory)))
            return [self.program, str(configuration)]

        return start_on_free_port(self.name, command, "/PING", directory)

    def configuration(self, port: int, redis_port: int, directory: pathlib.Path) -> dict:
        """Verbosity 0 is errors only; the pool is per thread."""
        return {
            "redis_host": "127.0.0.1",
            "redis_port": redis_port,
            "redis_auth": None,
            "http_host": "127.0.0.1",
            "http_port": port,
            "threads": 2,
            "pool_size": 20,
            "daemonize": False,
            "database": 0,
            "acl": [{"disabled": ["DEBUG"]}],
            "verbosity": 0,
            "logfile": str(directory / "webdis-messages.log"),
        }

    def script(self, operation: str) -> Script:
        if operation == GET:
            return Script("fixed.lua", f"/GET/{FIXED_KEY}", ["GET", ""])
        if operation == GET_RANDOM:
            return Script("random_keys.lua", "/", [f"/GET/{RANDOM_KEY_PREFIX}", str(RANDOM_KEYS)])
        if operation == GET_BATCH:
            return Script("fixed.lua", _mget_path(), ["GET", ""])
        if operation == SET_BATCH:
            return Script("fixed.lua", "/", ["POST", _mset_command()])
        return Script("fixed.lua", self._set_path(), ["GET", ""])

    def check(self, server: Server, redis: Optional[Redis], operation: str) -> int:
        assert redis is not None
        if operation == SET:
            answer = ask(server.port, "GET", self._set_path())
            require_json(answer, {"SETEX": [True, "OK"]}, self.name, "SETEX")
            require(redis.stored(SET_KEY) == VALUE.encode(), self.name, "what Redis holds after SETEX", answer)
        elif operation == GET_BATCH:
            answer = ask(server.port, "GET", _mget_path())
            require_json(answer, {"MGET": [VALUE] * BATCH_KEYS}, self.name, "MGET")
        elif operation == SET_BATCH:
            answer = ask(server.port, "POST", "/", _mset_command().encode())
            require_json(answer, {"MSET": [True, "OK"]}, self.name, "MSET")
            stored = {redis.stored(key) for key in batch_keys(BATCH_SET_KEY_PREFIX)}
            require(stored == {VALUE.encode()}, self.name, "what Redis holds after MSET", answer)
        else:
            answer = ask(server.port, "GET", f"/GET/{keys_read_by(operation)[-1]}")
            require_json(answer, {"GET": VALUE}, self.name, "GET")
        return answer.size

    def _set_path(self) -> str:
        return f"/SETEX/{SET_KEY}/{SET_SECONDS}/{urllib.parse.quote(VALUE, safe='')}"


def _mget_path() -> str:
    return "/MGET/" + "/".join(batch_keys(BATCH_KEY_PREFIX))


def _mset_command() -> str:
    """As the body of a POST, since it is longer than many servers take as a path. MSET sets no time to live: no command of Redis sets several keys with one."""
    value = urllib.parse.quote(VALUE, safe="")
    return "MSET/" + "/".join(f"{key}/{value}" for key in batch_keys(BATCH_SET_KEY_PREFIX))
