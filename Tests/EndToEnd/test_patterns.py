"""The patterns of the documentation, run as they stand there."""

import re
import shutil
import subprocess
import threading
import time
import types
import unittest
from typing import Callable, List

import httpx

from processes import REDIS_SERVER, REPOSITORY, Agent, Redis

PAGE = (REPOSITORY / "docs/patterns.md").read_text()


def blocks(language: str) -> List[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


class PatternTests(unittest.TestCase):
    def agent(self, **settings: str) -> Agent:
        agent = Agent(**settings)
        self.addCleanup(agent.stop)
        return agent

    def instances(self, count: int) -> List[Agent]:
        """Several of them on one Redis; one on its embedded store if there is no Redis."""
        if not REDIS_SERVER.exists():
            return [self.agent()]
        redis = Redis()
        self.addCleanup(redis.stop)
        agents = [self.agent(**redis.settings) for _ in range(count)]
        for agent in agents:
            agent.wait_for('"state":"connected"')
        return agents

    def module(self, agent: Agent) -> types.ModuleType:
        source = "\n".join(blocks("python"))
        self.assertIn('"http://localhost:8080"', source)
        module = types.ModuleType("patterns")
        exec(compile(source.replace("http://localhost:8080", agent.url), "patterns.md", "exec"), module.__dict__)
        self.addCleanup(module.cache.close)
        return module

    def side_by_side(self, bodies: List[Callable[[], None]]) -> None:
        failures = []

        def run(body: Callable[[], None]) -> None:
            try:
                body()
            except Exception as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_cache_aside(self) -> None:
        module = self.module(self.agent())
        computed = []
        for _ in range(3):
            self.assertEqual(module.cache_aside("k", lambda: computed.append(1) or 7), 7)
        self.assertEqual(len(computed), 1)

    def test_one_computes(self) -> None:
        modules = [self.module(agent) for agent in self.instances(2)]
        computed, values = [], []

        def compute() -> int:
            computed.append(1)
            time.sleep(0.2)
            return 7

        self.side_by_side([lambda module=module: values.append(module.leased("k", compute)) for module in modules * 10])
        self.assertEqual((len(computed), set(values)), (1, {7}))

    def test_nobody_waits_for_a_stale_value(self) -> None:
        module = self.module(self.agent())
        numbers = iter(range(10))
        self.assertEqual(module.refreshed("k", lambda: next(numbers), ttl=1), 0)
        self.assertEqual(module.refreshed("k", lambda: next(numbers), ttl=1), 0)
        while "X-Cache-Stale" not in module.cache.get("/cache", params={"key": "k"}).headers:
            time.sleep(0.05)
        self.assertEqual(module.refreshed("k", lambda: next(numbers)), 1)
        self.assertEqual(module.refreshed("k", lambda: next(numbers)), 1)

    def test_tags(self) -> None:
        one, other = (self.module(agent) for agent in (self.instances(2) * 2)[:2])
        for number in range(20):
            self.assertEqual(one.tagged(f"k{number}", lambda: 1, ["product:7"]), 1)
        one.changed("product:7")
        self.assertEqual([one.tagged(f"k{number}", lambda: 2, ["product:7"]) for number in range(10)], [2] * 10)
        deadline = time.monotonic() + 10
        while other.cache.get("/cache", params={"key": "k19"}).status_code != 404:
            self.assertLess(time.monotonic(), deadline)

    def test_no_increment_is_lost(self) -> None:
        modules = [self.module(agent) for agent in self.instances(2)]
        self.side_by_side([lambda module=module: [module.increment("n") for _ in range(5)] for module in modules * 4])
        self.assertEqual(modules[0].cache.get("/values", params={"key": "n"}).json(), 5 * 4 * len(modules))

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_the_commands(self) -> None:
        agent = self.agent()
        token = "TOKEN"
        calls = [call for block in blocks("sh") for call in re.findall(r"^((?:sleep \d; )?curl .+)\n((?:# .+\n)+)", block, re.MULTILINE)]
        self.assertEqual(len(calls), 15)
        for command, output in calls:
            expected = re.sub(r"^# ", "", output, flags=re.MULTILINE).strip()
            command = command.replace("localhost:8080", f"127.0.0.1:{agent.port}").replace("TOKEN", token)
            done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
            if "TOKEN" in expected:
                token = re.search("^Cache-Lease: ([0-9a-f]{32})$", done, re.MULTILINE).group(1)
            self.assertEqual(done, expected.replace("TOKEN", token), command)


if __name__ == "__main__":
    unittest.main()
