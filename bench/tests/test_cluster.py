"""Tests of what measures a cluster. Run with: python3 -m unittest discover -s bench/tests"""

import pathlib
import shutil
import sys
import tempfile
import unittest
from dataclasses import replace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness.cluster import fault_line, keys_of
from harness.load import Load
from harness.ratios import CPU, ratio_line
from harness.redis_cluster import Client, RedisCluster, Refused, calls_in, slot_of, wait_until


def load(p999_us: int, degraded: int = 0) -> Load:
    latencies = {"p50_us": 300, "p90_us": 900, "p99_us": 2000, "p999_us": p999_us, "max_us": 60_000}
    costs = {"answers_per_second": 1000.0, "cpu_us_per_answer": 1.0, "client_cpu_us_per_answer": 1.0, "other_cores": 0.0}
    return Load(requests=1000, status_errors=0, socket_errors=0, degraded=degraded, **latencies, **costs)


class Figures(unittest.TestCase):
    def test_slots_are_those_of_the_specification(self):
        self.assertEqual(slot_of("123456789"), 0x31C3)
        self.assertEqual(slot_of("{user}:1"), slot_of("user"))
        self.assertEqual(slot_of("x{user}{y}"), slot_of("user"))
        self.assertNotEqual(slot_of("{}x"), slot_of("{}y"))
        self.assertNotEqual(slot_of("{x"), slot_of("x"))

    def test_a_degraded_answer_counts(self):
        self.assertTrue(fault_line("x", [load(1000), load(49_000)]).met)
        self.assertFalse(fault_line("x", [load(1000), load(50_000)]).met)
        self.assertFalse(fault_line("x", [load(1000, degraded=1)]).met)

    def test_the_median_of_the_ratios_decides_and_errors_take_a_round_out(self):
        theirs = [load(1000) for _ in range(4)]
        ours = [replace(load(1000), cpu_us_per_answer=cost) for cost in (1.1, 1.2, 1.4)] + [replace(load(1000), cpu_us_per_answer=9.0, status_errors=1)]
        line = ratio_line("x", ours, theirs, CPU, 1.2)
        self.assertEqual((line.measured, line.met), ("1.20x (1.10–1.40), 3 rounds", True))
        self.assertFalse(ratio_line("x", ours, theirs, CPU, 1.1).met)
        self.assertFalse(ratio_line("x", ours[3:], theirs[3:], CPU, 1.1).met)

    def test_calls_of_a_command(self):
        text = "# Commandstats\r\ncmdstat_cluster|slots:calls=12,usec=3\r\ncmdstat_cluster|info:calls=7,usec=1\r\n"
        self.assertEqual([calls_in(text, name) for name in ("cluster|slots", "cluster|info", "cluster|nodes")], [12, 7, 0])


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is missing")
class Cluster(unittest.TestCase):
    def test_slots_move_with_their_keys_and_a_replica_takes_over(self):
        with tempfile.TemporaryDirectory() as directory:
            cluster = RedisCluster(shutil.which("redis-server"), pathlib.Path(directory), replicas=1)
            try:
                keys = keys_of(cluster, cluster.nodes[:1], 300)
                cluster.clear(keys)
                self.assertTrue(cluster.stored(keys[0]))
                cluster.migrate(sorted({slot_of(key) for key in keys[:200]}), cluster.nodes[0], cluster.nodes[1])
                with Client(cluster.nodes[1].port) as client:
                    self.assertGreaterEqual(client.ask("DBSIZE"), 200)
                    self.assertTrue(client.ask("GET", keys[0]))
                    with self.assertRaises(Refused):
                        client.ask("GET", keys_of(cluster, cluster.nodes[2:3], 1)[0])
                cluster.nodes[0].kill()
                with Client(cluster.nodes[3].port) as replica:
                    wait_until(lambda: replica.ask("ROLE")[0] == "master", "a replica that takes over")
            finally:
                cluster.stop()


if __name__ == "__main__":
    unittest.main()
