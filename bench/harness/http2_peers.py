"""Peers that speak HTTP/2 in clear text."""

import pathlib
from dataclasses import dataclass
from typing import Optional, Tuple

from .h2load import StreamScript
from .http2 import ask_http2
from .peers import HUMMINGBIRD_H2, NGINX_H2, HummingbirdRoute, Nginx, require
from .process import Server, clean_environment, free_port, start_on_free_port
from .redis_server import Redis
from .workload import FIXED_KEY, GET_H2, HTTP2_STREAMS


@dataclass
class NginxHTTP2(Nginx):
    """nginx's `return 200` over HTTP/2. A port without TLS speaks one protocol there, so it has two: one to see that it is ready, one for the load."""

    name: str = NGINX_H2
    operations: Tuple[str, ...] = (GET_H2,)
    _http2_port: int = 0

    def start(self, directory: pathlib.Path, redis: Optional[Redis]) -> Server:
        server = super().start(directory, redis)
        server.port = self._http2_port
        return server

    def script(self, operation: str) -> StreamScript:
        return StreamScript(f"/cache/{FIXED_KEY}", b"", HTTP2_STREAMS)

    def check(self, server: Server, redis: Optional[Redis], operation: str) -> int:
        answer = ask_http2(server.port, "GET", f"/cache/{FIXED_KEY}")
        require(answer.status == 200 and answer.body == self.reference.body, self.name, "GET", answer)
        return answer.size

    def _listeners(self, port: int) -> str:
        self._http2_port = free_port()
        return f"{super()._listeners(port)} listen 127.0.0.1:{self._http2_port} http2 backlog=1024;"


@dataclass
class HummingbirdHTTP2(HummingbirdRoute):
    """The same route behind Hummingbird's own HTTP/2, which has a channel for each stream."""

    name: str = HUMMINGBIRD_H2
    operations: Tuple[str, ...] = (GET_H2,)

    def start(self, directory: pathlib.Path, redis: Optional[Redis]) -> Server:
        environment = lambda port: clean_environment(HOST="127.0.0.1", PORT=str(port), LOG_LEVEL="warning", HTTP2="on")
        return start_on_free_port(self.name, lambda port: [str(self.program)], "/cache/x", directory, environment, asks=ask_http2)

    def script(self, operation: str) -> StreamScript:
        return StreamScript("/cache/x", b"", HTTP2_STREAMS)

    def check(self, server: Server, redis: Optional[Redis], operation: str) -> int:
        answer = ask_http2(server.port, "GET", "/cache/x")
        require(answer.status == 200, self.name, "GET", answer)
        return answer.size
