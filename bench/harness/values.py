"""What values as resources cost: `/values` beside a web server, a 304 beside its 200, a tagged hit beside an untagged one."""

import os
import pathlib
import string
import sys
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence

from .exchange import Answer, Connection, ask
from .load import Load, Script, run_load
from .near import NEAR
from .outage import Line, wait_connected
from .peers import FILES, MEMORY, NGINX, Service, WrongAnswer
from .process import Server, start_on_free_port
from .ratios import ANSWERS, CPU, ratio_line
from .redis_server import Redis
from .workload import SEEDED_SECONDS, set_body

CONNECTIONS = 64
BYTES = bytes(range(256)) * 4
LARGE_BYTES = BYTES * 64
RESOURCE, LARGE_RESOURCE, JSON_KEY, TAGGED_KEY = "bench-resource", "bench-large", "bench-plain", "bench-tagged"
# Ceilings of the CPU per answer.
VALUES_TO_NGINX, CONDITIONAL_TO_PLAIN, TAGGED_TO_UNTAGGED = 1.5, 1.0, 1.3


@dataclass(frozen=True)
class Way:
    """A way to ask a server for something, and what it must answer."""

    name: str
    start: Callable[[pathlib.Path, Redis], Server]
    path: str
    status: int = 200
    is_conditional: bool = False

    def run(self, wrk: str, redis_program: str, directory: pathlib.Path, seconds: int) -> Load:
        """One run on servers of its own."""
        redis = Redis(redis_program, directory)
        server = None
        try:
            server = self.start(directory, redis)
            whole = ask(server.port, "GET", self.path)
            # The second read is the first that a copy may answer.
            for _ in range(3):
                ask(server.port, "GET", self.path)
            field = f"If-None-Match: {value_of(whole, 'etag')}" if self.is_conditional else ""
            script = Script("fixed.lua", self.path, ["GET", "", ""] + ([field] if field else []))
            self._check(server, whole, field)
            run_load(wrk, [server], script, CONNECTIONS, 1)
            return run_load(wrk, [server], script, CONNECTIONS, seconds)
        finally:
            if server is not None:
                server.stop()
            redis.stop()

    def _check(self, server: Server, whole: Answer, field: str) -> None:
        answer = ask(server.port, "GET", self.path, fields=field)
        if whole.status != 200 or answer.status != self.status or bool(answer.body) != (self.status == 200):
            raise WrongAnswer(f"{self.name}: GET {self.path} is not as it should be: {answer.status} {answer.body[:200]!r}")


def value_of(answer: Answer, name: str) -> str:
    """The value of a header; WrongAnswer if it is absent."""
    for field, value in answer.headers:
        if field.lower() == name:
            return value
    raise WrongAnswer(f"no {name} in {answer.headers}")


def nginx_file(program: str) -> Callable[[pathlib.Path, Redis], Server]:
    """nginx with the bytes in a file."""

    def start(directory: pathlib.Path, redis: Redis) -> Server:
        (directory / RESOURCE).write_bytes(BYTES)
        template = string.Template((FILES / "nginx-file.conf.template").read_text())
        configuration = directory / "nginx-file.conf"

        def command(port: int) -> Sequence[str]:
            # Started by root, the workers would become a user who may not enter the temporary directory.
            user_line = "user root;" if os.geteuid() == 0 else ""
            configuration.write_text(template.substitute(directory=directory, port=port, user_line=user_line))
            return [program, "-e", str(directory / "nginx.error.log"), "-p", str(directory), "-c", str(configuration)]

        return start_on_free_port(NGINX, command, f"/{RESOURCE}", directory)

    return start


def seeded(service: Service) -> Callable[[pathlib.Path, Redis], Server]:
    """The service, with what the ways ask for."""

    def start(directory: pathlib.Path, redis: Redis) -> Server:
        server = service.start(directory, redis)
        if service.uses_redis:
            wait_connected(server)
        with Connection(server.port) as connection:
            stored = [
                connection.ask("PUT", f"/values/{RESOURCE}?ttl={SEEDED_SECONDS}", BYTES, "application/octet-stream"),
                connection.ask("PUT", f"/values/{LARGE_RESOURCE}?ttl={SEEDED_SECONDS}", LARGE_BYTES, "application/octet-stream"),
                connection.ask("POST", "/cache", set_body(JSON_KEY, SEEDED_SECONDS)),
                connection.ask("POST", "/cache", set_body(TAGGED_KEY, SEEDED_SECONDS)[:-1] + b',"tags":["bench"]}'),
            ]
        if not all(answer.status in (200, 201) for answer in stored):
            server.stop()
            raise WrongAnswer(f"{service.name}: not stored: {stored}")
        return server

    return start


@dataclass(frozen=True)
class Comparison:
    """Two ways; the ceiling is that of the CPU per answer."""

    title: str
    ours: Way
    theirs: Way
    ceiling: Optional[float]


def comparisons(service: pathlib.Path, nginx: Optional[str]) -> List[Comparison]:
    """All that can be run here."""
    memory = seeded(Service(MEMORY, service))
    near = seeded(Service(NEAR, service, uses_redis=True))
    plain = Way("200", memory, f"/cache/{JSON_KEY}")
    resource = Way("/values", memory, f"/values/{RESOURCE}")
    large = Way("/values 64 KiB", memory, f"/values/{LARGE_RESOURCE}")
    chosen = [
        # Of a short value the head is what costs, and the request with a condition is the longer one.
        Comparison("GET /cache from memory, 64 bytes: 304 : 200", Way("304", memory, f"/cache/{JSON_KEY}", 304, True), plain, None),
        Comparison("GET /values from memory, 1 KiB: 304 : 200", Way("/values 304", memory, f"/values/{RESOURCE}", 304, True), resource, None),
        Comparison("GET /values from memory, 64 KiB: 304 : 200", Way("/values 64 KiB 304", memory, f"/values/{LARGE_RESOURCE}", 304, True), large, CONDITIONAL_TO_PLAIN),
        Comparison("GET of a copy: with a tag : without", Way("tagged", near, f"/cache/{TAGGED_KEY}"), Way("untagged", near, f"/cache/{JSON_KEY}"), TAGGED_TO_UNTAGGED),
    ]
    if nginx is not None:
        file = Way("nginx, file", nginx_file(nginx), f"/{RESOURCE}")
        chosen.insert(0, Comparison("GET /values from memory, 1 KiB : nginx, the same bytes in a file", resource, file, VALUES_TO_NGINX))
    return chosen


def compare(wrk: str, comparison: Comparison, redis_program: str, directory: pathlib.Path, rounds: int, seconds: int) -> List[Line]:
    """Every second round runs the two in the opposite order."""
    runs: Dict[str, List[Load]] = {comparison.ours.name: [], comparison.theirs.name: []}
    for number in range(rounds):
        for way in (comparison.ours, comparison.theirs) if number % 2 == 0 else (comparison.theirs, comparison.ours):
            load = way.run(wrk, redis_program, directory, seconds)
            runs[way.name].append(load)
            print(
                f"round {number + 1}: {way.name}: {load.answers_per_second:,.0f}/s, {load.cpu_us_per_answer:.2f} us CPU, "
                f"others {load.other_cores:.2f} cores", file=sys.stderr, flush=True)
    ours, theirs = runs[comparison.ours.name], runs[comparison.theirs.name]
    return [
        ratio_line(f"{comparison.title}, CPU per answer", ours, theirs, CPU, comparison.ceiling),
        ratio_line(f"{comparison.title}, answers/s", ours, theirs, ANSWERS, None),
    ]
