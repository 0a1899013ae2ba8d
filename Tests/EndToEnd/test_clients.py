"""Clients that people use, over HTTP/2 in clear text: curl, httpx, Node's http2 and h2load, on the port that speaks HTTP/1, too."""

import asyncio
import json
import re
import shutil
import subprocess
import unittest
from typing import Any, Dict, List

import httpx

from processes import REDIS_SERVER, Agent, Redis

CURL = shutil.which("curl")
CURL_HAS_HTTP2 = CURL is not None and "HTTP2" in subprocess.run([CURL, "--version"], capture_output=True, text=True).stdout.split()
# Two streams at once on one connection: what is stored by the one is read by the other.
NODE = """
const http2 = require('http2');
const session = http2.connect(process.argv[1]);
session.on('error', error => { console.error(error); process.exit(1); });
const ask = (method, path, body) => new Promise((resolve, reject) => {
  const stream = session.request({':method': method, ':path': path, ...(body ? {'content-type': 'application/json'} : {})});
  let status = 0, text = '';
  stream.setEncoding('utf8');
  stream.on('response', fields => { status = fields[':status']; });
  stream.on('data', part => { text += part; });
  stream.on('end', () => resolve([status, JSON.parse(text)]));
  stream.on('error', reject);
  stream.end(body ? JSON.stringify(body) : undefined);
});
(async () => {
  const value = {text: 'grün', long: 'x'.repeat(300000)};
  const results = [await ask('POST', '/cache', {key: 'node', value, ttl: 60})];
  results.push(...await Promise.all([ask('GET', '/cache/node'), ask('GET', '/cache/none'), ask('GET', '/health')]));
  results.push(await ask('DELETE', '/cache/node'));
  console.log(JSON.stringify([results.map(result => result[0]), results[1][1].value.long.length, results[1][1].value.text]));
  session.close();
})();
"""


class ClientTests(unittest.TestCase):
    def agent(self, **settings: str) -> Agent:
        agent = Agent(**settings)
        self.addCleanup(agent.stop)
        return agent

    def on_redis(self) -> Agent:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = self.agent(**redis.settings)
        agent.wait_for('"state":"connected"')
        return agent

    def client(self, agent: Agent) -> httpx.Client:
        """With prior knowledge: httpx has no HTTP/1 to fall back on."""
        client = httpx.Client(base_url=agent.url, http1=False, http2=True, timeout=20)
        self.addCleanup(client.close)
        return client

    # curl.

    def curl(self, *arguments: str) -> List[str]:
        """The answer, and its status with its protocol. One request each: curl 7.88 cannot ask twice over a connection that it opened so."""
        command = [CURL, "--silent", "--show-error", "--max-time", "20", "--write-out", "\\n%{http_code} %{http_version}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    @unittest.skipUnless(CURL_HAS_HTTP2, "there is no curl with HTTP/2")
    def test_curl(self) -> None:
        agent = self.agent()
        prior = "--http2-prior-knowledge"
        printed = self.curl(prior, agent.url + "/cache", "--data", '{"key":"curl","value":[1,2.50],"ttl":60}')
        self.assertEqual(printed[1], "200 2")
        found = '{"success":true,"key":"curl","value":[1,2.50]}'
        self.assertEqual(self.curl(prior, agent.url + "/cache/curl"), [found, "200 2"])
        self.assertEqual(self.curl(prior, agent.url + "/cache?key=curl"), [found, "200 2"])
        self.assertEqual(self.curl(prior, agent.url + "/cache/none"), ['{"detail":"Key not found"}', "404 2"])
        self.assertEqual(self.curl(agent.url + "/cache/curl"), [found, "200 1.1"], "the same port, the other protocol")

    @unittest.skipUnless(CURL_HAS_HTTP2, "there is no curl with HTTP/2")
    def test_it_can_be_turned_off(self) -> None:
        agent = self.agent(HTTP2="off")
        done = subprocess.run([CURL, "--silent", "--http2-prior-knowledge", "--max-time", "20", agent.url + "/health/live"], capture_output=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("status", agent.get("/health"))

    # httpx.

    def use(self, agent: Agent) -> None:
        """Sets, reads and deletes; small values and some that need more than a window."""
        client = self.client(agent)
        for key, value in {"small": {"n": 1}, "large": "y" * 700_000, "a/../b": None, "ключ ?&#": [True]}.items():
            answer = client.post("/cache", json={"key": key, "value": value, "ttl": 60})
            self.assertEqual((answer.http_version, answer.status_code), ("HTTP/2", 200), answer.text)
            self.assertEqual(client.get("/cache", params={"key": key}).json(), {"success": True, "key": key, "value": value})
            self.assertEqual(client.delete("/cache", params={"key": key}).status_code, 200)
            self.assertEqual(client.get("/cache", params={"key": key}).status_code, 404)

    def test_httpx(self) -> None:
        self.use(self.agent())

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_httpx_through_redis(self) -> None:
        self.use(self.on_redis())

    def test_many_streams_on_one_connection(self) -> None:
        agent = self.agent()
        client = self.client(agent)
        for number in range(300):
            client.post("/cache", json={"key": f"k{number}", "value": number})

        async def ask_all() -> List[httpx.Response]:
            limits = httpx.Limits(max_connections=1)
            async with httpx.AsyncClient(base_url=agent.url, http1=False, http2=True, limits=limits, timeout=60) as client:
                return await asyncio.gather(*(client.get(f"/cache/k{n}") for n in range(300)))

        self.assertEqual([answer.json()["value"] for answer in asyncio.run(ask_all())], list(range(300)))

    def test_both_protocols_answer_alike(self) -> None:
        agent = self.agent()
        over_http2 = self.client(agent)
        over_http1 = httpx.Client(base_url=agent.url)
        self.addCleanup(over_http1.close)
        agent.set("k", '{"a":1.0}', 60)
        # What differs from request to request, and what HTTP/2 has no use for.
        own = {"date", "x-request-id", "x-process-time", "connection", "keep-alive", "transfer-encoding"}
        requests: List[Dict[str, Any]] = [
            {"method": "GET", "url": "/cache/k"}, {"method": "GET", "url": "/cache/none"}, {"method": "HEAD", "url": "/cache/k"},
            {"method": "PUT", "url": "/cache/k"}, {"method": "POST", "url": "/cache", "content": b"{"}, {"method": "GET", "url": "/nothing"},
            {"method": "POST", "url": "/cache", "json": {"key": "", "ttl": -1}}, {"method": "GET", "url": "/"}, {"method": "GET", "url": "/openapi.json"},
            {"method": "POST", "url": "/cache/invalidate", "json": {"pattern": "none:*"}}, {"method": "OPTIONS", "url": "/cache/k"},
            {"method": "GET", "url": "/cache/k", "headers": {"X-Request-Id": "mine"}},
        ]
        for request in requests:
            first, second = over_http1.request(**request), over_http2.request(**request)
            self.assertEqual((first.http_version, second.http_version), ("HTTP/1.1", "HTTP/2"))
            self.assertEqual((first.status_code, first.content), (second.status_code, second.content), request)
            fields = [
                {name: re.sub(r"ttl=\d+", "ttl=T", value) for name, value in answer.headers.items() if name not in own} for answer in (first, second)
            ]
            self.assertEqual(fields[0], fields[1], request)

    def batch(self, agent: Agent) -> None:
        """A hundred keys in one request, over both protocols."""
        keys = [f"batch:{number}" for number in range(100)]
        for protocols in ({"http1": True}, {"http1": False, "http2": True}):
            with httpx.Client(base_url=agent.url, timeout=20, **protocols) as client:
                def results(*operations: Dict[str, Any]) -> List[Dict[str, Any]]:
                    answer = client.post("/cache/batch", json={"operations": list(operations)})
                    self.assertEqual(answer.status_code, 200, answer.text)
                    return answer.json()["results"]

                stored = results(*({"op": "set", "key": key, "value": {"key": key}, "ttl": 60} for key in keys))
                self.assertEqual({result["status"] for result in stored}, {200})
                found = results(*({"op": "get", "key": key} for key in [*keys, "batch:none"]))
                self.assertEqual([result.get("value") for result in found], [*({"key": key} for key in keys), None])
                self.assertEqual(found[-1], {"status": 404, "key": "batch:none", "detail": "Key not found"})
                self.assertEqual(client.get("/cache/batch:7").json()["value"], {"key": "batch:7"}, "single requests see it")
                self.assertEqual({result["status"] for result in results(*({"op": "delete", "key": key} for key in keys))}, {200})
                refused = client.post("/cache/batch", json={"operations": [{"op": "set", "key": "batch:never", "value": 1}, {"op": "get", "key": ""}]})
                self.assertEqual(refused.status_code, 422)
                self.assertEqual(refused.json()["detail"][0]["loc"], ["body", "operations", 1, "key"])
                self.assertEqual(client.get("/cache/batch:never").status_code, 404, "all or nothing is carried out")

    def test_a_batch(self) -> None:
        self.batch(self.agent())

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_a_batch_through_redis(self) -> None:
        self.batch(self.on_redis())

    # Others.

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_node(self) -> None:
        done = subprocess.run(["node", "-e", NODE, self.agent().url], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), [[200, 200, 404, 200, 200], 300_000, "grün"])

    @unittest.skipUnless(shutil.which("h2load"), "h2load is not installed")
    def test_h2load(self) -> None:
        agent = self.agent()
        agent.set("loaded", "1")
        command = ["h2load", "--requests", "4000", "--clients", "8", "--max-concurrent-streams", "64", agent.url + "/cache/loaded"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertIn("4000 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout, done.stderr)
        self.assertIn("status codes: 4000 2xx", done.stdout)


if __name__ == "__main__":
    unittest.main()
