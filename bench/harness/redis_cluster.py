"""A Redis Cluster on this machine, and what is done to it: slots that move, masters that are lost."""

import os
import pathlib
import signal
import socket
import time
from typing import Callable, Dict, List, Sequence, Union

from .process import NotReady, PORT_ATTEMPTS, Server, free_port
from .redis_server import START_SECONDS, encoded
from .workload import SEEDED_SECONDS, VALUE

SLOTS = 16_384
HOST = "127.0.0.1"
NODE_TIMEOUT_MS = 1000
# How many slots are open at once while many move.
BATCH = 100
Reply = Union[str, int, None, List["Reply"]]


class Refused(Exception):
    """An error that Redis answered."""


def slot_of(key: str) -> int:
    """The hash slot of a key: CRC16 of its tag, or of all of it."""
    data = key.encode()
    opened = data.find(b"{")
    closed = data.find(b"}", opened + 1)
    if 0 <= opened and opened + 1 < closed:
        data = data[opened + 1 : closed]
    remainder = 0
    for byte in data:
        remainder ^= byte << 8
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x1021 if remainder & 0x8000 else 0)
        remainder &= 0xFFFF
    return remainder % SLOTS


class Client:
    """One connection to one node; calls are one after the other."""

    def __init__(self, port: int, timeout: float = 10.0):
        self._socket = socket.create_connection((HOST, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self._socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it."""
        self._replies.close()
        self._socket.close()

    def ask(self, *words: object) -> Reply:
        """One command; an error is raised."""
        reply = self.ask_all([words])[0]
        if isinstance(reply, Refused):
            raise reply
        return reply

    def ask_all(self, commands: Sequence[Sequence[object]]) -> List:
        """Many at once; an error stands among the replies."""
        self._socket.sendall(b"".join(encoded([str(word) for word in command]) for command in commands))
        return [self._read() for _ in commands]

    def order(self, commands: Sequence[Sequence[object]]) -> None:
        """Commands of which none may be refused."""
        for reply in self.ask_all(commands):
            if isinstance(reply, Refused):
                raise reply

    def _read(self):
        line = self._replies.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b"+":
            return text.decode()
        if kind == b"-":
            return Refused(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"$":
            return self._replies.read(int(text) + 2)[:-2].decode() if int(text) >= 0 else None
        if kind == b"*":
            return [self._read() for _ in range(int(text))]
        raise OSError(f"Redis answered {line!r}")


class Node:
    """One redis-server of the cluster; its ports are the same over restarts."""

    def __init__(self, program: str, directory: pathlib.Path, number: int, full_coverage: bool):
        self.number = number
        self.directory = directory / f"node-{number}-{time.monotonic_ns()}"
        self.directory.mkdir()
        self._program, self._full_coverage = program, full_coverage
        self.identifier = ""
        self.server = self._first_start()

    @property
    def port(self) -> int:
        """Of 127.0.0.1."""
        return self.server.port

    def _first_start(self) -> Server:
        for attempt in range(PORT_ATTEMPTS):
            try:
                self._bus = free_port()
                return self._start(free_port())
            except NotReady:
                if attempt == PORT_ATTEMPTS - 1:
                    raise
        raise NotReady("no node started")

    def _start(self, port: int) -> Server:
        command = [self._program, "--save", "", "--appendonly", "no", "--port", port, "--bind", HOST, "--dir", self.directory]
        command += ["--cluster-enabled", "yes", "--cluster-port", self._bus, "--cluster-node-timeout", NODE_TIMEOUT_MS]
        command += ["--cluster-require-full-coverage", "yes" if self._full_coverage else "no", "--cluster-allow-replica-migration", "no"]
        command += ["--cluster-replica-validity-factor", "0", "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"]
        server = Server("redis-server", [str(word) for word in command], port, self.directory / "log")
        while server.process.poll() is None and time.monotonic() < server.started_at + START_SECONDS:
            try:
                with Client(port) as client:
                    client.ask("PING")
                return server
            except (OSError, Refused):
                time.sleep(0.01)
        failure = f"Redis did not start: {server.log.read_text(errors='replace')[-600:]}"
        server.stop()
        raise NotReady(failure)

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self.server.process.kill()
        self.server.stop()

    def start_again(self) -> None:
        """On the same ports, with what it knew of the cluster and without data."""
        self.server = self._start(self.port)

    def stop(self) -> None:
        """Ends it, even if it is stopped."""
        if self.server.process.poll() is None:
            os.kill(self.server.process.pid, signal.SIGCONT)
        self.server.stop()


class RedisCluster:
    """Masters with equal shares of the slots, and replicas, the first of which belongs to the first master, and so on."""

    def __init__(self, program: str, directory: pathlib.Path, masters: int = 3, replicas: int = 0, full_coverage: bool = False):
        self.nodes = [Node(program, directory, number, full_coverage) for number in range(masters + replicas)]
        self.masters = masters
        try:
            self._form()
        except BaseException:
            self.stop()
            raise
        self.url = "redis://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes[:masters])

    @property
    def servers(self) -> List[Server]:
        """Those of all nodes."""
        return [node.server for node in self.nodes]

    def stop(self) -> None:
        """Ends all nodes."""
        for node in self.nodes:
            node.stop()

    def _form(self) -> None:
        clients = [Client(node.port) for node in self.nodes]
        for number, (node, client) in enumerate(zip(self.nodes, clients)):
            node.identifier = str(client.ask("CLUSTER", "MYID"))
            client.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < self.masters:
                client.ask("CLUSTER", "ADDSLOTSRANGE", number * SLOTS // self.masters, (number + 1) * SLOTS // self.masters - 1)
        for number, client in enumerate(clients):
            client.order([["CLUSTER", "MEET", HOST, other.port, other._bus] for other in self.nodes[:number]])
        for number in range(self.masters, len(self.nodes)):
            master = self.nodes[(number - self.masters) % self.masters].identifier
            wait_until(lambda: not isinstance(clients[number].ask_all([["CLUSTER", "REPLICATE", master]])[0], Refused), "a known master")
        wait_until(lambda: all(self._is_ready(client) for client in clients), "a cluster that serves")
        for client in clients:
            client.close()

    def _is_ready(self, client: Client) -> bool:
        cluster, replication, nodes = (str(reply) for reply in client.ask_all([["CLUSTER", "INFO"], ["INFO", "replication"], ["CLUSTER", "NODES"]]))
        is_linked = "role:master" in replication or "master_link_status:up" in replication
        replicas = sum(" slave " in line or ",slave " in line for line in nodes.splitlines())
        is_known = f"cluster_known_nodes:{len(self.nodes)}\r\n" in cluster and replicas == len(self.nodes) - self.masters
        return "cluster_state:ok" in cluster and is_linked and is_known

    # What Service.seed and Service.check ask of a Redis.

    def owner(self, slot: int) -> Node:
        """Who had the slot at the start."""
        return next(self.nodes[number] for number in range(self.masters) if slot < (number + 1) * SLOTS // self.masters)

    def clear(self, seed: Sequence[str]) -> None:
        """Empties it and stores the value under every key of `seed`. Before any slot has moved."""
        commands: Dict[int, List[Sequence[object]]] = {number: [["FLUSHALL"]] for number in range(self.masters)}
        for key in seed:
            commands[self.owner(slot_of(key)).number].append(["SET", key, VALUE, "EX", SEEDED_SECONDS])
        for number, orders in commands.items():
            with Client(self.nodes[number].port) as client:
                client.order(orders)

    def stored(self, key: str) -> bytes:
        """The bytes under `key`, empty when there is none."""
        with Client(self.owner(slot_of(key)).port) as client:
            return str(client.ask("GET", key) or "").encode()

    # What is done to it.

    def migrate(self, slots: Sequence[int], source: Node, target: Node) -> None:
        """Moves slots and their keys while the cluster serves, as redis-cli does it."""
        with Client(source.port) as giving, Client(target.port) as taking:
            others = [Client(node.port) for node in self.nodes[: self.masters] if node not in (source, target)]
            for first in range(0, len(slots), BATCH):
                batch = slots[first : first + BATCH]
                taking.order([["CLUSTER", "SETSLOT", slot, "IMPORTING", source.identifier] for slot in batch])
                giving.order([["CLUSTER", "SETSLOT", slot, "MIGRATING", target.identifier] for slot in batch])
                while True:
                    found = [keys for keys in giving.ask_all([["CLUSTER", "GETKEYSINSLOT", slot, 100] for slot in batch]) if keys]
                    if not found:
                        break
                    giving.order([["MIGRATE", HOST, target.port, "", 0, 5000, "KEYS", *keys] for keys in found])
                # The importer first: at no time nobody has the slot.
                for client in [taking, giving, *others]:
                    client.order([["CLUSTER", "SETSLOT", slot, "NODE", target.identifier] for slot in batch])
            for client in others:
                client.close()

    def reset_statistics(self) -> None:
        """Nothing was counted yet."""
        for node in self.nodes:
            with Client(node.port) as client:
                client.ask("CONFIG", "RESETSTAT")

    def calls(self, command: str) -> int:
        """How often all nodes have carried out a command, such as `cluster|slots`."""
        return sum(calls_in(self._information(node), command) for node in self.nodes)

    def _information(self, node: Node) -> str:
        with Client(node.port) as client:
            return str(client.ask("INFO", "commandstats"))


def calls_in(information: str, command: str) -> int:
    """The calls of one command in the text of INFO commandstats."""
    for line in information.splitlines():
        if line.startswith(f"cmdstat_{command}:calls="):
            return int(line.split("calls=")[1].split(",")[0])
    return 0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60.0, pause: float = 0.01) -> None:
    """Raises NotReady when it does not hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)
