"""The README's commands and its Python, run as they stand there: what it shows is what happens."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import types
import unittest
from typing import Dict, List, Tuple

import httpx

from processes import PROGRAM, REDIS_SERVER, REPOSITORY, Agent, Redis

README = (REPOSITORY / "README.md").read_text()


def blocks(language: str) -> List[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def prose(document: pathlib.Path) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def stable(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r'"timestamp":"[\d:.T-]+"', '"timestamp":"T"', re.sub(r'"uptime_seconds":\d+', '"uptime_seconds":0', text.strip()))


class ReadmeTests(unittest.TestCase):
    def agent(self, **settings: str) -> Agent:
        agent = Agent(**settings)
        self.addCleanup(agent.stop)
        return agent

    def redis(self) -> Redis:
        redis = Redis()
        self.addCleanup(redis.stop)
        return redis

    def key(self, *arguments: str) -> Tuple[str, str]:
        made = subprocess.run([str(PROGRAM), "api-key", *arguments], capture_output=True, text=True, check=True).stdout
        return re.fullmatch(r"secret: (\S+)\nline:   (.+)\n", made).groups()

    # The commands.

    def calls(self) -> List[Tuple[str, str]]:
        """Each command with the output that stands below it."""
        found = [call for block in blocks("sh") for call in re.findall(r"^(curl .+)\n((?:# .+\n)+)", block, re.MULTILINE)]
        self.assertEqual(len(found), 5)
        return [(command, re.sub(r"^# ", "", output, flags=re.MULTILINE)) for command, output in found]

    def run_calls(self, agent: Agent, has_redis: bool) -> None:
        for command, expected in self.calls():
            command = command.replace("curl ", "curl --silent --max-time 10 ", 1).replace("localhost:8080", f"127.0.0.1:{agent.port}")
            done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
            if command.endswith("/health") and has_redis:
                self.assertEqual(json.loads(done)["redis"]["state"], "connected")
            else:
                self.assertEqual(stable(done), stable(expected), command)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_the_commands_on_the_embedded_store(self) -> None:
        self.run_calls(self.agent(), has_redis=False)

    @unittest.skipUnless(shutil.which("curl") and REDIS_SERVER.exists(), "curl or redis-server is not installed")
    def test_the_commands_on_redis(self) -> None:
        agent = self.agent(**self.redis().settings)
        agent.wait_for('"state":"connected"')
        self.run_calls(agent, has_redis=True)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_an_api_key(self) -> None:
        """The key is made, put into a file and used by the lines of the README."""
        (block,) = [block for block in blocks("sh") if "api-key" in block]
        made, shown, used = re.fullmatch(r"\S*redis-caching-agent (api-key .+)\n((?:# .+\n)+)\n\S+ make run\n(curl .+)\n", block).groups()
        secret, line = self.key(*made.split()[1:])
        name, _, scopes, prefix = line.split()
        self.assertRegex(shown, rf"line:   {name} sha256:\w+\.\.\. {scopes} {prefix}\n")
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(line + "\n")
            file.flush()
            agent = self.agent(API_KEYS_FILE=file.name)
            command = used.replace("curl ", "curl --silent --max-time 10 ", 1).replace("localhost:8080", f"127.0.0.1:{agent.port}")
            for header, answer in ((f"X-API-Key: {secret}", "Key not found"), ("X-Other: 1", "Not authenticated")):
                done = subprocess.run(["sh", "-c", command.replace("X-API-Key: rca_0K3Q...", header)], capture_output=True, text=True, check=True).stdout
                self.assertIn(answer, done)

    # The Python.

    def module(self, url: str, secret: str = "rca_...") -> types.ModuleType:
        (source,) = blocks("python")
        self.assertIn('"http://localhost:8080"', source)
        module = types.ModuleType("readme")
        exec(compile(source.replace("http://localhost:8080", url).replace("rca_...", secret), "README.md", "exec"), module.__dict__)
        self.addCleanup(module.cache.close)
        return module

    def count_computations(self, module: types.ModuleType, key: str, times: int, **arguments: int) -> int:
        computed = []

        def compute() -> Dict[str, int]:
            computed.append(1)
            return {"number": 12}

        for _ in range(times):
            self.assertEqual(module.cached(key, compute, **arguments), {"number": 12})
        return len(computed)

    def test_values_are_computed_once(self) -> None:
        agent = self.agent()
        module = self.module(agent.url)
        # Keys that a path cannot carry are among them.
        for key in ("agent:1", "stats", "..", "a/../b", "a%2Fb", "ключ ?&#"):
            self.assertEqual(self.count_computations(module, key, 3), 1, key)
        self.assertIn("ttl=60;", httpx.get(agent.url + "/cache", params={"key": ".."}).headers["cache-status"])

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_values_are_kept_briefly_while_redis_is_away(self) -> None:
        redis = self.redis()
        agent = self.agent(**redis.settings)
        agent.wait_for('"state":"connected"')
        module = self.module(agent.url)
        self.assertEqual(self.count_computations(module, "before", 2), 1)
        redis.kill()
        agent.wait_for('"state":"outage"')
        self.assertEqual(self.count_computations(module, "during", 2), 1)
        found = httpx.get(agent.url + "/cache", params={"key": "during"})
        self.assertEqual(found.headers["x-cache-degraded"], "1")
        self.assertRegex(found.headers["cache-status"], r"ttl=([1-9]|10);")

    def test_a_wrong_key_is_an_error(self) -> None:
        secret, line = self.key("reader", "--scopes", "read", "--prefix", "agent:")
        agent = self.agent(API_KEYS=line)
        for wrong, key, status in (("rca_wrong", "agent:1", 401), (secret, "other:1", 403), (secret, "agent:1", 403), (secret, "agent:" + "x" * 2000, 422)):
            with self.assertRaises(httpx.HTTPStatusError) as raised:
                self.module(agent.url, wrong).cached(key, lambda: 1)
            self.assertEqual(raised.exception.response.status_code, status)

    def test_too_many_requests(self) -> None:
        secret, line = self.key("backend", "--scopes", "read,write")
        agent = self.agent(API_KEYS=line, RATE_LIMIT_PER_SECOND="1", RATE_LIMIT_BURST="1")
        module = self.module(agent.url, secret)
        asked = []
        module.cache.event_hooks = {"response": [lambda response: asked.append((response.request.method, response.status_code))]}
        while ("GET", 429) not in asked:
            self.assertEqual(self.count_computations(module, f"key:{len(asked)}", 1), 1)
        self.assertEqual(asked[-1], ("GET", 429), "nothing is stored after that")

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_a_full_redis(self) -> None:
        redis = self.redis()
        subprocess.run(["redis-cli", "-p", str(redis.port), "config", "set", "maxmemory", "1"], check=True, capture_output=True)
        agent = self.agent(**redis.settings)
        agent.wait_for('"state":"connected"')
        self.assertEqual(httpx.post(agent.url + "/cache", json={"key": "k", "value": 1}).status_code, 507)
        self.assertEqual(self.count_computations(self.module(agent.url), "k", 2), 2)

    def test_a_service_that_is_not_there(self) -> None:
        agent = Agent()
        module = self.module(agent.url)
        agent.stop()
        self.assertEqual(self.count_computations(module, "k", 2), 2)


class LinkTests(unittest.TestCase):
    def test_links_between_documents_lead_somewhere(self) -> None:
        documents = [path for path in REPOSITORY.glob("**/*.md") if not any(part.startswith(".") for part in path.relative_to(REPOSITORY).parts)]
        self.assertGreater(len(documents), 10)
        for document in documents:
            for link in re.findall(r"\[[^\]]+\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "code", prose(document))):
                path, _, anchor = link.partition("#")
                if re.match(r"[a-z]+:", link):
                    continue
                target = (document.parent / path).resolve() if path else document
                self.assertTrue(target.exists(), f"{document}: {link}")
                if anchor:
                    headings = re.findall(r"^#+ (.+)$", prose(target), re.MULTILINE)
                    self.assertIn(anchor, {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, f"{document}: {link}")


if __name__ == "__main__":
    unittest.main()
