"""The OpenAPI document against the running service: what it says is asked, and what is answered must be what it says."""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

import httpx
import jsonschema
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from processes import KEY_IN_SLOT_3, PROGRAM, REDIS_SERVER, Agent, Redis, RedisCluster

SCHEMATHESIS = pathlib.Path(sys.executable).parent / "schemathesis"
SEED = os.environ.get("SCHEMATHESIS_SEED") or str(random.randrange(1_000_000_000))


class InterfaceTests(unittest.TestCase):
    def examine(self, agent: Agent, *arguments: str) -> None:
        """Every operation, every check, every phase. 5xx are failures but for those that the document names."""
        with tempfile.TemporaryDirectory() as directory:
            configuration = pathlib.Path(directory) / "schemathesis.toml"
            # 503 and 507 are documented answers, which status_code_conformance checks.
            configuration.write_text(
                '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", "503", "507"]\n'
                # A valid request may meet a value that is not JSON, or not the one that a condition names.
                '[checks.positive_data_acceptance]\nexpected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "415", "429", "5xx"]\n'
                # What is too long is refused by its length first.
                '[checks.negative_data_rejection]\nexpected-statuses = ["400", "401", "403", "404", "405", "413", "414", "415", "422", "431"]\n'
                # With the methods that the document leaves out these paths are keys, for clients of the service that this one replaces.
                '[[operations]]\ninclude-path = ["/cache/batch", "/cache/invalidate", "/cache/stats"]\n'
                "checks.unsupported_method.enabled = false\nchecks.allow_header_conformance.enabled = false\n"
                # A value with tags must keep a time to live; a lease goes without other conditions.
                '[[operations]]\ninclude-method = "PATCH"\n'
                'checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "415", "422", "429", "5xx"]\n'
                '[[operations]]\ninclude-path = ["/values", "/values/{key}"]\n'
                'checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "415", "422", "429", "5xx"]\n'
                # Nobody fills the leases, so whoever waits would wait in vain.
                '[parameters]\n"query.wait" = 20\n')
            finished = subprocess.run(
                [
                    str(SCHEMATHESIS), "--config-file", str(configuration), "run", agent.url + "/openapi.json", "--seed", SEED, "--no-color",
                    "--continue-on-failure", "--phases", "examples,coverage,fuzzing,stateful", *arguments,
                ],
                cwd=directory, capture_output=True, text=True, timeout=300)
        report = "\n".join(line[:400] for line in f"{finished.stdout}\n{finished.stderr}".splitlines())
        self.assertEqual(finished.returncode, 0, f"SCHEMATHESIS_SEED={SEED}\n{report}")

    def test_the_embedded_store(self) -> None:
        agent = Agent()
        self.addCleanup(agent.stop)
        self.examine(agent)

    def test_with_an_api_key(self) -> None:
        """Among the checks: no operation that asks for credentials does without."""
        made = subprocess.run([str(PROGRAM), "api-key", "tester", "--scopes", "all"], capture_output=True, text=True, check=True).stdout
        secret, line = re.fullmatch(r"secret: (\S+)\nline:   (.+)\n", made).groups()
        agent = Agent(API_KEYS=line)
        self.addCleanup(agent.stop)
        self.examine(agent, "--header", f"X-API-Key: {secret}")

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_redis(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = Agent(**redis.settings)
        self.addCleanup(agent.stop)
        agent.wait_for('"state":"connected"')
        self.examine(agent)

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_redis_away(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = Agent(**redis.settings)
        self.addCleanup(agent.stop)
        agent.wait_for('"state":"connected"')
        redis.kill()
        agent.wait_for('"state":"outage"')
        self.examine(agent)

    def test_every_path_of_the_document_is_there_and_no_limit_is_made_up(self) -> None:
        agent = Agent(KEY_MAX_BYTES="99", METRICS="off")
        self.addCleanup(agent.stop)
        document = json.loads(agent.get("/openapi.json"))
        self.assertEqual(document["openapi"], "3.1.0")
        for request in document["components"]["schemas"]["SetRequest"]["anyOf"]:
            self.assertEqual(request["properties"]["key"]["maxLength"], 99)
        self.assertNotIn("/metrics", document["paths"])
        self.assertNotIn("/dashboard", document["paths"])
        for path in ("/metrics", "/dashboard", "/dashboard/figures", "/dashboard/key?key=k"):
            self.assertEqual(agent.get(path), '{"detail":"Not Found"}')

    def test_the_document_says_which_calls_need_a_key(self) -> None:
        made = subprocess.run([str(PROGRAM), "api-key", "tester"], capture_output=True, text=True, check=True).stdout
        agent = Agent(API_KEYS=re.search(r"^line:   (.+)$", made, re.MULTILINE).group(1))
        self.addCleanup(agent.stop)
        for path, item in json.loads(agent.get("/openapi.json"))["paths"].items():
            for method, operation in item.items():
                status = httpx.request(method, agent.url + path.format(key="k"), params={"key": "k"}, json={} if method == "post" else None).status_code
                self.assertEqual(status == 401, "security" in operation, f"{method} {path}: {status}")
                self.assertEqual("401" in operation["responses"], "security" in operation, f"{method} {path}")

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_health_has_the_members_of_the_document_in_every_state(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        # A platform that is not there: the registration is pending.
        agent = Agent(**redis.settings, FACTORY_PLATFORM_URL="http://127.0.0.1:9", SELF_URL="http://127.0.0.1:9")
        self.addCleanup(agent.stop)
        document = json.loads(agent.get("/openapi.json"))
        schema = {"$ref": "#/components/schemas/Health", "components": document["components"]}
        seen = set()

        def check(state: str) -> None:
            agent.wait_for(state)
            health = json.loads(agent.get("/health"))
            jsonschema.validate(health, schema)
            seen.update(health, health["redis"])

        check('"state":"connected"')
        redis.kill()
        check('"state":"outage"')
        agent.set("k", "1")
        redis.start()
        check('"last_replay":{')
        cluster = RedisCluster()
        self.addCleanup(cluster.stop)
        agent = Agent(**cluster.settings)
        self.addCleanup(agent.stop)
        check('"slots_served":1.0')
        cluster.command("CLUSTER DELSLOTS 1 2 3")
        agent.get("/cache/" + KEY_IN_SLOT_3)
        check('"slots_uncovered"')
        properties = document["components"]["schemas"]
        self.assertEqual(seen, set(properties["Health"]["properties"]) | set(properties["RedisHealth"]["properties"]))

    def test_schemas_of_answers_allow_no_other_members(self) -> None:
        agent = Agent()
        self.addCleanup(agent.stop)
        schemas = json.loads(agent.get("/openapi.json"))["components"]["schemas"]
        requests = {"SetRequest", "InvalidateRequest", "ExpireRequest", "BatchRequest"}
        for name in schemas.keys() - requests:
            self.assertIs(schemas[name].get("additionalProperties"), False, name)

    def test_open_metrics_can_be_parsed(self) -> None:
        agent = Agent()
        self.addCleanup(agent.stop)
        agent.set("k", "1")
        families = list(open_metrics(agent.get("/metrics", Accept="application/openmetrics-text")))
        self.assertGreater(len(families), 25)
        self.assertTrue(all(family.documentation for family in families))
        units = {family.name: family.unit for family in families}
        self.assertEqual(units["cacheagent_cache_operation_duration_seconds"], "seconds")


if __name__ == "__main__":
    unittest.main()
