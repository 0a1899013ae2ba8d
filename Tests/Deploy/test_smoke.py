"""The smoke test against the built program."""

import hashlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "Tests/EndToEnd"))
from processes import REDIS_SERVER, Agent, Redis  # noqa: E402
from serving import serving  # noqa: E402

KEY = "rca_smoke"
HAS_HTTP2 = shutil.which("curl") is not None and "HTTP2" in subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout.split()
KEY_LINE = f"smoke sha256:{hashlib.sha256(KEY.encode()).hexdigest()} all"


def smoke(url: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [str(REPOSITORY / "deploy/smoke"), url, *arguments]
    return subprocess.run(command, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, timeout=60)


class SmokeTests(unittest.TestCase):
    def check(self, agent: Agent, *arguments: str, **environment: str) -> str:
        """What it prints."""
        done = smoke(agent.url, *arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        for capability in (
            "cache_set", "cache_get", "cache_delete", "cache_invalidate", "cache_stats", "health_monitoring", "metrics_collection"
        ):
            self.assertIn(f"ok   {capability}", done.stdout)
        return done.stdout

    @unittest.skipUnless(HAS_HTTP2, "there is no curl with HTTP/2")
    def test_over_both_protocols(self) -> None:
        agent = Agent(API_KEYS=KEY_LINE)
        try:
            done = smoke(agent.url, "--http2", "required", SMOKE_API_KEY=KEY)
            self.assertEqual(done.returncode, 0, done.stderr)
            over_http1, _, over_http2 = done.stdout.partition("HTTP/2:\n")
            steps = [[line.split(" (")[0] for line in part.splitlines() if line.startswith("ok ")] for part in (over_http1, over_http2)]
            self.assertEqual(steps[0], steps[1])
            self.assertIn("ok   batch", steps[1])
        finally:
            agent.stop()

    @unittest.skipUnless(HAS_HTTP2, "there is no curl with HTTP/2")
    def test_without_http2(self) -> None:
        agent = Agent(HTTP2="off")
        try:
            self.assertIn("skip HTTP/2: ", self.check(agent))
            self.assertNotIn("skip HTTP/2", self.check(agent, "--http2", "off"))
            done = smoke(agent.url, "--http2", "required")
            self.assertEqual(done.returncode, 1)
            self.assertIn("no answer over HTTP/2", done.stderr)
        finally:
            agent.stop()

    def test_on_the_embedded_store(self) -> None:
        agent = Agent()
        try:
            self.check(agent)
            done = smoke(agent.url, "--expect-redis")
            self.assertEqual(done.returncode, 1)
            self.assertIn("Redis is not connected", done.stderr)
        finally:
            agent.stop()

    def test_with_a_key(self) -> None:
        agent = Agent(API_KEYS=KEY_LINE)
        try:
            self.check(agent, SMOKE_API_KEY=KEY)
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(KEY + "\n")
                file.flush()
                self.check(agent, "--api-key-file", file.name)
            done = smoke(agent.url)
            self.assertEqual(done.returncode, 1)
            self.assertIn("status 401", done.stderr)
        finally:
            agent.stop()

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_on_redis(self) -> None:
        redis = Redis()
        agent = Agent(REDIS_URL=f"redis://127.0.0.1:{redis.port}")
        try:
            agent.wait_for('"redis_connected":true')
            self.check(agent, "--expect-redis")
        finally:
            agent.stop()
            redis.stop()

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_beside_the_old_service(self) -> None:
        """The program with the settings of the side-by-side file, but for the address."""
        command = [str(REPOSITORY / "deploy/cloudrun/render"), "--variables", str(REPOSITORY / "deploy/cloudrun/side-by-side.env")]
        done = subprocess.run(command, env={"PATH": os.environ["PATH"], "IMAGE": "i", "SERVICE_ACCOUNT": "s"}, capture_output=True, text=True, check=True)
        (container,) = yaml.safe_load(done.stdout)["spec"]["template"]["spec"]["containers"]
        settings = {variable["name"]: variable["value"] for variable in container["env"]}
        redis = Redis()
        agent = Agent(**{**settings, "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)})
        try:
            self.check(agent, "--expect-redis", "--patience", "20")
        finally:
            agent.stop()
            redis.stop()

    def test_something_else(self) -> None:
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<html>")

            def log_message(self, *_: object) -> None:
                pass

        with serving(Page) as url:
            done = smoke(url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAIL GET /health", done.stderr)
        done = smoke("http://127.0.0.1:1")
        self.assertIn("no answer", done.stderr)


if __name__ == "__main__":
    unittest.main()
