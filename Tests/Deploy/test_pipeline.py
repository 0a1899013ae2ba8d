"""The pipeline, run step by step against a project that has what deploy/terraform makes and refuses everything else."""

import http.server
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from typing import Any, Callable, Dict, List, Optional, Tuple

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "Tests/EndToEnd"))
from processes import Agent  # noqa: E402

import yaml  # noqa: E402

import fake_google  # noqa: E402
import gcloud_commands  # noqa: E402
from pipeline_run import Build, programs_of  # noqa: E402
from serving import serving  # noqa: E402
from step_programs import calls  # noqa: E402
from terraform_run import AVAILABLE, IMAGE, Infrastructure  # noqa: E402
from test_smoke import KEY, KEY_LINE  # noqa: E402

OLD, NEW = "redis-caching-agent-00001-aaa", "redis-caching-agent-00002-abc"
OTHER_IMAGE = IMAGE.replace("0" * 64, "2" * 64)
DEPLOYER = "redis-caching-agent-ci@project.iam.gserviceaccount.com"
BUILDER = "redis-caching-agent-build@project.iam.gserviceaccount.com"
CHECKER = "redis-caching-agent-check@project.iam.gserviceaccount.com"
Rows = List[Tuple[Dict[str, str], float]]
_project: Optional[Dict[str, Any]] = None


def project() -> Dict[str, Any]:
    """A project after the second apply; made once."""
    global _project
    if _project is None:
        infrastructure = Infrastructure()
        try:
            done = infrastructure.apply(image=IMAGE)
            assert done.returncode == 0, done.stdout + done.stderr
            _project = fake_google.Project.of(infrastructure.resources())
        finally:
            infrastructure.close()
    return json.loads(json.dumps(_project))


def monitoring(answer: Callable[[str], Optional[Rows]], build: Build) -> type:
    """Cloud Monitoring, which asks who may look; None: it has a bad day."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["query"][0]
            _, _, errors = fake_google.change(build.state_path, lambda google: google.authorize("query") or "")
            rows = answer(query)
            is_allowed = not errors and self.headers["Authorization"] == "Bearer an-access-token"
            self.send_response(403 if not is_allowed else 503 if rows is None else 200)
            result = [{"metric": labels, "value": [0, str(value)]} for labels, value in rows or []]
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def counted(new: Dict[str, float], old: Optional[Dict[str, float]] = None, slow: float = 0) -> Callable[[str], Rows]:
    """What was counted by status; `slow` of the new one's requests took a second."""
    def answer(query: str) -> Rows:
        by_revision = {NEW: new, OLD: old or {"200": 10_000}}
        if "request_latencies_bucket" in query:
            total = sum(new.values())
            return [({"revision_name": NEW, "le": "64"}, total - slow), ({"revision_name": NEW, "le": "+Inf"}, total)]
        return [({"revision_name": name, "response_code": code}, count) for name, codes in by_revision.items() for code, count in codes.items()]

    return answer


WELL = counted({"200": 500})


@unittest.skipUnless(AVAILABLE, "terraform or the provider's schema is missing: nothing says what the project has")
class RolloutTests(unittest.TestCase):
    def build(self, **members: Any) -> Build:
        build = Build("deploy/pipeline/rollout.yaml", {**project(), **members}, DEPLOYER, _IMAGE=OTHER_IMAGE, _WATCH_SECONDS="0")
        build.environment = {"RETRY_SECONDS": "0", "SMOKE_ARGUMENTS": ""}
        self.addCleanup(build.close)
        return build

    def run_build(self, build: Build, answer: Callable[[str], Optional[Rows]] = WELL, **settings: str) -> int:
        """The canary is the program itself."""
        agent = Agent(API_KEYS=KEY_LINE, **settings)
        self.addCleanup(agent.stop)
        with serving(monitoring(answer, build)) as metrics:
            build.change(address=agent.url)
            build.environment["METRICS_URL"] = metrics
            return build.run({"SMOKE_API_KEY": KEY})

    def shares(self, build: Build) -> List[str]:
        return [call.split("--to-revisions ")[1].split()[0] for call in build.calls if "--to-revisions" in call]

    def serving_now(self, build: Build) -> List[Dict[str, Any]]:
        return build.state["traffic"]

    def test_traffic_is_shifted_in_steps_and_stays_with_a_revision_by_name(self) -> None:
        build = self.build()
        self.assertEqual(self.run_build(build), 0, build.output)
        self.assertEqual(self.shares(build), [f"{NEW}=5,{OLD}=95", f"{NEW}=25,{OLD}=75", f"{NEW}=100"])
        self.assertEqual(self.serving_now(build), [{"revision": NEW, "percent": 100, "tag": None}])
        self.assertEqual(build.state["revisions"][NEW], OTHER_IMAGE)
        self.assertIsNone(build.state["template_name"], "a name in the template answers 409 to Terraform's next change")

    @unittest.skipUnless(shutil.which("gcloud"), "gcloud is not installed")
    def test_gcloud_itself_reads_every_call(self) -> None:
        """Without an account it parses everything, and then says that it has none."""
        build = self.build(traffic=[{"revision": OLD, "percent": 100, "tag": "rollout-fedcba98"}])
        self.run_build(build, counted({"200": 450, "500": 50}))
        environment = {"PATH": os.environ["PATH"], "CLOUDSDK_CONFIG": str(build.folder / "empty"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
        commands = {call for call in build.calls if call.startswith("gcloud") and "images scan" not in call}
        self.assertGreater(len(commands), 8)
        for call in sorted(commands):
            done = subprocess.run(call.split(), env=environment, capture_output=True, text=True, timeout=60)
            self.assertIn("active account", done.stderr, call)

    def test_what_the_project_must_have(self) -> None:
        """Each of these was missing once, and nothing noticed."""
        grants = project()["grants"]
        rows: List[Tuple[str, Dict[str, Any], str]] = [
            ("the interface that scans", {"interfaces": [name for name in project()["interfaces"] if "ondemandscanning" not in name]}, "ondemandscanning"),
            ("the role that scans", {"grants": [grant for grant in grants if "ondemand" not in grant[0]]}, "ondemandscanning.scans.analyzePackages"),
            ("ID tokens", {"grants": [grant for grant in grants if "OpenIdToken" not in grant[0]]}, "iam.serviceAccounts.getOpenIdToken"),
            ("operations", {"grants": [grant for grant in grants if grant[0] != "roles/run.viewer"]}, "run."),
            ("to act as the service", {"grants": [grant for grant in grants if "serviceAccountUser" not in grant[0]]}, "iam.serviceAccounts.actAs"),
            ("to change the service", {"grants": [grant for grant in grants if grant[0] != "roles/run.developer"]}, "run.services.update"),
            ("to read images", {"grants": [grant for grant in grants if "artifactregistry" not in grant[0]]}, "downloadArtifacts"),
        ]
        for name, members, complaint in rows:
            with self.subTest(name):
                build = self.build(**members)
                self.assertNotEqual(self.run_build(build), 0, name)
                self.assertIn(complaint, build.output)
                self.assertEqual({target["revision"] for target in self.serving_now(build)} - {OLD, "LATEST"}, set(), "nothing new serves")

    def test_the_smoke_key_and_the_log(self) -> None:
        for role in ("roles/secretmanager.secretAccessor", "roles/logging.logWriter", "roles/storage.objectViewer"):
            build = self.build(grants=[grant for grant in project()["grants"] if grant[0] != role])
            with self.assertRaisesRegex(AssertionError, "PERMISSION_DENIED"):
                build.run({"SMOKE_API_KEY": KEY})

    def test_operations_are_the_projects(self) -> None:
        """roles/run.developer on the service has run.operations.get, but there it does not apply."""
        grants = [grant for grant in project()["grants"] if grant[0] != "roles/run.viewer"]
        build = self.build(grants=[*grants, ["roles/run.viewer", f"serviceAccount:{DEPLOYER}", "service"]])
        self.assertNotEqual(self.run_build(build), 0)
        self.assertIn("run.operations.get", build.output)

    def test_the_slim_image_cannot_scan(self) -> None:
        build = self.build()
        build.description["steps"][0]["name"] = "gcr.io/google.com/cloudsdktool/google-cloud-cli:528.0.0-slim"
        self.assertNotEqual(build.run({"SMOKE_API_KEY": KEY}), 0)

    def test_vulnerabilities_stop_the_rollout(self) -> None:
        build = self.build(found="LOW\nHIGH\nLOW")
        self.assertNotEqual(self.run_build(build), 0)
        self.assertIn("1 HIGH", build.output)
        self.assertEqual([call for call in build.calls if "run deploy" in call], [])

    def test_an_image_by_tag_is_refused(self) -> None:
        build = Build("deploy/pipeline/rollout.yaml", project(), DEPLOYER, _IMAGE="registry/agent:1")
        self.addCleanup(build.close)
        self.assertNotEqual(build.run({"SMOKE_API_KEY": KEY}), 0)
        self.assertIn("by digest", build.output)

    def test_failing_requests_bring_the_traffic_back(self) -> None:
        for name, answer in (
            ("5xx", counted({"200": 450, "500": 50})), ("no instance", counted({"200": 450, "429": 50})),
            ("slow", counted({"200": 500}, slow=200)), ("refused", counted({"200": 1500, "400": 500})),
        ):
            with self.subTest(name):
                build = self.build()
                self.assertNotEqual(self.run_build(build, answer), 0)
                self.assertEqual(self.shares(build), [f"{NEW}=5,{OLD}=95", f"{OLD}=100"])
                self.assertEqual(self.serving_now(build), [{"revision": OLD, "percent": 100, "tag": None}])

    def test_one_failure_of_few_does_not(self) -> None:
        build = self.build()
        self.assertEqual(self.run_build(build, counted({"200": 98, "500": 1})), 0, build.output)

    def test_without_traffic_the_smoke_test_takes_its_place(self) -> None:
        build = self.build()
        self.assertEqual(self.run_build(build, lambda _: []), 0, build.output)
        self.assertIn("rounds of the smoke test take its place", build.output)

    def test_monitoring_may_fail_once(self) -> None:
        calls: List[str] = []

        def answer(query: str) -> Optional[Rows]:
            calls.append(query)
            return None if len(calls) == 1 else WELL(query)

        build = self.build()
        self.assertEqual(self.run_build(build, answer), 0, build.output)

    def test_if_nobody_looked_the_traffic_comes_back(self) -> None:
        build = self.build()
        self.assertNotEqual(self.run_build(build, lambda _: None), 0)
        self.assertIn("nobody looked", build.output)
        self.assertEqual(self.serving_now(build), [{"revision": OLD, "percent": 100, "tag": None}])

    def test_a_canary_that_fails_the_smoke_test_gets_no_traffic(self) -> None:
        build = self.build()
        self.assertNotEqual(self.run_build(build, KEY_MAX_BYTES="4"), 0)
        self.assertEqual(self.shares(build), [f"{OLD}=100"])

    def test_gcloud_may_fail_on_the_way_back(self) -> None:
        build = self.build(fail=[{"text": f"--to-revisions {OLD}=100", "times": 2}])
        self.assertNotEqual(self.run_build(build, counted({"500": 500})), 0)
        self.assertEqual(self.serving_now(build), [{"revision": OLD, "percent": 100, "tag": None}])

    def test_one_rollout_at_a_time(self) -> None:
        traffic = [{"revision": OLD, "percent": 95, "tag": None}, {"revision": NEW, "percent": 5, "tag": None}, {"revision": NEW, "percent": 0, "tag": "rollout-fedcba98"}]
        revisions = {OLD: IMAGE, NEW: IMAGE}
        build = self.build(traffic=traffic, revisions=revisions, latest=NEW, ongoing=["fedcba9876543210"])
        self.assertNotEqual(self.run_build(build), 0)
        self.assertIn("another rollout is under way: build fedcba9876543210", build.output)
        self.assertEqual(self.serving_now(build), traffic, "it is left alone")

    def test_what_a_killed_build_left_is_put_right(self) -> None:
        traffic = [{"revision": OLD, "percent": 75, "tag": None}, {"revision": NEW, "percent": 25, "tag": "rollout-fedcba98"}]
        build = self.build(traffic=traffic, revisions={OLD: IMAGE, NEW: IMAGE}, latest=NEW)
        third = NEW.replace("00002", "00003")

        def answer(query: str) -> Rows:
            return [({**labels, "revision_name": labels["revision_name"].replace("00002", "00003")}, value) for labels, value in WELL(query)]

        self.assertEqual(self.run_build(build, answer), 0, build.output)
        self.assertEqual(self.shares(build)[0], f"{OLD}=100")
        self.assertEqual(self.serving_now(build), [{"revision": third, "percent": 100, "tag": None}])

    def test_what_somebody_else_does_is_left_alone(self) -> None:
        build = self.build()
        other = [{"revision": OLD, "percent": 100, "tag": None}]

        def answer(query: str) -> Rows:
            build.change(traffic=other)
            return WELL(query)

        self.assertNotEqual(self.run_build(build, answer), 0)
        self.assertIn("it is left to whoever did it", build.output)
        self.assertEqual(self.serving_now(build), other)

    def test_a_stopped_build_brings_the_traffic_back(self) -> None:
        build = self.build()
        agent = Agent(API_KEYS=KEY_LINE)
        self.addCleanup(agent.stop)
        with serving(monitoring(WELL, build)) as metrics:
            build.change(address=agent.url)
            build.environment["METRICS_URL"] = metrics
            start = build.command(build.description["steps"][1], {"SMOKE_API_KEY": KEY})
            start["args"][0] = shutil.which("python3", path=start["env"]["PATH"])
            start["env"]["WATCH_SECONDS"] = "600"
            process = subprocess.Popen(**start, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                for line in process.stdout:
                    if "as good as" in line:
                        break
                process.send_signal(signal.SIGTERM)
                rest, _ = process.communicate(timeout=60)
            finally:
                process.kill()
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("stopped by signal", rest)
        self.assertEqual(self.serving_now(build), [{"revision": OLD, "percent": 100, "tag": None}])


@unittest.skipUnless(AVAILABLE, "terraform or the provider's schema is missing: nothing says what the project has")
class BuildTests(unittest.TestCase):
    def build(self, file: str, account: str, **members: Any) -> Build:
        build = Build(file, {**project(), **members}, account)
        self.addCleanup(build.close)
        return build

    def test_the_build(self) -> None:
        build = self.build("cloudbuild.yaml", BUILDER)
        self.assertEqual(build.run(skip="check"), 0, build.output)
        self.assertEqual([call.split()[1] for call in build.calls], ["pull", "build", "push", "tag", "build"])
        again = self.build("cloudbuild.yaml", BUILDER, has_tools=True)
        self.assertEqual(again.run(skip="check"), 0, again.output)
        self.assertEqual([call.split()[1] for call in again.calls], ["pull", "tag", "build"], "the tools are built once")

    def test_the_image_gets_a_provenance(self) -> None:
        build = self.build("cloudbuild.yaml", BUILDER)
        self.assertEqual([build.text(image) for image in build.description["images"]], [
            "us-central1-docker.pkg.dev/project/redis-caching-agent/agent:0123456789abcdef"])
        self.assertEqual(build.description["options"]["requestedVerifyOption"], "VERIFIED")
        self.assertNotIn("push", (REPOSITORY / "deploy/steps/image").read_text().replace("pushes", "").replace("pushed", ""), "a step's push has none")
        build.authorize("docker push")

    def test_a_pull_request_cannot_push(self) -> None:
        build = self.build("deploy/pipeline/check.yaml", CHECKER)
        # The source of a pull request comes from GitHub, not from the bucket.
        build.change(grants=[*build.state["grants"], ["roles/storage.objectViewer", f"serviceAccount:{CHECKER}", "project-redis-caching-agent-source"]])
        self.assertEqual(build.run(skip="check"), 0, build.output)
        self.assertNotIn("push", " ".join(build.calls))
        with self.assertRaisesRegex(AssertionError, "uploadArtifacts"):
            build.authorize("docker push")

    def test_the_image_of_a_step_has_what_the_step_calls(self) -> None:
        checked = 0
        for file in ("cloudbuild.yaml", "deploy/pipeline/check.yaml", "deploy/pipeline/rollout.yaml"):
            build = self.build(file, BUILDER)
            for step in build.description["steps"]:
                available = set(programs_of(build.text(step["name"])))
                self.assertIn(step["entrypoint"], available)
                for script, program in calls(REPOSITORY / step["args"][0]):
                    self.assertIn(program, available, f"{file}: {step['id']} runs {script} in {step['name']}")
                    checked += 1
        self.assertGreater(checked, 50)

    def test_the_swift_image_would_not_do(self) -> None:
        needed = {program for _, program in calls(REPOSITORY / ".ci/run")}
        self.assertEqual(needed - set(programs_of("swift:6.3-bookworm")), {"make", "python3", "terraform"})

    def test_triggers_give_what_the_files_take(self) -> None:
        infrastructure = Infrastructure()
        self.addCleanup(infrastructure.close)
        other = {"name": "another-cache", "repository": {"owner": "owner", "name": "name"}}
        self.assertEqual(infrastructure.apply(image=IMAGE, **other).returncode, 0)
        triggers = [resource["values"] for resource in infrastructure.resources().values() if resource["type"] == "google_cloudbuild_trigger"]
        self.assertEqual(len(triggers), 3)
        for trigger in triggers:
            file = trigger["filename"] or trigger["git_file_source"][0]["path"]
            account = trigger["service_account"].split("/")[-1]
            accounts = {"cloudbuild.yaml": BUILDER, "deploy/pipeline/check.yaml": CHECKER}
            self.assertEqual(account, accounts.get(file, DEPLOYER).replace("redis-caching-agent", "another-cache"))
            values = trigger["substitutions"]
            # What has a default with the usual name in it must be given for another name.
            defaults = yaml.safe_load((REPOSITORY / file).read_text())["substitutions"]
            named = {name for name, value in defaults.items() if value.startswith("redis-caching-agent")}
            self.assertEqual({name: values[name].replace("another-cache", "redis-caching-agent") for name in named}, {name: defaults[name] for name in named})
            build = Build(file, project(), account, **values)
            self.addCleanup(build.close)


class GcloudTests(unittest.TestCase):
    def test_the_table_is_gclouds_own(self) -> None:
        tree = gcloud_commands.installed_tree()
        if tree is None:
            self.skipTest("gcloud is not installed")
        table = json.loads(gcloud_commands.TABLE.read_text())
        self.assertEqual(sorted(table["commands"]), sorted(gcloud_commands.USED))
        for command, known in table["commands"].items():
            self.assertEqual(known, gcloud_commands.flags(tree, command) if gcloud_commands.version() == table["version"] else known, command)
            self.assertIsNotNone(gcloud_commands.flags(tree, command), command)

    def test_unknown_flags_and_commands_are_refused(self) -> None:
        for words in (["run", "deploy", "x", "--no-trafic"], ["run", "services", "update-trafic", "x"], ["run", "services", "describe", "x", "--region"]):
            with self.assertRaises(gcloud_commands.Refused):
                gcloud_commands.parse(words)
        command, positional, given = gcloud_commands.parse(["run", "deploy", "x", "--no-traffic", "--image=y", "--container", "agent"])
        self.assertEqual((command, positional, given), ("run deploy", ["x"], {"--no-traffic": True, "--image": "y", "--container": "agent"}))

    def test_every_command_of_the_docs_is_one(self) -> None:
        checked = 0
        for name in ("deploy.md", "migration.md", "operations.md", "redis-access.md"):
            text = (REPOSITORY / "docs" / name).read_text()
            blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`(gcloud [^`]+)`", text)
            for block in blocks:
                # One command a line; a command in another's arguments has a value of some kind.
                text = re.sub(r"\\\n\s*", " ", block)
                text = re.sub(r"^\w+=\$\((gcloud .*)\)$", r"\1", text, flags=re.MULTILINE)
                text = re.sub(r"\$\([^()]*\)", "value", text)
                for command in re.findall(r"gcloud (?:'[^']*'|\"[^\"]*\"|[^|#\n'\"])*", text):
                    gcloud_commands.parse(shlex.split(command)[1:])
                    checked += 1
        self.assertGreater(checked, 20)

    def test_certificates_are_printed_as_certificates(self) -> None:
        """The formats that docs/deploy.md takes authorities out of answers with, by gcloud's own printer."""
        library = gcloud_commands.library()
        if library is None:
            self.skipTest("gcloud is not installed")
        answers = {"serverCaCerts": [{"cert": "A\nB"}, {"cert": "C"}], "managedServerCa": {"caCerts": [{"certificates": ["A\nB", "C"]}]}}
        formats = re.findall(r"--format (\$?)'(value.*[cC]aCerts.*)'", (REPOSITORY / "docs/deploy.md").read_text())
        self.assertEqual(len(formats), 3)
        for is_escaped, form in formats:
            # As the shell reads $'…'.
            form = form.replace("\\n", "\n") if is_escaped else form
            program = f"import sys; sys.path[:0] = [{str(library)!r}, {str(library / 'third_party')!r}]\n"
            program += f"from googlecloudsdk.core.resource import resource_printer\nresource_printer.Print([{answers!r}], {form!r})"
            done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stdout, "A\nB\nC\n", form + done.stderr[-500:])

    def test_the_bootstrap(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory)
            (folder / "gcloud").write_text(f'#!/bin/sh\nexec {sys.executable} -B {fake_google.__file__} gcloud "$@"\n')
            (folder / "gcloud").chmod(0o755)
            state = folder / "project.json"
            state.write_text(json.dumps(fake_google.Project.empty()))
            environment = {"PATH": f"{folder}:{os.environ['PATH']}", "GOOGLE_STATE": str(state), "PROJECT": "project"}
            for _ in range(2):
                done = subprocess.run([str(REPOSITORY / "deploy/bootstrap")], env=environment, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(state.read_text())
        self.assertEqual(found["buckets"], ["gs://project-terraform"], "made once")
        self.assertIn("cloudresourcemanager.googleapis.com", found["interfaces"])
        create = next(call for call in found["log"] if "buckets create" in call)
        self.assertIn("--uniform-bucket-level-access --public-access-prevention", create)
        self.assertTrue(any("--versioning" in call for call in found["log"]))

    def test_every_need_has_a_source(self) -> None:
        for call, needs in fake_google.NEEDS.items():
            for need in needs:
                self.assertTrue(need.source, call)
                self.assertTrue(any(need.permission in permissions for permissions in fake_google.ROLES.values()), need.permission)

    @unittest.skipUnless(shutil.which("gcloud"), "gcloud is not installed")
    def test_gcloud_itself_reads_the_pipeline(self) -> None:
        environment = {"PATH": os.environ["PATH"], "CLOUDSDK_CONFIG": "/nonexistent", "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
        for file in ("cloudbuild.yaml", "deploy/pipeline/check.yaml", "deploy/pipeline/rollout.yaml"):
            command = ["gcloud", "builds", "submit", "--no-source", "--config", file, "--project", "p", "--region", "us-central1"]
            done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60)
            self.assertIn("active account", done.stderr, file)


if __name__ == "__main__":
    unittest.main()
