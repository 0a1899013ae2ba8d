"""A project of Google Cloud, as far as the pipeline meets it, with `gcloud` and `docker` in front of it. It refuses what the real one refuses: flags that gcloud
does not have, interfaces that are not enabled, permissions that nobody granted, components that an image lacks, names that exist.

What is enabled and granted comes from deploy/terraform itself (terraform_run.py). Started as a program it is `gcloud` or `docker`, by its first
argument; GOOGLE_STATE names the file that the project is kept in."""

import fcntl
import json
import os
import pathlib
import sys
from typing import Any, Dict, List, NamedTuple, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gcloud_commands  # noqa: E402

# What each role has of the permissions below. https://cloud.google.com/iam/docs/roles-permissions, page of each service.
ROLES: Dict[str, List[str]] = {
    "roles/artifactregistry.reader": ["artifactregistry.repositories.downloadArtifacts"],
    "roles/artifactregistry.writer": ["artifactregistry.repositories.downloadArtifacts", "artifactregistry.repositories.uploadArtifacts"],
    "roles/cloudbuild.builds.viewer": ["cloudbuild.builds.get", "cloudbuild.builds.list"],
    "roles/iam.serviceAccountOpenIdTokenCreator": ["iam.serviceAccounts.getOpenIdToken"],
    "roles/iam.serviceAccountUser": ["iam.serviceAccounts.actAs", "iam.serviceAccounts.get", "iam.serviceAccounts.list"],
    "roles/logging.logWriter": ["logging.logEntries.create"],
    "roles/monitoring.metricWriter": ["monitoring.timeSeries.create"],
    "roles/monitoring.viewer": ["monitoring.timeSeries.list"],
    "roles/ondemandscanning.admin": ["ondemandscanning.scans.analyzePackages", "ondemandscanning.scans.listVulnerabilities"],
    "roles/run.developer": ["run.services.get", "run.services.update", "run.revisions.get", "run.operations.get"],
    "roles/run.invoker": ["run.routes.invoke"],
    "roles/run.viewer": ["run.services.get", "run.revisions.get", "run.operations.get"],
    "roles/secretmanager.secretAccessor": ["secretmanager.versions.access"],
    "roles/storage.objectViewer": ["storage.objects.get", "storage.objects.list"],
}


class Need(NamedTuple):
    """What a call takes. `scope`: where the permission must be granted, or above."""
    permission: str
    scope: str
    source: str


RUN = "https://cloud.google.com/run/docs/reference/iam/permissions"
DEPLOYING = "https://cloud.google.com/run/docs/deploying#permissions_required_to_deploy"
# Operations are the project's: serverless_operations.py of gcloud, WaitService, asks projects/P/locations/L/operations/O.
OPERATION = Need("run.operations.get", "project", "gcloud: googlecloudsdk/command_lib/run/serverless_operations.py, WaitService")
CHANGE = [
    Need("run.services.get", "service", RUN), Need("run.services.update", "service", RUN), OPERATION,
    Need("iam.serviceAccounts.actAs", "agent", DEPLOYING),
]
SCANNING = "https://cloud.google.com/artifact-analysis/docs/os-scanning-on-demand"
NEEDS: Dict[str, List[Need]] = {
    "run deploy": [*CHANGE, Need("artifactregistry.repositories.downloadArtifacts", "repository", DEPLOYING)],
    "run services describe": [Need("run.services.get", "service", RUN)],
    "run services update-traffic": CHANGE,
    "run revisions describe": [Need("run.revisions.get", "project", RUN)],
    "builds list": [Need("cloudbuild.builds.list", "project", "https://cloud.google.com/build/docs/iam-roles-permissions")],
    "artifacts docker images scan": [Need("ondemandscanning.scans.analyzePackages", "project", SCANNING)],
    "artifacts docker images list-vulnerabilities": [Need("ondemandscanning.scans.listVulnerabilities", "project", SCANNING)],
    "auth print-identity-token": [
        Need("iam.serviceAccounts.getOpenIdToken", "itself", "https://cloud.google.com/build/docs/securing-builds/authorize-service-to-service-access")
    ],
    "auth print-access-token": [],
    # The owner's.
    "services enable": [], "storage buckets create": [], "storage buckets describe": [], "storage buckets update": [],
    "docker pull": [Need("artifactregistry.repositories.downloadArtifacts", "repository", "https://cloud.google.com/artifact-registry/docs/access-control")],
    "docker push": [Need("artifactregistry.repositories.uploadArtifacts", "repository", "https://cloud.google.com/artifact-registry/docs/access-control")],
    # Not calls of a step, but what Cloud Build does for every build with an account of the user's:
    # https://cloud.google.com/build/docs/securing-builds/configure-user-specified-service-accounts
    "build log": [Need("logging.logEntries.create", "project", "the page above")],
    "build source": [Need("storage.objects.get", "bucket", "the page above")],
    "build secret": [Need("secretmanager.versions.access", "secret", "https://cloud.google.com/build/docs/securing-builds/use-secrets")],
    "query": [Need("monitoring.timeSeries.list", "project", "https://cloud.google.com/stackdriver/docs/managed-prometheus/query-api-ui")],
}
# The interface that a call belongs to must be enabled.
INTERFACES = {
    "run": "run.googleapis.com", "builds": "cloudbuild.googleapis.com", "artifacts docker images scan": "ondemandscanning.googleapis.com",
    "artifacts docker images list-vulnerabilities": "ondemandscanning.googleapis.com", "auth print-identity-token": "iamcredentials.googleapis.com",
    "docker": "artifactregistry.googleapis.com", "query": "monitoring.googleapis.com", "build secret": "secretmanager.googleapis.com",
    "build log": "logging.googleapis.com",
}
# Components of gcloud by the image that it is in: https://github.com/GoogleCloudPlatform/cloud-sdk-docker, Dockerfile and debian_slim/Dockerfile.
OWNER = "owner"
COMPONENTS = {"google-cloud-cli:528.0.0": ["local-extract"], "google-cloud-cli:528.0.0-slim": []}


class Refused(Exception):
    pass


class Project:
    """The state that is kept in a file."""

    def __init__(self, state: Dict[str, Any]):
        self.state = state

    @staticmethod
    def empty() -> Dict[str, Any]:
        return {"interfaces": [], "grants": [], "log": [], "fail": [], "buckets": [], "image_of_step": "", "account": OWNER}

    @staticmethod
    def of(resources: Dict[str, Dict[str, Any]]) -> Dict[str, Any]:
        """From what Terraform made: interfaces, grants (role, member, scope), the service with its first revision."""
        interfaces, grants, service = [], [], {}
        for resource in resources.values():
            kind, values = resource["type"], resource["values"]
            if kind == "google_project_service":
                interfaces.append(values["service"])
            elif kind == "google_project_iam_member":
                grants.append([values["role"], values["member"], "project"])
            elif kind == "google_cloud_run_v2_service_iam_member":
                grants.append([values["role"], values["member"], "service"])
            elif kind == "google_artifact_registry_repository_iam_member":
                grants.append([values["role"], values["member"], "repository"])
            elif kind == "google_service_account_iam_member":
                grants.append([values["role"], values["member"], values["service_account_id"].split("/")[-1]])
            elif kind == "google_secret_manager_secret_iam_member":
                grants.append([values["role"], values["member"], values["secret_id"].split("/")[-1]])
            elif kind == "google_storage_bucket_iam_member":
                grants.append([values["role"], values["member"], values["bucket"]])
            elif kind == "google_cloud_run_v2_service":
                service = values
        template = service["template"][0]
        first = f"{service['name']}-00001-aaa"
        return {
            "interfaces": interfaces, "grants": grants, "log": [], "ongoing": [], "fail": [], "found": "LOW",
            "agent": template["service_account"], "name": service["name"],
            "revisions": {first: template["containers"][0]["image"]},
            "traffic": [{"revision": "LATEST", "percent": 100, "tag": None}],
            "template_name": None, "latest": first, "image_of_step": "", "account": "", "address": "", "buckets": [],
        }

    def authorize(self, call: str) -> None:
        """Raises Refused."""
        for prefix, interface in INTERFACES.items():
            if call.startswith(prefix) and interface not in self.state["interfaces"]:
                raise Refused(f"SERVICE_DISABLED: {interface} has not been used in project before or it is disabled")
        # An owner may do everything.
        for need in NEEDS[call] if self.state["account"] != OWNER else []:
            if not self._has(need):
                raise Refused(f"PERMISSION_DENIED: {need.permission} on {need.scope}, see {need.source}")

    def _has(self, need: Need) -> bool:
        account = self.state["account"]
        scopes = {
            "service": ["service", "project"], "repository": ["repository", "project"], "project": ["project"],
            "agent": [self.state["agent"], "project"], "itself": [account, "project"],
            "secret": [self.state.get("secret", ""), "project"], "bucket": [self.state.get("bucket", ""), "project"],
        }[need.scope]
        for role, member, scope in self.state["grants"]:
            if member == f"serviceAccount:{account}" and scope in scopes:
                if role not in ROLES:
                    raise Refused(f"{role} is not among the roles that are known here")
                if need.permission in ROLES[role]:
                    return True
        return False

    # The service.

    def serving(self, revision: str) -> str:
        return self.state["latest"] if revision == "LATEST" else revision

    def describe(self) -> Dict[str, Any]:
        address = self.state["address"] or "https://cache.example.com"
        traffic = []
        for target in self.state["traffic"]:
            shown = {"revisionName": self.serving(target["revision"]), "percent": target["percent"]}
            if target["tag"]:
                shown.update({"tag": target["tag"], "url": address})
            traffic.append(shown)
        return {"status": {"url": address, "latestCreatedRevisionName": self.state["latest"], "traffic": traffic}}

    def deploy(self, flags: Dict[str, Any]) -> None:
        if flags.get("--no-traffic"):
            for target in self.state["traffic"]:
                if target["revision"] == "LATEST":
                    target["revision"] = self.state["latest"]
        name = f"{self.state['name']}-{len(self.state['revisions']) + 1:05}-abc"
        self.state["revisions"][name] = flags["--image"]
        self.state["latest"] = name
        # generate_name of gcloud's surface/run/deploy.py; else a nonce, and no name in the template.
        self.state["template_name"] = name if "--tag" in flags or "--revision-suffix" in flags else None
        if "--tag" in flags:
            self.state["traffic"].append({"revision": name, "percent": 0, "tag": flags["--tag"]})

    def update_traffic(self, flags: Dict[str, Any]) -> None:
        traffic = self.state["traffic"]
        for pair in filter(None, flags.get("--update-tags", "").split(",")):
            tag, revision = pair.split("=")
            self._revision(revision)
            traffic.append({"revision": revision, "percent": 0, "tag": tag})
        if "--to-revisions" in flags:
            shares = {name: int(percent) for name, percent in (pair.split("=") for pair in flags["--to-revisions"].split(","))}
            for revision in shares:
                self._revision(revision)
            if sum(shares.values()) != 100:
                raise Refused("the shares must be 100 together")
            tags = [{**target, "percent": 0} for target in traffic if target["tag"]]
            traffic[:] = [*tags, *({"revision": revision, "percent": percent, "tag": None} for revision, percent in shares.items())]
        removed = flags.get("--remove-tags", "").split(",")
        traffic[:] = [{**target, "tag": None} if target["tag"] in removed else target for target in traffic]
        traffic[:] = [target for target in traffic if target["tag"] or target["percent"]]

    def _revision(self, name: str) -> None:
        if name not in self.state["revisions"]:
            raise Refused(f"Revision '{name}' not found")

    def gcloud(self, words: List[str]) -> str:
        command, positional, flags = gcloud_commands.parse(words)
        if command.startswith("artifacts docker images scan"):
            image = self.state["image_of_step"].split("/")[-1]
            if "local-extract" not in COMPONENTS.get(image, []):
                raise Refused("local-extract is not installed; it is a component of its own")
        self.authorize(command)
        if command.startswith("run services") and positional != [self.state["name"]]:
            raise Refused(f"Cannot find service {positional}")
        if command == "run deploy":
            self.deploy(flags)
        elif command == "run services update-traffic":
            self.update_traffic(flags)
        elif command == "run services describe":
            return json.dumps(self.describe())
        elif command == "run revisions describe":
            return self.state["revisions"][positional[0]]
        elif command == "builds list":
            return "\n".join(self.state["ongoing"])
        elif command == "artifacts docker images scan":
            return "projects/project/locations/us/scans/1"
        elif command == "artifacts docker images list-vulnerabilities":
            return self.state["found"]
        elif command == "services enable":
            self.state["interfaces"] += positional
        elif command == "storage buckets create":
            self.state["buckets"].append(positional[0])
        elif command in ("storage buckets describe", "storage buckets update"):
            if positional[0] not in self.state["buckets"]:
                raise Refused(f"{positional[0]} not found: 404")
        elif command == "auth print-identity-token":
            return "an-identity-token"
        elif command == "auth print-access-token":
            return "an-access-token"
        return ""

    def docker(self, words: List[str]) -> str:
        if words[0] in ("pull", "push"):
            self.authorize(f"docker {words[0]}")
            if "check:" in words[-1] and words[0] == "pull" and not self.state.get("has_tools"):
                raise Refused("manifest unknown")
        elif words[0] not in ("build", "tag"):
            raise Refused(f"docker {words[0]} is not known here")
        return ""


def change(path: pathlib.Path, what: Any) -> Tuple[int, str, str]:
    """Runs something on the project in the file, alone: exit code, output, errors."""
    with open(path, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        project = Project(json.load(file))
        code, output, errors = 0, "", ""
        try:
            output = what(project)
        except (Refused, gcloud_commands.Refused) as refused:
            code, errors = 1, f"ERROR: {refused}"
        file.seek(0)
        file.truncate()
        json.dump(project.state, file)
    return code, output, errors


def main() -> int:
    program, *words = sys.argv[1:]

    def act(project: Project) -> str:
        project.state["log"].append(" ".join([program, *words]))
        for failure in project.state["fail"]:
            if failure["text"] in " ".join(words) and failure["times"] > 0:
                failure["times"] -= 1
                raise Refused("UNAVAILABLE: try again")
        return project.gcloud(words) if program == "gcloud" else project.docker(words)

    code, output, errors = change(pathlib.Path(os.environ["GOOGLE_STATE"]), act)
    if output:
        print(output)
    if errors:
        print(errors, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
