"""Tests of what measures an outage. Run with: python3 -m unittest discover -s bench/tests"""

import pathlib
import socket
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness.fault_proxy import FaultProxy
from harness.load import Load
from harness.outage import Line, latency_line, render


def load(p999_us: int, status_errors: int = 0, socket_errors: int = 0) -> Load:
    latencies = {"p50_us": 300, "p90_us": 900, "p99_us": 2000, "p999_us": p999_us, "max_us": 60_000}
    costs = {"answers_per_second": 1000.0, "cpu_us_per_answer": 1.0, "client_cpu_us_per_answer": 1.0, "other_cores": 0.0}
    return Load(requests=1000, status_errors=status_errors, socket_errors=socket_errors, **latencies, **costs)


class Lines(unittest.TestCase):
    def test_the_worst_round_counts(self):
        self.assertTrue(latency_line("x", [load(30_000), load(49_900)]).met)
        self.assertFalse(latency_line("x", [load(30_000), load(50_000), load(30_000)]).met)

    def test_an_error_counts(self):
        self.assertFalse(latency_line("x", [load(1000, status_errors=1)]).met)
        self.assertFalse(latency_line("x", [load(1000, socket_errors=1)]).met)

    def test_a_line_is_a_row(self):
        self.assertIn("| a | 1 s | < 2 s | ✓ |", render([Line("a", "1 s", "< 2 s", True)]))


class Proxy(unittest.TestCase):
    """A server that answers with what it gets, behind the proxy."""

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.echo, daemon=True).start()
        self.directory = tempfile.TemporaryDirectory()
        self.proxy = FaultProxy(self.listener.getsockname()[1], pathlib.Path(self.directory.name))
        self.client = socket.create_connection(("127.0.0.1", self.proxy.port), 10.0)

    def tearDown(self):
        self.client.close()
        self.proxy.stop()
        self.listener.close()
        self.directory.cleanup()

    def echo(self):
        connection, _ = self.listener.accept()
        while data := connection.recv(1024):
            connection.sendall(data)
        connection.close()

    def ask(self, data: bytes) -> bytes:
        self.client.sendall(data)
        return self.client.recv(1024)

    def settle(self, command: str, expected) -> None:
        """Commands take effect a moment after they were given."""
        self.proxy.command(command)
        deadline = time.monotonic() + 10
        while not expected(self.ask(b"data")):
            self.assertLess(time.monotonic(), deadline)

    def test_passes_falsifies_and_passes_again(self):
        self.assertEqual(self.ask(b"data"), b"data")
        self.settle("garbage", lambda data: data != b"data")
        self.settle("pass", lambda data: data == b"data")

    def test_what_is_held_arrives_in_order(self):
        self.assertEqual(self.ask(b"first"), b"first")
        self.proxy.command("hold")
        self.client.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            while True:
                self.ask(b"x")
        self.client.sendall(b"yz")
        self.proxy.command("pass")
        self.client.settimeout(10.0)
        received = b""
        while not received.endswith(b"yz"):
            received += self.client.recv(1024)


if __name__ == "__main__":
    unittest.main()
