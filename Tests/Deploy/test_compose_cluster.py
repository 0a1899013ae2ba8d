"""The cluster of compose.yaml: the commands of its services, run as they are by redis-servers of this machine."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from typing import Callable, Dict, List

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
SERVICES = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]
NODES = sorted(name for name in SERVICES if name.startswith("redis-node-"))
PASSWORD = REPOSITORY / "deploy/compose/redis-password"
AVAILABLE = shutil.which("redis-server") is not None and shutil.which("redis-cli") is not None
# Longer than any step takes; nothing is asserted about how long it takes.
PATIENCE = 60.0


def script(service: str) -> str:
    """What a service runs, as the shell in its container reads it."""
    *_, text = SERVICES[service]["command"]
    return str(text).replace("$$", "$").replace("/run/secrets/redis-password", str(PASSWORD))


def free_ports(count: int) -> List[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    """Six nodes that do not know each other yet."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="compose-")
        root = pathlib.Path(self._directory.name)
        ports = free_ports(2 * len(NODES))
        self.ports: Dict[str, int] = dict(zip(NODES, ports))
        self.processes: Dict[str, "subprocess.Popen[bytes]"] = {}
        addresses = []
        for name, port, bus in zip(NODES, ports, ports[len(NODES):]):
            folder = root / name
            folder.mkdir()
            # In a container the name is the service's.
            (folder / "hostname").write_text(f"#!/bin/sh\necho {SERVICES[name]['hostname']}\n")
            (folder / "hostname").chmod(0o755)
            command = f"{script(name)} --bind 127.0.0.1 --port {port} --cluster-port {bus} --dir {folder}"
            environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
            self.processes[name] = subprocess.Popen(["sh", "-c", command], env=environment, stdout=subprocess.DEVNULL)
            addresses.append(f"127.0.0.1:{port}@{bus}")
        self._environment = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": PASSWORD.read_text().strip(), "NODES": " ".join(addresses)}

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self._directory.cleanup()

    def ask(self, name: str, *command: str) -> str:
        """The answer of a node, or its error; empty if there is none."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.ports[name]), *command], env=self._environment, capture_output=True, text=True, timeout=PATIENCE
        )
        return done.stdout.strip()

    def form(self) -> "subprocess.CompletedProcess[str]":
        *shell, _ = SERVICES["redis-cluster"]["command"]
        return subprocess.run([*shell, script("redis-cluster")], env=self._environment, capture_output=True, text=True, timeout=PATIENCE)

    def masters(self, name: str) -> List[str]:
        """The nodes that own slots, by name, as one of them sees it."""
        lines = [line.split() for line in self.ask(name, "cluster", "nodes").splitlines()]
        return sorted(line[1].split(",")[1] for line in lines if "master" in line[2] and "fail" not in line[2] and len(line) > 8)


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@unittest.skipUnless(AVAILABLE, "redis-server or redis-cli is missing")
class ComposeClusterTests(unittest.TestCase):
    def test_it_forms_once_and_survives_a_master(self) -> None:
        cluster = Cluster()
        self.addCleanup(cluster.close)
        for name in NODES:
            self.assertTrue(eventually(lambda: cluster.ask(name, "ping") == "PONG"), f"{name}: its healthcheck never holds")

        formed = cluster.form()
        self.assertEqual(formed.returncode, 0, formed.stdout + formed.stderr)
        first = NODES[0]
        information = dict(line.split(":") for line in cluster.ask(first, "cluster", "info").splitlines())
        state = {key: information[key] for key in ("cluster_state", "cluster_slots_ok", "cluster_known_nodes", "cluster_size")}
        self.assertEqual(state, {"cluster_state": "ok", "cluster_slots_ok": "16384", "cluster_known_nodes": "6", "cluster_size": "3"})
        self.assertEqual(cluster.ask(first, "config", "get", "cluster-require-full-coverage").split()[1], "no", "one shard away is one shard away")
        masters = cluster.masters(first)
        self.assertEqual(len(masters), 3)

        again = cluster.form()
        self.assertEqual((again.returncode, again.stdout), (0, ""), "it is a cluster already")
        self.assertEqual(cluster.masters(first), masters)

        # Slot 0 is the first master's, 5461 the second's. Whoever asks elsewhere is told the name, which outlives an address.
        away, witness = masters[0], masters[1]
        self.assertIn(f"{away}:{cluster.ports[away]}", cluster.ask(witness, "set", "{fHh}", "value"))
        self.assertEqual(cluster.ask(away, "set", "{fHh}", "value"), "OK")

        # A replica that never had its master's data does not take its place.
        replicas = [name for name in NODES if name not in masters]
        self.assertTrue(eventually(lambda: all("master_link_status:up" in cluster.ask(name, "info", "replication") for name in replicas)))
        cluster.processes[away].send_signal(signal.SIGKILL)
        self.assertEqual(cluster.ask(witness, "set", "{dPg}", "value"), "OK", "its own keys are served at all times")
        self.assertTrue(eventually(lambda: len(cluster.masters(witness)) == 3 and away not in cluster.masters(witness)), "no replica took over")
        self.assertEqual(cluster.ask(witness, "set", "{dPg}", "value"), "OK")


class ComposeClusterFileTests(unittest.TestCase):
    def test_six_nodes_that_the_service_waits_for(self) -> None:
        self.assertEqual(len(NODES), 6)
        for name in NODES:
            self.assertEqual(SERVICES[name]["hostname"], name, "it is announced")
            self.assertEqual(SERVICES["redis-cluster"]["depends_on"][name], {"condition": "service_healthy"})
        self.assertEqual(SERVICES["redis-cluster"]["environment"]["NODES"].split(), [f"{name}:6379" for name in NODES])
        self.assertEqual(SERVICES["agent-cluster"]["depends_on"], {"redis-cluster": {"condition": "service_completed_successfully"}})

    def test_the_seeds_are_nodes(self) -> None:
        scheme, seeds = SERVICES["agent-cluster"]["environment"]["REDIS_URL"].split("://")
        self.assertEqual(scheme, "redis")
        self.assertGreater(len(seeds.split(",")), 1, "one may be away when the service starts")
        self.assertLessEqual(set(seeds.split(",")), {f"{name}:6379" for name in NODES})

    def test_nobody_gets_it_who_did_not_ask(self) -> None:
        for name in (*NODES, "redis-cluster", "agent-cluster"):
            self.assertEqual(SERVICES[name]["profiles"], ["cluster"])
        for name in NODES:
            self.assertNotIn("ports", SERVICES[name], "only the service is reached from outside")


if __name__ == "__main__":
    unittest.main()
