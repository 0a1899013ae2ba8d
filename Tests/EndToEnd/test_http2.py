"""HTTP/2 without TLS, by a library of others, by curl, and by clients that mean harm."""

import json
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time
import unittest
from typing import Callable, List

import hpack
from hyperframe.frame import GoAwayFrame, PingFrame, RstStreamFrame

from http2_client import Client, RawClient, frame
from processes import REDIS_SERVER, Agent, Redis

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, WINDOW, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
ENHANCE_YOUR_CALM = 11
FLOOD_SECONDS = 3


def block(method: str = "GET", path: str = "/cache/a", fields: list = []) -> bytes:
    """A header block that needs no table."""
    head = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"), *fields]
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*each) for each in head])


def resident(agent: Agent) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{agent.process.pid}/status").read_text()).group(1)) * 1024


def metric(agent: Agent, sample: str) -> float:
    return next(float(line.split()[-1]) for line in agent.get("/metrics").splitlines() if line.startswith(sample + " "))


class InterfaceOverHTTP2Tests(unittest.TestCase):
    def agent(self, **settings: str) -> Agent:
        agent = Agent(**settings)
        self.addCleanup(agent.stop)
        return agent

    def test_calls_of_the_lane_and_of_the_router(self) -> None:
        with Client(self.agent().port) as client:
            self.assertEqual(client.ask("POST", "/cache", body=b'{"key":"a","value":[1],"ttl":60}').status, 200)
            answer = client.ask("GET", "/cache/a")
            self.assertEqual((answer.status, answer.body), (200, b'{"success":true,"key":"a","value":[1]}'))
            self.assertTrue(answer.field("cache-status").startswith("redis-caching-agent; hit; ttl=60"))
            self.assertEqual(client.ask("GET", "/cache?key=a").body, answer.body)
            self.assertEqual(client.ask("HEAD", "/cache/a")._replace(fields=[]), (200, [], b""))
            self.assertEqual(client.ask("POST", "/cache/invalidate", body=b'{"pattern":"a*"}').status, 200)
            self.assertEqual(client.ask("DELETE", "/cache/a").status, 404)
            self.assertEqual(client.ask("POST", "/cache", body=b'{"key":1}').status, 422)
            self.assertEqual(client.ask("PUT", "/cache/a", body=b"{}").status, 405)
            self.assertEqual(client.ask("GET", "/health").status, 200)
            self.assertFalse(client.resets)

    def test_requests_that_are_malformed(self) -> None:
        agent = self.agent()
        with Client(agent.port) as client:
            for fields, authority, status in [
                ([("host", "localhost")], None, 200), ([], None, 400), ([("host", "other")], "localhost", 400), ([("host", "localhost")], "localhost", 200),
                ([(f"x-{number}", "1") for number in range(101)], "localhost", 431), ([("x", "y" * 17_000)], "localhost", 431),
            ]:
                client.ask("GET", "/health/live")
                stream = client.h2.get_next_available_stream_id()
                client.h2.send_headers(stream, client.head("GET", "/health/live", fields, authority), end_stream=True)
                client.flush()
                self.assertEqual(client.wait(stream).status, status, fields[:1])
            self.assertEqual(client.ask("GET", "no-slash").status, 400)

    def test_a_large_value_goes_in_and_out_through_small_windows(self) -> None:
        value = json.dumps("v" * 900_000).encode()
        for path in ("/cache/big", "/cache?key=big"):
            with Client(self.agent().port, {0x4: 10_000}) as client:
                self.assertEqual(client.ask("POST", "/cache", body=b'{"key":"big","value":' + value + b"}").status, 200)
                answer = client.ask("GET", path)
                self.assertEqual((answer.status, len(answer.body)), (200, len(value) + len('{"success":true,"key":"big","value":}')))

    def test_batches(self) -> None:
        agent = self.agent()
        with Client(agent.port, {0x4: 10_000}) as client:
            value = json.dumps("v" * 200_000)
            for key in range(5):
                self.assertEqual(client.ask("POST", "/cache", body=f'{{"key":"{key}","value":{value}}}'.encode()).status, 200)
            short = json.dumps({"operations": [{"op": "set", "key": "a", "value": 1}, {"op": "get", "key": "a"}, {"op": "get", "key": "b"}]}).encode()
            long = json.dumps({"operations": [{"op": "get", "key": str(key)} for key in range(5)]}).encode()
            for _ in range(3):
                answer = client.ask("POST", "/cache/batch", body=short)
                self.assertEqual([result["status"] for result in json.loads(answer.body)["results"]], [200, 200, 404])
                answer = client.ask("POST", "/cache/batch", body=long)
                self.assertEqual(int(answer.field("content-length")), len(answer.body))
                self.assertEqual([len(result["value"]) for result in json.loads(answer.body)["results"]], [200_000] * 5)
            self.assertEqual(client.ask("POST", "/cache/batch", body=b'{"operations":[{}]}').status, 422)
            self.assertEqual(client.ask("GET", "/cache/batch").status, 404)
            self.assertFalse(client.resets)
        self.assertEqual(metric(agent, 'cacheagent_http_requests_total{handler="fast_lane",code="200"}'), 11)
        self.assertEqual(metric(agent, "cacheagent_http_unsent_bytes"), 0)

    def test_many_streams_at_once(self) -> None:
        agent = self.agent()
        with Client(agent.port) as client:
            for number in range(50):
                client.ask("POST", "/cache", body=b'{"key":"k%d","value":"%s"}' % (number, b"x" * 20_000))
            streams = [client.start("GET", f"/cache{'/' if number % 2 else '?key='}k{number}") for number in range(50)]
            self.assertTrue(all(client.wait(stream).status == 200 for stream in streams))
        self.assertEqual(metric(agent, "cacheagent_http2_requests_total"), 100)

    def test_a_client_that_asks_first_gets_permission(self) -> None:
        with Client(self.agent().port) as client:
            for path in ("/cache", "/cache/invalidate"):
                body = b'{"key":"a","value":1,"pattern":"a"}' if path == "/cache" else b'{"pattern":"a"}'
                stream = client.h2.get_next_available_stream_id()
                fields = [("content-length", str(len(body))), ("expect", "100-continue")]
                client.h2.send_headers(stream, client.head("POST", path, fields))
                client.flush()
                while not client.interim:
                    client.read()
                self.assertEqual(client.interim.pop(), 100)
                client.send_body(stream, body)
                client.flush()
                self.assertIn(client.wait(stream).status, (200, 422))

    def test_an_answer_before_the_end_of_its_request_ends_the_stream(self) -> None:
        with Client(self.agent(VALUE_MAX_BYTES="1000").port) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, client.head("POST", "/cache", [("content-length", "10000000")]))
            client.flush()
            self.assertEqual(client.wait(stream).status, 413)
            while stream not in client.resets:
                client.read()
            self.assertEqual(client.resets[stream], 0)
            self.assertEqual(client.ask("GET", "/health/live").status, 200)

    def test_trailers_change_nothing(self) -> None:
        with Client(self.agent().port) as client:
            for path in ("/cache", "/cache/invalidate"):
                body = b'{"key":"a","value":1}' if path == "/cache" else b'{"pattern":"a"}'
                stream = client.h2.get_next_available_stream_id()
                client.h2.send_headers(stream, client.head("POST", path, [("content-length", str(len(body)))]))
                client.h2.send_data(stream, body)
                client.h2.send_headers(stream, [("x-checksum", "1")], end_stream=True)
                client.flush()
                self.assertEqual(client.wait(stream).status, 200)

    def test_the_protocol_can_be_switched_off(self) -> None:
        agent = self.agent(HTTP2="off")
        with socket.create_connection(("127.0.0.1", agent.port), 10) as connection:
            connection.sendall(RawClient.PREFACE)
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 400"))

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl(self) -> None:
        agent = self.agent()
        command = ["curl", "-sS", "-m", "10", "--http2-prior-knowledge", "-w", " %{http_version} %{http_code}"]
        stored = subprocess.run([*command, agent.url + "/cache", "-d", '{"key":"a","value":1}'], capture_output=True, text=True, check=True).stdout
        self.assertTrue(stored.endswith(" 2 200"), stored)
        for path in ("/cache/a", "/cache?key=a"):
            read = subprocess.run([*command, agent.url + path], capture_output=True, text=True, check=True).stdout
            self.assertEqual(read, '{"success":true,"key":"a","value":1} 2 200')

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_redis(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = self.agent(**redis.settings, REDIS_DEADLINE_MS="10000", REDIS_DEAD_TIMEOUT_MS="20000")
        agent.wait_for('"state":"connected"')
        with Client(agent.port) as client:
            streams = [client.start("POST", "/cache", body=b'{"key":"k%d","value":%d}' % (number, number)) for number in range(80)]
            self.assertTrue(all(client.wait(stream).status == 200 for stream in streams))
            streams = [client.start("GET", f"/cache/k{number}", [("cache-control", "no-cache")]) for number in range(80)]
            self.assertEqual([json.loads(client.wait(stream).body)["value"] for stream in streams], list(range(80)))
            # A client that gives up leaves nothing behind.
            for _ in range(100):
                stream = client.start("GET", "/cache/k1", [("cache-control", "no-cache")])
                client.h2.reset_stream(stream)
            client.flush()
            self.assertEqual(client.ask("GET", "/cache/k2").status, 200)
        self.assertEqual(metric(agent, "cacheagent_http_requests_in_flight"), 1)

    def test_a_stop_loses_no_request(self) -> None:
        agent = self.agent()
        with RawClient(agent.port) as client, RawClient(agent.port) as idle:
            client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block(path="/health/live")))
            client.read_until(lambda frames: any(each.stream_id == 1 and "END_STREAM" in each.flags for each in frames))
            agent.process.send_signal(signal.SIGTERM)
            frames = client.read_until(lambda frames: any(isinstance(each, PingFrame) for each in frames))
            away = [each for each in frames if isinstance(each, GoAwayFrame)]
            self.assertEqual([(each.last_stream_id, each.error_code) for each in away], [(2**31 - 1, 0)])
            # Sent before the client could know of the end.
            client.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, block(path="/cache/none")))
            client.send(frame(HEADERS, END_STREAM | END_HEADERS, 5, block(path="/cache?key=none")))
            ping = next(each for each in frames if isinstance(each, PingFrame))
            client.send(frame(PING, 1, 0, ping.opaque_data))
            frames = client.read_to_end()
            self.assertEqual({each.stream_id for each in frames if "END_STREAM" in each.flags}, {1, 3, 5})
            away = [each for each in frames if isinstance(each, GoAwayFrame)]
            self.assertEqual([(each.last_stream_id, each.error_code) for each in away], [(2**31 - 1, 0), (5, 0)])
            # One that does not answer has half a second.
            self.assertEqual(idle.end(), 0)
        self.assertEqual(agent.process.wait(10), 0)


class HostileClientTests(unittest.TestCase):
    """Floods beside a client that means well: it is answered, memory stays flat, and who floods is told to calm down."""

    def attack(self, flood: Callable[[int], None], *, settings: dict = {}, growth: int = 24 << 20) -> Agent:
        """Repeats the flood from two threads beside well-meaning requests of both protocols."""
        agent = Agent(**settings)
        self.addCleanup(agent.stop)
        with Client(agent.port) as client:
            client.ask("POST", "/cache", body=b'{"key":"a","value":"%s"}' % (b"x" * 1000))
        end = time.monotonic() + FLOOD_SECONDS
        errors: List[str] = []

        def repeat() -> None:
            while time.monotonic() < end:
                try:
                    flood(agent.port)
                except Exception as error:
                    errors.append(repr(error))
                    return

        # What the allocator keeps after the first round is no growth.
        flood(agent.port)
        before = resident(agent)
        threads = [threading.Thread(target=repeat) for _ in range(2)]
        for thread in threads:
            thread.start()
        answered = 0
        with Client(agent.port) as client:
            while any(thread.is_alive() for thread in threads):
                self.assertEqual(client.ask("GET", "/cache/a").status, 200)
                self.assertEqual(client.ask("GET", "/cache?key=a").status, 200)
                self.assertIn('"success":true', agent.get("/cache/a"))
                answered += 1
        self.assertEqual(errors, [])
        self.assertGreater(answered, 0)
        self.assertLess(resident(agent) - before, growth)
        self.assertEqual(metric(agent, "cacheagent_http_requests_in_flight"), 1)
        return agent

    def flooded(self, port: int, frames: bytes, first: bytes = b"", code: int = ENHANCE_YOUR_CALM) -> None:
        """Sends the frames again and again until the service has had enough."""
        with RawClient(port) as client:
            client.send(first)
            for _ in range(1000):
                if not client.send(frames):
                    break
            ended = client.end()
            self.assertIn(ended, (code, None))

    def resets(self, path: str) -> Callable[[int], None]:
        def flood(port: int) -> None:
            head = block(path=path)
            with RawClient(port) as client:
                for start in range(1, 100_000, 200):
                    frames = [
                        frame(HEADERS, END_STREAM | END_HEADERS, stream, head) + frame(RESET, 0, stream, bytes([0, 0, 0, 8]))
                        for stream in range(start, start + 200, 2)
                    ]
                    if not client.send(b"".join(frames)):
                        break
                self.assertIn(client.end(), (ENHANCE_YOUR_CALM, None))
        return flood

    def test_rapid_reset_of_the_lane(self) -> None:
        agent = self.attack(self.resets("/cache/a"))
        self.assertGreater(metric(agent, 'cacheagent_http_refusals_total{limit="http2_abuse"}'), 0)

    def test_rapid_reset_of_the_router(self) -> None:
        self.attack(self.resets("/cache?key=a"))

    def test_continuation_flood(self) -> None:
        head = frame(HEADERS, END_STREAM, 1, block())
        self.attack(lambda port: self.flooded(port, frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y" * 3) * 100, head))

    def test_settings_flood(self) -> None:
        self.attack(lambda port: self.flooded(port, frame(SETTINGS, 0, 0, bytes([0, 4, 0, 1, 0, 0])) * 100))

    def test_ping_flood(self) -> None:
        self.attack(lambda port: self.flooded(port, frame(PING, 0, 0, b"12345678") * 100))

    def test_priority_flood(self) -> None:
        self.attack(lambda port: self.flooded(port, frame(PRIORITY, 0, 1, bytes([0, 0, 0, 3, 1])) * 100))

    def test_empty_data_flood(self) -> None:
        head = frame(HEADERS, END_HEADERS, 1, block("POST", "/cache", [("content-length", "100")]))
        self.attack(lambda port: self.flooded(port, frame(DATA, 0, 1) * 100, head))

    def test_malformed_heads(self) -> None:
        """Each is an error of its stream alone, and too many end the connection."""
        def flood(port: int) -> None:
            with RawClient(port) as client:
                for stream in range(1, 2001, 2):
                    if not client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block(fields=[("Upper-Case", "1")]))):
                        break
                self.assertIn(client.end(), (ENHANCE_YOUR_CALM, None))
        self.attack(flood)

    def test_header_list_bomb(self) -> None:
        """One byte stands for a field of 4,000."""
        def flood(port: int) -> None:
            encoder = hpack.Encoder()
            first = encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/cache/a"), (":authority", "localhost"), ("x", "y" * 3900)])
            bomb = encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/cache/a"), (":authority", "localhost")] + [("x", "y" * 3900)] * 8000)
            self.assertLess(len(bomb), 9000)
            with RawClient(port) as client:
                client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, first) + frame(HEADERS, END_STREAM | END_HEADERS, 3, bomb))
                self.assertIsNotNone(client.end())
        self.attack(flood)

    def test_a_client_that_opens_no_window(self) -> None:
        """Of 100 answers of 100 kB one or two are made; the other requests wait. The connections are kept until the end."""
        clients: List[RawClient] = []
        self.addCleanup(lambda: [client.socket.close() for client in clients])

        def flood(port: int) -> None:
            with Client(port) as client:
                client.ask("POST", "/cache", body=b'{"key":"big","value":"%s"}' % (b"x" * 100_000))
            for path in ("/cache/big", "/cache?key=big") if len(clients) < 10 else ():
                clients.append(RawClient(port, bytes([0, 4, 0, 0, 0, 0])))
                for stream in range(1, 201, 2):
                    clients[-1].send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block(path=path)))
            time.sleep(0.3)
        # The router makes 16 answers for each of the six connections that it has, and twice that much memory is taken while two threads ask for them.
        self.attack(flood, growth=48 << 20)

    def test_a_window_of_one_byte_at_a_time(self) -> None:
        def flood(port: int) -> None:
            with RawClient(port, bytes([0, 4, 0, 0, 0, 1])) as client:
                for stream in range(1, 101, 2):
                    client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block()))
                for _ in range(20):
                    client.send(b"".join(frame(WINDOW, 0, stream, bytes([0, 0, 0, 1])) for stream in range(1, 101, 2)))
                    client.read_some(0.1)
        self.attack(flood)

    def test_a_client_that_does_not_read(self) -> None:
        def flood(port: int) -> None:
            with RawClient(port, bytes([0, 4, 0x7f, 0xff, 0xff, 0xff])) as client:
                client.send(frame(WINDOW, 0, 0, bytes([0x7f, 0, 0, 0])))
                client.socket.settimeout(1)
                for stream in range(1, 40_000, 2):
                    if not client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block())):
                        break
        self.attack(flood)

    def test_slow_clients_lose_their_streams_and_connections(self) -> None:
        agent = Agent(REQUEST_TIMEOUT_SECONDS="1", IDLE_TIMEOUT_SECONDS="2")
        self.addCleanup(agent.stop)
        # A preface, a head and a frame that do not come to their ends.
        with socket.create_connection(("127.0.0.1", agent.port), 20) as connection:
            connection.sendall(RawClient.PREFACE[:10])
            self.assertEqual(connection.recv(1), b"")
        for frames in (frame(HEADERS, END_STREAM, 1, block()), frame(HEADERS, END_STREAM | END_HEADERS, 1, block())[:-1]):
            with RawClient(agent.port) as client:
                client.send(frames)
                self.assertIn(client.end(), (0, ENHANCE_YOUR_CALM))
        # Bodies, of the lane and of the router: other streams go on.
        with Client(agent.port) as client:
            for path in ("/cache", "/cache/invalidate"):
                stream = client.h2.get_next_available_stream_id()
                client.h2.send_headers(stream, client.head("POST", path, [("content-length", "100")]))
                client.flush()
                while stream not in client.resets:
                    self.assertEqual(client.ask("GET", "/cache/none").status, 404)
                    client.h2.ping(b"12345678")
                    time.sleep(0.05)
                self.assertEqual(client.resets[stream], 8)
        # And one that sends nothing but signs of life.
        with RawClient(agent.port) as client:
            while client.send(frame(PING, 0, 0, b"12345678")) and not any(isinstance(each, GoAwayFrame) for each in client.frames()):
                client.read_some(0.1)
                time.sleep(0.1)
            self.assertEqual(client.end(), 0)

    def test_a_client_that_opens_more_streams_than_it_may_is_sent_away(self) -> None:
        agent = Agent(HTTP2_MAX_STREAMS="3")
        self.addCleanup(agent.stop)
        with RawClient(agent.port) as client:
            client.read_until(lambda frames: len(frames) >= 2)
            client.send(frame(SETTINGS, 1, 0))
            for stream in (1, 3, 5, 7):
                client.send(frame(HEADERS, END_HEADERS, stream, block("POST", "/cache", [("content-length", "100")])))
            frames = client.read_until(lambda frames: any(isinstance(each, (RstStreamFrame, GoAwayFrame)) for each in frames))
            refused = next(each for each in frames if isinstance(each, (RstStreamFrame, GoAwayFrame)))
            self.assertEqual((type(refused), refused.error_code), (GoAwayFrame, 1), refused)

    def test_connections_beyond_the_bound_are_told_so(self) -> None:
        agent = Agent(CONNECTIONS_MAX="2")
        self.addCleanup(agent.stop)
        with Client(agent.port) as first, Client(agent.port) as second, RawClient(agent.port) as third:
            self.assertEqual(first.ask("GET", "/health/live").status, 200)
            self.assertEqual(second.ask("GET", "/health/live").status, 200)
            self.assertEqual(third.end(), ENHANCE_YOUR_CALM)


if __name__ == "__main__":
    unittest.main()
