"""deploy/terraform, planned and applied for real by Terraform against the stand-in for Google's provider, each time in a folder of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any, Callable, Dict, List

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
TOOLS = REPOSITORY / ".build-test/terraform"
AVAILABLE = (TOOLS / "terraformrc").exists() and shutil.which("terraform") is not None
IMAGE = "us-central1-docker.pkg.dev/project/redis-caching-agent/agent@sha256:" + "0" * 64


class Infrastructure:
    """One state of one project."""

    def __init__(self, change: Callable[[str, str], str] = lambda _, text: text):
        """`change` rewrites the files: a test shows that it sees a fault by bringing it back."""
        self._directory = tempfile.TemporaryDirectory(prefix="terraform-")
        root = pathlib.Path(self._directory.name)
        self._folder = root / "terraform"
        self._folder.mkdir()
        for path in (REPOSITORY / "deploy/terraform").glob("*.tf"):
            # The state stays here.
            if path.name != "backend.tf":
                (self._folder / path.name).write_text(change(path.name, path.read_text()))
        for name in ("monitoring", "cloudrun"):
            shutil.copytree(REPOSITORY / "deploy" / name, root / name)

    def close(self) -> None:
        self._directory.cleanup()

    def _run(self, *arguments: str, variables: Dict[str, Any], file: str = "") -> "subprocess.CompletedProcess[str]":
        environment = {
            "PATH": os.environ["PATH"], "HOME": self._directory.name, "TF_CLI_CONFIG_FILE": str(TOOLS / "terraformrc"),
            "GOOGLE_SCHEMA": str(TOOLS / "schema.json"), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1",
        }
        values = [f"-var={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in variables.items()]
        files = [f"-var-file={file}"] if file else []
        command = ["terraform", *arguments, *files, *values]
        return subprocess.run(command, cwd=self._folder, env=environment, capture_output=True, text=True, timeout=300)

    def apply(self, file: str = "", **variables: Any) -> "subprocess.CompletedProcess[str]":
        return self._run("apply", "-no-color", "-input=false", "-auto-approve", file=file, variables={"project": "project", **variables})

    def plan(self, file: str = "", **variables: Any) -> List[Dict[str, Any]]:
        """What would be changed: type, address, actions, before, after."""
        done = self._run("plan", "-no-color", "-input=false", "-out=plan", file=file, variables={"project": "project", **variables})
        assert done.returncode == 0, done.stdout + done.stderr
        shown = self._run("show", "-json", "plan", variables={})
        changes = json.loads(shown.stdout)["resource_changes"]
        return [change for change in changes if change["change"]["actions"] not in (["no-op"], ["read"])]

    def dependencies(self, address: str, **variables: Any) -> List[str]:
        """What must be there before a resource is made, as far as it says so itself."""
        self.plan(**variables)
        shown = json.loads(self._run("show", "-json", "plan", variables={}).stdout)
        resources = shown["configuration"]["root_module"]["resources"]
        return next(resource.get("depends_on", []) for resource in resources if resource["address"] == address)

    def resources(self) -> Dict[str, Dict[str, Any]]:
        """Everything that is there, by address."""
        shown = json.loads(self._run("show", "-json", variables={}).stdout)
        return {resource["address"]: resource for resource in shown["values"]["root_module"]["resources"]}

    def outputs(self) -> Dict[str, Any]:
        shown = json.loads(self._run("show", "-json", variables={}).stdout)
        return {name: output.get("value") for name, output in shown["values"]["outputs"].items()}

    def outside(self, kind: str, change: Callable[[Dict[str, Any]], None]) -> None:
        """Changes a resource as somebody else does, without Terraform."""
        path = self._folder / "terraform.tfstate"
        state = json.loads(path.read_text())
        for resource in state["resources"]:
            if resource["type"] == kind:
                for instance in resource["instances"]:
                    change(instance["attributes"])
        path.write_text(json.dumps(state))
