"""The smoke test against the built program, and the steps of a deployment against a gcloud of our own."""

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
from typing import Dict, List, Optional

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "Tests/EndToEnd"))
from processes import REDIS_SERVER, Agent, Redis  # noqa: E402

REAL_GCLOUD = shutil.which("gcloud")
STEPS = REPOSITORY / "deploy/steps"
KEY = "rca_smoke"
KEY_LINE = f"smoke sha256:{hashlib.sha256(KEY.encode()).hexdigest()} all"
# Writes down how it was called, and answers what a step asks. CANARY_URL takes the place of Google's address.
GCLOUD = """#!/usr/bin/env python3
import os, sys
arguments = sys.argv[1:]
with open(os.environ["GCLOUD_LOG"], "a") as log:
    log.write(" ".join(arguments) + "\\n")
text = " ".join(arguments)
if "print-identity-token" in text:
    print("an-identity-token")
elif "print-access-token" in text:
    print("an-access-token")
elif "status.traffic" in text:
    print("agent-00001")
elif "latestReadyRevisionName" in text:
    print("agent-00002")
elif "status.url" in text:
    print(os.environ["SERVICE_URL"])
elif "images scan" in text:
    print("a-scan")
elif "list-vulnerabilities" in text:
    print(os.environ.get("FOUND", "LOW"))
"""


def smoke(url: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [str(REPOSITORY / "deploy/smoke"), url, *arguments]
    return subprocess.run(command, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, timeout=60)


class SmokeTests(unittest.TestCase):
    def check(self, agent: Agent, *arguments: str, **environment: str) -> None:
        done = smoke(agent.url, *arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        for capability in (
            "cache_set", "cache_get", "cache_delete", "cache_invalidate", "cache_stats", "health_monitoring", "metrics_collection"
        ):
            self.assertIn(f"ok   {capability}", done.stdout)

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


class serving:
    """A server on a port that the kernel chose, for a while."""

    def __init__(self, handler: type):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def monitoring(ratio: Optional[str]) -> type:
    """Cloud Monitoring, as far as one question goes; None where nothing was measured."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Authorization"] == "Bearer an-access-token"
            result = [] if ratio is None else [{"metric": {}, "value": [0, ratio]}]
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class StepTests(unittest.TestCase):
    def setUp(self) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._directory.name)
        (self.folder / "bin").mkdir()
        gcloud = self.folder / "bin/gcloud"
        gcloud.write_text(GCLOUD)
        gcloud.chmod(0o755)
        (self.folder / ".digest").write_text("agent@sha256:1\n")
        (self.folder / ".previous").write_text("agent-00001\n")

    def tearDown(self) -> None:
        self._directory.cleanup()

    def step(self, name: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        settings: Dict[str, str] = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "GCLOUD_LOG": str(self.folder / "log"), "SHARED": str(self.folder),
            "PROJECT": "project", "REGION": "region", "SERVICE": "agent", "IMAGE": "image", "TAG": "tag", "SEVERITIES": "CRITICAL|HIGH",
            "WATCH_SECONDS": "0", **environment,
        }
        return subprocess.run([str(STEPS / name), *arguments], env=settings, capture_output=True, text=True, timeout=120, cwd=REPOSITORY)

    @property
    def calls(self) -> List[str]:
        return (self.folder / "log").read_text().splitlines()

    def test_the_canary_gets_no_traffic(self) -> None:
        done = self.step("canary")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / ".previous").read_text(), "agent-00001\n")
        self.assertTrue(self.calls[-1].endswith("--no-traffic --tag canary --container agent --image agent@sha256:1"), self.calls[-1])

    def shift(self, ratio: Optional[str], **settings: str) -> "subprocess.CompletedProcess[str]":
        """The canary is the program itself."""
        agent = Agent(API_KEYS=KEY_LINE, **settings)
        try:
            with serving(monitoring(ratio)) as metrics:
                return self.step(
                    "shift", SERVICE_URL=agent.url, CANARY_URL=agent.url, METRICS_URL=metrics, SMOKE_API_KEY=KEY, SMOKE_ARGUMENTS="")
        finally:
            agent.stop()

    def traffic(self) -> List[str]:
        return [call.split(" --region region ")[1] for call in self.calls if "update-traffic" in call]

    def test_traffic_is_shifted_in_steps(self) -> None:
        done = self.shift("0.001")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        shares = ["--to-tags canary=5", "--to-tags canary=25", "--to-tags canary=100", "--to-latest --remove-tags canary"]
        self.assertEqual(self.traffic(), shares)

    def test_nothing_measured_is_no_fault(self) -> None:
        self.assertEqual(self.shift(None).returncode, 0)

    def test_failing_requests_bring_the_traffic_back(self) -> None:
        done = self.shift("0.02")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.traffic(), ["--to-tags canary=5", "--to-revisions agent-00001=100"])

    def test_a_canary_that_fails_the_smoke_test_gets_no_traffic(self) -> None:
        done = self.shift("0", KEY_MAX_BYTES="4")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.traffic(), ["--to-revisions agent-00001=100"])

    @unittest.skipUnless(REAL_GCLOUD, "gcloud is not installed")
    def test_gcloud_knows_what_the_steps_ask_for(self) -> None:
        self.step("canary")
        self.shift("0")
        self.step("scan")
        environment = {"PATH": os.environ["PATH"], "CLOUDSDK_CONFIG": str(self.folder / "empty"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
        for call in sorted(set(self.calls)):
            if "images scan" in call:
                continue  # would begin to scan
            command = [str(REAL_GCLOUD), *call.replace(" a-scan", " projects/p/locations/us/scans/s").split()]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
            self.assertIn("active account", done.stderr, call)

    def test_vulnerabilities_stop_the_build(self) -> None:
        self.assertEqual(self.step("scan", FOUND="LOW\nMEDIUM").returncode, 0)
        done = self.step("scan", FOUND="LOW\nHIGH\nLOW")
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 HIGH", done.stdout)

    def test_watching_without_an_answer_fails(self) -> None:
        done = self.step("watch", "0", METRICS_URL="http://127.0.0.1:1")
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
