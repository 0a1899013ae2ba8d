"""Tests of what turns runs into figures. Run with: python3 -m unittest discover -s bench/tests"""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness.h2load import summarized
from harness.load import Load, LoadFailed
from harness.peers import MEMORY, NGINX, NGINX_H2, REDIS, WEBDIS, Nginx, headers_of_size, nominal_reference
from harness.rounds import Measurements, Plan, Sample
from harness.startup import Startup
from harness.targets import Ratio, ratios_by_round, table_rows
from harness.workload import GET, GET_BATCH, GET_H2, SET


def sample(number: int, peer: str, answers: float, cpu: float = 10.0, operation: str = GET, connections: int = 64, **changed: int) -> Sample:
    latencies = {"p50_us": 300, "p90_us": 900, "p99_us": 2000, "p999_us": 3000, "max_us": 4000}
    figures = {"requests": 1000, "status_errors": 0, "socket_errors": 0, **latencies}
    load = Load(**{**figures, **changed}, answers_per_second=answers, cpu_us_per_answer=cpu, client_cpu_us_per_answer=6.0, other_cores=0.0)
    return Sample(number, peer, operation, connections, 411, load)


def row(measurements: Measurements, title: str, measure: str, startups=()):
    return next(row for row in table_rows(measurements, startups) if (row.title, row.measure) == (title, measure))


class Ratios(unittest.TestCase):
    ratio = Ratio("memory : webdis", MEMORY, WEBDIS, GET, True, 1.8)

    def test_pairs_are_taken_within_a_round(self):
        samples = [sample(0, MEMORY, 200), sample(0, WEBDIS, 100), sample(1, WEBDIS, 50), sample(1, MEMORY, 150), sample(2, MEMORY, 999)]
        self.assertEqual(ratios_by_round(self.ratio, samples), [2.0, 3.0])

    def test_a_run_with_wrong_answers_does_not_count(self):
        samples = [sample(0, MEMORY, 900, status_errors=1), sample(0, WEBDIS, 100), sample(1, MEMORY, 200), sample(1, WEBDIS, 100)]
        self.assertEqual(ratios_by_round(self.ratio, samples), [2.0])

    def test_other_operations_and_connections_do_not_count(self):
        samples = [sample(0, MEMORY, 200, operation=SET), sample(0, WEBDIS, 100), sample(1, MEMORY, 200, connections=256), sample(1, WEBDIS, 100)]
        self.assertEqual(ratios_by_round(self.ratio, samples), [])

    def test_the_median_ratio_decides_and_the_range_is_shown(self):
        pairs = [(150, 100), (180, 100), (250, 100)]
        samples = [s for n, (ours, theirs) in enumerate(pairs) for s in (sample(n, MEMORY, ours), sample(n, WEBDIS, theirs))]
        answers = row(Measurements(samples), "GET from memory : Webdis GET", "answers/s")
        self.assertEqual((answers.measured, answers.met), ("1.80x (1.50–2.50)", True))

    def test_a_batch_is_compared_by_the_key(self):
        samples = [sample(0, MEMORY, 5_000, cpu=90.0, operation=GET_BATCH), sample(0, MEMORY, 100_000, cpu=10.0)]
        title = "batch of 100 gets from memory : single GETs"
        self.assertEqual(row(Measurements(samples), title, "keys/s").measured, "5.00x (5.00–5.00)")
        cpu = row(Measurements(samples), title, "CPU per key")
        self.assertEqual((cpu.measured, cpu.met), ("0.090x (0.090–0.090)", True))

    def test_streams_are_compared_at_their_own_number_of_connections(self):
        samples = [sample(0, peer, 1, cpu=cpu, operation=GET_H2, connections=8) for peer, cpu in ((MEMORY, 20.0), (NGINX_H2, 10.0))]
        self.assertEqual(row(Measurements(samples), "GET from memory, h2c : nginx `return 200`, h2c", "CPU per answer").measured, "2.00x (2.00–2.00)")

    def test_cpu_has_a_ceiling(self):
        for cpu, met in ((13.5, True), (13.6, False)):
            samples = [sample(0, MEMORY, 1, cpu=cpu), sample(0, NGINX, 1, cpu=10.0)]
            self.assertEqual(row(Measurements(samples), "GET from memory : nginx `return 200`", "CPU per answer").met, met)


class Limits(unittest.TestCase):
    def test_p99_fails_on_an_error_however_fast(self):
        for changed, met in (({}, True), ({"p99_us": 6000}, False), ({"socket_errors": 1}, False), ({"status_errors": 1}, False)):
            measurements = Measurements([sample(0, REDIS, 1, operation=SET, **changed)])
            self.assertEqual(row(measurements, f"SET, {REDIS}", "p99").met, met, changed)

    def test_start_and_rest(self):
        startups = [Startup(MEMORY, [10.0, 149.0, 900.0], [30 * 1024])]
        self.assertTrue(row(Measurements(), f"exec to first /health, {MEMORY}", "ms", startups).met)
        self.assertFalse(row(Measurements(), f"resident memory at rest, {MEMORY}", "MiB", startups).met)

    def test_what_was_not_measured_is_neither_met_nor_failed(self):
        self.assertEqual({row.met for row in table_rows(Measurements(), [])}, {None})


class Selection(unittest.TestCase):
    def test_only_is_searched_in_peer_operation_connections(self):
        plan = Plan(1, 1, [1, 64], re.compile("^nginx/GET/64$"))
        nginx = Nginx("nginx", nominal_reference())
        self.assertEqual((plan.connections_for(nginx, GET), plan.connections_for(nginx, SET)), ([64], []))
        self.assertFalse(plan.wants_any_of(WEBDIS))

    def test_batches_and_streams_have_one_number_of_connections(self):
        plan = Plan(1, 1, [1, 64, 256], re.compile(""))
        self.assertEqual([list(plan.counts(operation)) for operation in (GET, GET_H2, GET_BATCH)], [[1, 64, 256], [8], [64]])


class StreamLoad(unittest.TestCase):
    OUTPUT = """
finished in 2.00s, 87198.50 req/s, 10.31MB/s
requests: 174397 total, 174525 started, 174397 done, 174390 succeeded, 7 failed, 2 errored, 0 timeout
status codes: 174390 2xx, 0 3xx, 1 4xx, 4 5xx
traffic: 20.62MB (21625677) total, 7.98MB (8371104) headers (space savings 51.02%), 9.65MB (10115026) data
                     min         max         mean         sd        +/- sd
time for request:       77us      5.84ms      1.46ms       378us    92.98%
"""

    def test_the_figures_are_read(self):
        figures = summarized(self.OUTPUT)
        self.assertEqual((figures["requests"], figures["duration_us"], figures["max_us"], figures["mean_us"]), (174397, 2_000_000, 5840, 1460))
        self.assertEqual((figures["status_errors"], figures["socket_errors"], figures["answer_bytes"]), (5, 2, 124))

    def test_no_figures_are_no_measurement(self):
        with self.assertRaises(LoadFailed):
            summarized("starting benchmark...\n")


class Padding(unittest.TestCase):
    def test_headers_take_exactly_the_bytes_asked_for(self):
        like = nominal_reference().headers
        for size in range(20, 400):
            headers = headers_of_size(like, size)
            self.assertEqual(sum(len(f"{name}: {value}\r\n") for name, value in headers), size, headers)

    def test_no_room_means_no_header(self):
        self.assertEqual(headers_of_size(nominal_reference().headers, 3), [])


if __name__ == "__main__":
    unittest.main()
