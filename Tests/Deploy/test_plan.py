"""What `terraform apply` does the first time, and after the pipeline has changed the service."""

import pathlib
import re
import unittest
from typing import Any, Dict

from terraform_run import AVAILABLE, IMAGE, Infrastructure

OTHER_IMAGE = IMAGE.replace("0" * 64, "1" * 64)
SERVICE = "google_cloud_run_v2_service"


def canary(service: Dict[str, Any]) -> None:
    """What deploy/steps leave: `gcloud run deploy` without --tag and without --revision-suffix posts a nonce as a label and no name
    (_NewRevisionNonceChange of gcloud's serverless_operations.py); the traffic stays with a revision by name."""
    template = service["template"][0]
    template["containers"][0]["image"] = OTHER_IMAGE
    template["labels"] = {"client.knative.dev/nonce": "abcdefghij"}
    service["traffic"] = [{"percent": 100, "revision": "redis-caching-agent-00002-abc", "tag": None, "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"}]
    service["client"], service["client_version"] = "gcloud", "528.0.0"


def canary_with_tag(service: Dict[str, Any]) -> None:
    """With --tag it names the revision in the template (generate_name in gcloud's surface/run/deploy.py)."""
    canary(service)
    service["template"][0]["revision"] = "redis-caching-agent-00002-abc"


@unittest.skipUnless(AVAILABLE, "terraform or the provider's schema is missing")
class ApplyTests(unittest.TestCase):
    def infrastructure(self, *arguments: Any) -> Infrastructure:
        result = Infrastructure(*arguments)
        self.addCleanup(result.close)
        return result

    def applied(self, infrastructure: Infrastructure, file: str = "", **variables: Any) -> None:
        done = infrastructure.apply(file, **variables)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_two_applies_make_a_service(self) -> None:
        project = self.infrastructure()
        self.applied(project)
        self.assertNotIn(f"{SERVICE}.this[0]", project.resources())
        self.assertIn("google_redis_instance.this[0]", project.resources())
        changes = project.plan(image=IMAGE)
        self.assertEqual({tuple(change["change"]["actions"]) for change in changes}, {("create",)}, "the second only adds")
        self.applied(project, image=IMAGE)
        self.assertIn(f"{SERVICE}.this[0]", project.resources())
        self.assertEqual(project.plan(image=IMAGE), [], "the third has nothing to do")

    def test_nothing_to_do_after_a_canary(self) -> None:
        project = self.infrastructure()
        self.applied(project, image=IMAGE)
        project.outside(SERVICE, canary)
        self.assertEqual(project.plan(image=IMAGE), [])

    def test_a_setting_arrives_after_a_canary(self) -> None:
        project = self.infrastructure()
        self.applied(project, image=IMAGE)
        project.outside(SERVICE, canary)
        self.applied(project, image=IMAGE, environment="staging")
        service = project.resources()[f"{SERVICE}.this[0]"]["values"]
        container = service["template"][0]["containers"][0]
        self.assertIn({"name": "ENVIRONMENT", "value": "staging", "value_source": []}, container["env"])
        self.assertEqual(container["image"], OTHER_IMAGE, "the image is the pipeline's")
        self.assertEqual(service["traffic"][0]["revision"], "redis-caching-agent-00002-abc", "so is the traffic")
        self.assertIsNone(service["template"][0]["revision"])

    def test_beside_the_old_service(self) -> None:
        """One file: the old service's Redis, database and connector, no network, no Redis, no password of ours."""
        project = self.infrastructure()
        file = str(FileTests.folder / "side-by-side.tfvars")
        self.applied(project, file, image=IMAGE)
        resources = project.resources()
        template = resources[f"{SERVICE}.this[0]"]["values"]["template"][0]
        variables = {variable["name"]: variable["value"] for variable in template["containers"][0]["env"]}
        self.assertEqual(template["vpc_access"][0]["connector"], "projects/project/locations/us-central1/connectors/redis-connector")
        wanted = {"REDIS_HOST": "10.0.0.3", "REDIS_PORT": "6379", "REDIS_DB": "0", "REDIS_TLS": "off", "REQUIRE_AUTH": "false", "API_KEYS_FILE": None}
        self.assertEqual({name: variables.get(name) for name in wanted}, wanted)
        self.assertNotIn("FACTORY_PLATFORM_URL", variables)
        made = {resource["type"] for resource in resources.values()}
        self.assertEqual({kind for kind in made if re.search("compute|redis|vpc_access|networking", kind)}, set())

    def test_every_environment_can_be_planned(self) -> None:
        project = self.infrastructure()
        for name in ("staging", "production"):
            more = {"image_source": {"project": "staging", "repository": "redis-caching-agent"}} if name == "production" else {}
            changes = project.plan(str(FileTests.folder / f"{name}.tfvars"), image=IMAGE, repository={"owner": "o", "name": "n"}, **more)
            builds = {change["name"] for change in changes if change["type"] == "google_cloudbuild_trigger"}
            self.assertEqual(builds, {"check", "build", "rollout"} if name == "staging" else {"rollout"})

    def test_a_named_revision_would_answer_409(self) -> None:
        """As the files were: gcloud told a tag, and the name left alone by Terraform."""
        def as_it_was(name: str, text: str) -> str:
            return text.replace("template[0].labels, traffic", "template[0].labels, template[0].revision, traffic") if name == "run.tf" else text

        project = self.infrastructure(as_it_was)
        self.applied(project, image=IMAGE)
        project.outside(SERVICE, canary_with_tag)
        done = project.apply(image=IMAGE, environment="staging")
        self.assertIn("409", done.stderr)

    def test_an_edited_dashboard_arrives(self) -> None:
        project = self.infrastructure()
        self.applied(project, image=IMAGE)

        def older(dashboard: Dict[str, Any]) -> None:
            dashboard["dashboard_json"] = "{}"

        project.outside("google_monitoring_dashboard", older)
        self.assertEqual([change["type"] for change in project.plan(image=IMAGE)], ["google_monitoring_dashboard"])

    def test_redis_is_not_destroyed_by_accident(self) -> None:
        project = self.infrastructure()
        self.applied(project, image=IMAGE)
        done = project.apply(image=IMAGE, store="existing", existing_redis={"host": "10.1.2.3"})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("prevent_destroy", done.stderr)

    def environment(self, infrastructure: Infrastructure) -> Dict[str, str]:
        service = infrastructure.resources()[f"{SERVICE}.this[0]"]["values"]
        return {variable["name"]: variable["value"] for variable in service["template"][0]["containers"][0]["env"]}

    def test_a_cluster_is_found_by_its_discovery_endpoint(self) -> None:
        for store, address in (("redis-cluster", "10.0.0.4"), ("valkey", "10.0.0.5"), ("valkey-single", "10.0.0.5")):
            with self.subTest(store):
                project = self.infrastructure()
                self.applied(project, image=IMAGE, store=store)
                environment = self.environment(project)
                wanted = {"REDIS_HOST": address, "REDIS_PORT": "6379", "REDIS_TLS": "on", "REDIS_TLS_VERIFY": "full", "REDIS_AUTH": "google-iam"}
                self.assertEqual({name: environment.get(name) for name in wanted}, wanted)
                self.assertNotIn("REDIS_PASSWORD_FILE", environment)
                outputs = project.outputs()
                self.assertEqual((outputs["redis_host"], outputs["redis_nodes"]), (address, 2 if store == "valkey-single" else 6))
                self.assertEqual(project.plan(image=IMAGE, store=store), [], "the second apply has nothing to do")

    def test_the_first_connection_is_the_wrong_one(self) -> None:
        """As the file was: whichever connection Google lists first."""
        def as_it_was(name: str, text: str) -> str:
            text = text.replace("valkey_host = one([", "valkey_host = element([")
            return re.sub(r" if connection\.connection_type == [^\n]*\n  \]\)", "\n  ], 0)", text)

        project = self.infrastructure(as_it_was)
        self.applied(project, image=IMAGE, store="valkey")
        self.assertEqual(self.environment(project)["REDIS_HOST"], "10.0.0.6")

    def test_the_way_in_is_there_before_the_cluster(self) -> None:
        """Without a policy Google makes no endpoints for it."""
        for store, address in (("redis-cluster", "google_redis_cluster.this"), ("valkey", "google_memorystore_instance.this")):
            with self.subTest(store):
                project = self.infrastructure()
                before = project.dependencies(address, store=store)
                self.assertIn("google_network_connectivity_service_connection_policy.this", before)
                self.assertIn("google_project_service.this", before)

    def test_a_cluster_grows_while_it_serves(self) -> None:
        for store in ("redis-cluster", "valkey"):
            with self.subTest(store):
                project = self.infrastructure()
                self.applied(project, image=IMAGE, store=store)
                grown = {"store": store, "shards": 5, "replicas_per_shard": 2, "node_type": "highmem-medium"}
                changes = project.plan(image=IMAGE, **grown)
                self.assertEqual([change["change"]["actions"] for change in changes], [["update"]], "the cluster alone, in its place")
                self.applied(project, image=IMAGE, **grown)
                self.assertEqual(project.outputs()["redis_nodes"], 15)

    def test_a_cluster_is_not_destroyed_by_accident(self) -> None:
        for store, kind in (("redis-cluster", "google_redis_cluster"), ("valkey", "google_memorystore_instance")):
            with self.subTest(store):
                project = self.infrastructure()
                self.applied(project, image=IMAGE, store=store)
                done = project.apply(image=IMAGE, store="existing", existing_redis={"host": "10.1.2.3"})
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("deletion_protection_enabled", done.stderr)
                self.assertIn(f"{kind}.this[0]", project.resources())
        done = project.apply(image=IMAGE, store="valkey-single")
        self.assertIn("deletion_protection_enabled", done.stderr, "without slots it is another instance")

    def test_more_nodes_than_google_makes_are_refused_before_it_is_asked(self) -> None:
        def unchecked(name: str, text: str) -> str:
            return text.replace("* (1 + var.replicas_per_shard) <= 250", "<= 250") if name == "variables.tf" else text

        done = self.infrastructure().apply(store="redis-cluster", shards=126)
        self.assertIn("at most 250 nodes", done.stderr)
        done = self.infrastructure(unchecked).apply(store="redis-cluster", shards=126)
        self.assertIn("Error 400", done.stderr, "Google's own refusal, after the network was made")

    def test_an_existing_cluster_has_several_seeds(self) -> None:
        project = self.infrastructure()
        self.applied(project, image=IMAGE, store="existing", existing_redis={"host": "10.0.0.2", "seeds": ["10.0.0.3", "10.0.0.4:6380"]})
        environment = self.environment(project)
        self.assertEqual(environment["REDIS_URL"], "redis://10.0.0.2:6379,10.0.0.3,10.0.0.4:6380")
        self.assertNotIn("REDIS_HOST", environment)
        self.assertNotIn("REDIS_TLS_CA_FILE", environment)

    def test_what_others_may_not_see_is_a_secret(self) -> None:
        project = self.infrastructure()
        self.applied(project, image=IMAGE)
        versions = [address for address in project.resources() if "secret_manager_secret_version" in address]
        self.assertEqual(versions, ["google_secret_manager_secret_version.collector[0]"])


# The interface that makes each kind of resource, by the longest beginning of its name.
INTERFACES = {
    "google_artifact_registry": "artifactregistry", "google_billing": "billingbudgets", "google_binary_authorization": "binaryauthorization",
    "google_cloud_run": "run", "google_cloudbuild": "cloudbuild", "google_compute": "compute", "google_logging": "logging",
    "google_memorystore": "memorystore", "google_monitoring": "monitoring", "google_network_connectivity": "networkconnectivity",
    "google_project": "cloudresourcemanager", "google_project_service": "serviceusage", "google_pubsub": "pubsub", "google_redis": "redis",
    "google_secret_manager": "secretmanager", "google_service_account": "iam", "google_service_networking": "servicenetworking",
    "google_storage": "storage", "google_vpc_access": "vpcaccess",
}


@unittest.skipUnless(AVAILABLE, "terraform or the provider's schema is missing")
class InterfaceTests(unittest.TestCase):
    def test_every_resource_has_its_interface(self) -> None:
        bootstrap = re.search(r"gcloud services enable (.*?) --project", (FileTests.folder.parent / "bootstrap").read_text()).group(1).split()
        project = Infrastructure()
        self.addCleanup(project.close)
        everything = {
            "image": IMAGE, "self_url": "https://cache.example.com", "repository": {"owner": "o", "name": "n"}, "alert_email": "a@example.com",
            "budget": {"billing_account": "0", "amount": 1}, "binary_authorization": "true",
        }
        for variant in ({}, {"store": "valkey"}, {"store": "valkey-single"}, {"store": "redis-cluster", "egress": "connector"}, {"store": "existing", "existing_redis": {"host": "h"}}):
            with self.subTest(variant):
                made = [change for change in project.plan(**everything, **variant)]
                enabled = {change["change"]["after"]["service"] for change in made if change["type"] == "google_project_service"}
                for kind in sorted({change["type"] for change in made}):
                    name = INTERFACES[max((prefix for prefix in INTERFACES if kind.startswith(prefix)), key=len)]
                    self.assertIn(f"{name}.googleapis.com", enabled | set(bootstrap), kind)


class FileTests(unittest.TestCase):
    folder = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/terraform"

    def test_the_provider_is_the_one_that_was_checked(self) -> None:
        lock = (self.folder / ".terraform.lock.hcl").read_text()
        constraint = re.search(r'version = "(>= 6\.50\.0, < 7\.0\.0)"', (self.folder / "versions.tf").read_text())
        self.assertIsNotNone(constraint)
        self.assertIn(f'constraints = "{constraint.group(1)}"', lock)
        self.assertIn('version     = "6.50.0"', lock)
        self.assertEqual(len(re.findall(r'"zh:[0-9a-f]{64}"', lock)), 12, "every platform that the registry has")

    def test_the_state_is_kept_where_few_can_read_it(self) -> None:
        self.assertIn('backend "gcs"', (self.folder / "backend.tf").read_text())
        for path in [*self.folder.glob("*.tf"), self.folder.parent.parent / "docs/deploy.md"]:
            text = path.read_text().replace("API keys so are in no state file", "")
            self.assertNotIn("in no state file", text, f"{path.name}: Redis's password is in the state")


if __name__ == "__main__":
    unittest.main()
