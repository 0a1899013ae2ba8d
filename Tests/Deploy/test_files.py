"""Every deploy file against the strictest validator that there is for it without a cloud account."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import Any, Dict, List

import jsonschema
import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "Tests/EndToEnd"))
from discovery import description, faults, misplaced_annotations  # noqa: E402

DEPLOY = REPOSITORY / "deploy"
BUILDS = ("cloudbuild.yaml", "deploy/pipeline/check.yaml", "deploy/pipeline/rollout.yaml")
BIN = pathlib.Path(sys.executable).parent
RENDERED = {
    "IMAGE": "us-central1-docker.pkg.dev/p/r/agent@sha256:" + "0" * 64,
    "SERVICE_ACCOUNT": "agent@p.iam.gserviceaccount.com",
    "REDIS_HOST": "10.0.0.3",
    "SELF_URL": "https://cache.example.com",
    "SERVING_REVISION": "redis-caching-agent-00001-abc",
}
# As the sidecar reads it, which ends on any key that it does not know: confgenerator/config.go of run-gmp-sidecar.
COLLECTOR: Dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "monitoring.googleapis.com/v1beta"},
        "kind": {"const": "RunMonitoring"},
        "metadata": {"type": "object", "additionalProperties": False, "properties": {"name": {"type": "string"}}},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "endpoints": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["port"],
                        "properties": {
                            "port": {"type": "string"}, "path": {"type": "string"}, "scheme": {"type": "string"},
                            "interval": {"type": "string"}, "timeout": {"type": "string"}, "params": {"type": "object"},
                            "proxyUrl": {"type": "string"}, "metricRelabeling": {"type": "array"},
                        },
                    },
                },
                "limits": {"type": "object"},
                "targetLabels": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "metadata": {"type": "array", "items": {"enum": ["instance", "revision", "service", "configuration"]}}
                    },
                },
            },
        },
    },
}


def run(*command: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(list(command), capture_output=True, text=True, cwd=REPOSITORY, **options)


def rendered(*variants: str, **values: str) -> Dict[str, Any]:
    arguments = [argument for variant in variants for argument in ("--variant", variant)]
    done = run(str(DEPLOY / "cloudrun/render"), *arguments, env={"PATH": os.environ["PATH"], **RENDERED, **values})
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


class CloudRunTests(unittest.TestCase):
    variants: List[List[str]] = [
        [], ["connector"], ["iam"], ["open", "plain"], ["prometheus"], ["keep"], ["http1"], ["connector", "iam", "prometheus"],
        ["connector", "open", "plain", "keyless", "keep", "http1"],
    ]

    def test_every_variant_is_what_cloud_run_takes(self) -> None:
        for variants in self.variants:
            with self.subTest(variants):
                service = rendered(*variants)
                self.assertEqual(faults("run.v1", "Service", service), [])
                self.assertEqual(misplaced_annotations(service), [])

    def test_what_the_validators_see(self) -> None:
        service = rendered()
        service["spec"]["template"]["spec"]["bogus"] = 1
        service["metadata"]["annotations"]["run.googleapis.com/execution-environment"] = "gen2"
        self.assertEqual(len(faults("run.v1", "Service", service)), 1)
        self.assertEqual(len(misplaced_annotations(service)), 1)

    def test_what_was_asked_for(self) -> None:
        service = rendered()
        annotations = service["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(service["metadata"]["annotations"]["run.googleapis.com/minScale"], "1")
        self.assertEqual(service["metadata"]["annotations"]["run.googleapis.com/maxScale"], "10")
        self.assertEqual(annotations["run.googleapis.com/cpu-throttling"], "false")
        self.assertEqual(annotations["run.googleapis.com/execution-environment"], "gen2")
        self.assertEqual(json.loads(annotations["run.googleapis.com/network-interfaces"])[0]["tags"], ["cache-agent"])
        (container,) = service["spec"]["template"]["spec"]["containers"]
        self.assertEqual(container["resources"]["limits"], {"cpu": "2", "memory": "2Gi"})
        self.assertEqual(container["startupProbe"]["httpGet"]["path"], "/health/startup")
        self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/health/live")
        self.assertLess(service["spec"]["template"]["spec"]["containerConcurrency"], 2048, "our own bound on requests in flight")

    def test_http2_unless_asked_otherwise(self) -> None:
        """Probes are HTTP/1 in both, on the port that serves: the program tells the protocols apart by the first bytes of a connection."""
        for variants, name in (([], "h2c"), (["h2c"], "h2c"), (["http1"], "http1")):
            (container,) = rendered(*variants)["spec"]["template"]["spec"]["containers"]
            self.assertEqual(container["ports"], [{"name": name, "containerPort": 8080}])
            variables = {variable["name"]: variable["value"] for variable in container["env"]}
            self.assertEqual("HTTP2_MAX_ABUSE" in variables, name == "h2c", "the front end shares a connection among clients")
            concurrency = rendered(*variants)["spec"]["template"]["spec"]["containerConcurrency"]
            self.assertEqual(variables.get("HTTP2_MAX_STREAMS"), str(concurrency) if name == "h2c" else None, "one connection is enough")
            self.assertEqual([container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe")], [8080, 8080])
        self.assertIn('"http1" and "h2c"', description("run.v1", "ContainerPort", "name"))

    def test_variants_exclude_each_other(self) -> None:
        connector = rendered("connector")["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(connector["run.googleapis.com/vpc-access-connector"], "redis-connector")
        self.assertNotIn("run.googleapis.com/network-interfaces", connector)
        names = [variable["name"] for variable in rendered("iam")["spec"]["template"]["spec"]["containers"][0]["env"]]
        self.assertIn("REDIS_AUTH", names)
        self.assertNotIn("REDIS_PASSWORD_FILE", names)
        self.assertEqual(len(rendered("prometheus")["spec"]["template"]["spec"]["containers"]), 2)

    def test_beside_the_old_service(self) -> None:
        """On its Redis, through its connector, one file away."""
        values = {name: value for name, value in RENDERED.items() if name != "REDIS_HOST"}
        render = str(DEPLOY / "cloudrun/render")
        done = run(render, "--variables", "deploy/cloudrun/side-by-side.env", env={"PATH": os.environ["PATH"], **values, "REDIS_DB": "2"})
        self.assertEqual(done.returncode, 0, done.stderr)
        service = yaml.safe_load(done.stdout)
        self.assertEqual(faults("run.v1", "Service", service) + misplaced_annotations(service), [])
        annotations = service["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(annotations["run.googleapis.com/vpc-access-connector"], "redis-connector")
        (container,) = service["spec"]["template"]["spec"]["containers"]
        variables = {variable["name"]: variable["value"] for variable in container["env"]}
        self.assertEqual((variables["REDIS_HOST"], variables["REDIS_PORT"], variables["REDIS_DB"]), ("10.0.0.3", "6379", "2"))
        for name in ("REQUIRE_AUTH", "API_KEYS_FILE", "REDIS_TLS", "REDIS_TLS_CA_FILE", "REDIS_PASSWORD_FILE", "REDIS_AUTH"):
            self.assertNotIn(name, variables)
        self.assertNotIn("volumes", service["spec"]["template"]["spec"])

    def test_the_startup_probe_outlasts_the_wait_for_redis(self) -> None:
        (container,) = rendered()["spec"]["template"]["spec"]["containers"]
        wait = next(int(variable["value"]) for variable in container["env"] if variable["name"] == "REDIS_STARTUP_WAIT_SECONDS")
        probe = container["startupProbe"]
        self.assertEqual(wait, 20)
        self.assertGreaterEqual(probe["failureThreshold"] * probe["periodSeconds"], 2 * wait)
        self.assertLessEqual(probe["failureThreshold"] * probe["periodSeconds"], 240, "Cloud Run's bound")

    def test_traffic_can_stay_where_it_is(self) -> None:
        self.assertEqual(rendered("keep")["spec"]["traffic"], [{"percent": 100, "revisionName": "redis-caching-agent-00001-abc"}])

    def test_the_collector_has_limits(self) -> None:
        collector = rendered("prometheus")["spec"]["template"]["spec"]["containers"][1]
        self.assertEqual(collector["resources"]["limits"], {"cpu": "0.2", "memory": "256Mi"})

    def test_what_is_missing_or_wrong_is_named(self) -> None:
        render = str(DEPLOY / "cloudrun/render")
        done = run(render, env={"PATH": os.environ["PATH"], "IMAGE": "x"})
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no value for REDIS_HOST, SERVICE_ACCOUNT", done.stderr)
        done = run(render, "--variant", "direct", "--variant", "connector", env={"PATH": os.environ["PATH"], **RENDERED})
        self.assertIn("exclude each other", done.stderr)
        done = run(render, env={"PATH": os.environ["PATH"], **RENDERED, "REDIS_HOST": 'x"\n'})
        self.assertIn("REDIS_HOST has characters", done.stderr)
        with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
            file.write("REDIS_HSOT=10.0.0.3\n")
            file.flush()
            done = run(render, "--variables", file.name, env={"PATH": os.environ["PATH"], **RENDERED})
        self.assertIn("REDIS_HSOT, which the template does not use", done.stderr)

    def test_settings_are_those_of_the_program(self) -> None:
        table = (REPOSITORY / "docs/settings.md").read_text()
        for variants in self.variants:
            for variable in rendered(*variants)["spec"]["template"]["spec"]["containers"][0]["env"]:
                self.assertIn(f"| `{variable['name']}` |", table)
        terraform = (DEPLOY / "terraform/run.tf").read_text() + (DEPLOY / "terraform/store.tf").read_text()
        for name in re.findall(r"\b(?:REDIS|API|FACTORY|SELF|AGENT|METRICS|REQUIRE|HTTP2)_[A-Z_]+(?=\s*=)", terraform):
            self.assertIn(f"| `{name}` |", table)

    def test_no_secret_is_a_value(self) -> None:
        text = json.dumps(rendered("prometheus"))
        for name in ("REDIS_PASSWORD\"", "API_KEYS\"", "REDIS_URL"):
            self.assertNotIn(name, text)

    @unittest.skipUnless(shutil.which("gcloud"), "gcloud is not installed")
    def test_gcloud_reads_it(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "service.yaml"
            path.write_text(yaml.safe_dump(rendered("prometheus")))
            environment = {"PATH": os.environ["PATH"], "CLOUDSDK_CONFIG": directory, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
            done = run("gcloud", "run", "services", "replace", str(path), "--dry-run", "--region", "r", "--project", "p", env=environment)
        self.assertIn("active account", done.stderr)
        self.assertNotIn("Failed to parse", done.stderr)

    def test_collector(self) -> None:
        jsonschema.validate(yaml.safe_load((DEPLOY / "cloudrun/collector.yaml").read_text()), COLLECTOR)


class OtherFilesTests(unittest.TestCase):
    def test_cloud_build(self) -> None:
        for file in BUILDS:
            with self.subTest(file):
                text = (REPOSITORY / file).read_text()
                build = yaml.safe_load(text)
                self.assertEqual(faults("cloudbuild.v1", "Build", build), [])
                for step in build["steps"]:
                    script = REPOSITORY / step["args"][0]
                    self.assertTrue(os.access(script, os.X_OK), script)
                used = set(re.findall(r"\$\{(_[A-Z_]+)\}", text))
                self.assertEqual(used, set(build["substitutions"]), "Cloud Build refuses what is defined and not used, and the other way round")

    def test_an_image_of_an_earlier_step_may_be_used(self) -> None:
        """By the name that it was built by, as Google's description of a step says; cloudbuild.yaml relies on it."""
        self.assertIn("is available to use as the name for a later build step", description("cloudbuild.v1", "BuildStep", "name"))

    def test_immutable_tags_cannot_be_deleted(self) -> None:
        """So deploy/terraform/registry.tf has none: images that a tag holds would stay for ever."""
        self.assertIn("modified, moved or deleted", description("artifactregistry.v1", "DockerRepositoryConfig", "immutableTags"))

    def test_what_is_pushed_by_hand_has_an_account(self) -> None:
        """The default account of Cloud Build may have no grants, and its bucket is closed to others."""
        text = re.sub(r"\\\n\s*", " ", (REPOSITORY / "docs/deploy.md").read_text())
        commands = re.findall(r"gcloud builds submit[^\n]*", text)
        self.assertEqual(len(commands), 2)
        for command in commands:
            self.assertRegex(command, r"--service-account \$\(.*--gcs-source-staging-dir \$\(")

    def test_scripts(self) -> None:
        scripts = [*DEPLOY.glob("steps/*"), DEPLOY / "bootstrap", *REPOSITORY.glob("scripts/*"), REPOSITORY / ".ci/run"]
        shell = [str(path) for path in scripts if path.is_file() and path.read_text().startswith("#!/usr/bin/env bash")]
        self.assertGreater(len(shell), 8)
        done = run(str(BIN / "shellcheck"), "--external-sources", "--source-path", "SCRIPTDIR", "--shell", "bash", *shell)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_dockerfile(self) -> None:
        done = run(str(BIN / "hadolint"), "Dockerfile", "deploy/pipeline/check.Dockerfile")
        self.assertEqual(done.returncode, 0, done.stdout)
        text = (REPOSITORY / "Dockerfile").read_text()
        self.assertIn("\nUSER 65532:65532\n", text, "by number")
        self.assertIn('\nENTRYPOINT ["/usr/bin/redis-caching-agent"]\n', text, "no shell in between")

    def test_what_is_copied_has_the_record_of_its_package(self) -> None:
        text = (REPOSITORY / "Dockerfile").read_text()
        self.assertIn("libz.so.1", text)
        self.assertIn("/image/var/lib/dpkg/status.d/zlib1g", text, "scanners do not know of a library otherwise")

    def test_the_image_that_makes_certificates_has_openssl(self) -> None:
        """redis:7.2-bookworm has none: https://github.com/redis/docker-library-redis; ca-certificates depends on openssl, and Python's slim image has it."""
        services = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]
        users = [name for name, service in services.items() if "openssl" in str(service.get("command"))]
        self.assertEqual([services[name]["image"] for name in users], ["python:3.12-slim-bookworm"])

    def test_compose(self) -> None:
        done = run(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        compose = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
        for service in compose["services"].values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                self.assertTrue(source in compose["volumes"] or (REPOSITORY / source).exists(), source)
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), "for this machine alone")

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_prometheus(self) -> None:
        done = run("promtool", "check", "config", "--syntax-only", "deploy/compose/prometheus.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_yaml(self) -> None:
        files = [str(path) for pattern in ("*.yaml", "deploy/**/*.yaml") for path in REPOSITORY.glob(pattern)]
        rules = "{extends: default, rules: {line-length: {max: 180}, document-start: disable, braces: {max-spaces-inside: 0}}}"
        done = run(str(BIN / "yamllint"), "--strict", "-d", rules, *files)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_nothing_is_pinned_to_latest(self) -> None:
        for path in ("Dockerfile", "compose.yaml", "deploy/pipeline/check.Dockerfile", "deploy/cloudrun/variables.env", *BUILDS):
            self.assertNotIn(":latest", (REPOSITORY / path).read_text(), path)


if __name__ == "__main__":
    unittest.main()
