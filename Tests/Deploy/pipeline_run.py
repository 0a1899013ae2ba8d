"""Runs a build of Cloud Build here: every step in the environment that the file gives it, with the programs that its image has and no others, against
the stand-in for Google (fake_google.py)."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional

import yaml

import fake_google

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
# Of every Debian and Ubuntu image (packages of priority required), as far as a script may want them.
DEBIAN = """apt-get awk basename bash cat chmod chown cmp cp cut date df diff dirname dpkg du echo env expr false find grep gzip head hostname id install ldd
ln ls mkdir mktemp mv printf ps pwd readlink realpath rm rmdir sed seq sh sha256sum sleep sort stat tail tar tee test touch tr true uniq wc which xargs""".split()
# What each image has besides. Of its Dockerfile: GoogleCloudPlatform/cloud-builders docker/Dockerfile-base; GoogleCloudPlatform/cloud-sdk-docker
# debian_slim/Dockerfile and Dockerfile; swiftlang/swift-docker 6.3/debian/12/Dockerfile.
IMAGES = {
    "gcr.io/cloud-builders/docker": ["curl", "docker", "make"],
    "gcr.io/google.com/cloudsdktool/google-cloud-cli:528.0.0": ["curl", "docker", "gcloud", "git", "make", "python3"],
    "gcr.io/google.com/cloudsdktool/google-cloud-cli:528.0.0-slim": ["curl", "gcloud", "git", "python3"],
    "swift:6.3-bookworm": ["clang", "gcc", "git", "objdump", "swift"],
}
# What the packages bring that deploy/pipeline/check.Dockerfile installs.
PACKAGES = {
    "make": ["make"], "python3": ["python3"], "python3-venv": [], "redis-server": ["redis-cli", "redis-server"], "openssl": ["openssl"],
    "prometheus": ["prometheus", "promtool"], "chromium": ["chromium"], "curl": ["curl"], "nghttp2-client": ["h2load"],
}
CHECK_IMAGE = "/check:current"


def check_image_programs() -> List[str]:
    """What its Dockerfile says."""
    text = (REPOSITORY / "deploy/pipeline/check.Dockerfile").read_text()
    base = re.search(r"^ARG BUILD_IMAGE=(\S+)", text, re.MULTILINE).group(1)
    installed = re.search(r"--no-install-recommends \\\n\s+(.*?) \\\n", text, re.DOTALL).group(1).split()
    copied = re.findall(r"^COPY --from=\S+ \S*/(\S+) ", text, re.MULTILINE)
    return [*IMAGES[base], *copied, *(program for package in installed for program in PACKAGES[package])]


def programs_of(image: str) -> List[str]:
    return [*DEBIAN, *(check_image_programs() if image.endswith(CHECK_IMAGE) else IMAGES[image])]


class Build:
    """One run of a file as an account."""

    def __init__(self, file: str, project: Dict[str, Any], account: str, build: str = "0123456789abcdef", **substitutions: str):
        self.description = yaml.safe_load((REPOSITORY / file).read_text())
        self._directory = tempfile.TemporaryDirectory(prefix="build-")
        self.folder = pathlib.Path(self._directory.name)
        self.state_path = self.folder / "project.json"
        self.state_path.write_text(json.dumps({**project, "account": account}))
        defaults = self.description.get("substitutions", {})
        unknown = set(substitutions) - set(defaults)
        assert not unknown or self.description["options"].get("substitutionOption") == "ALLOW_LOOSE", f"MUST_MATCH refuses {unknown}"
        self._values = {**defaults, **substitutions, "PROJECT_ID": "project", "BUILD_ID": build, "COMMIT_SHA": "0" * 40}
        self.output = ""
        # Seen by every step, besides what the file says: where the stand-ins are.
        self.environment: Dict[str, str] = {}

    def close(self) -> None:
        self._directory.cleanup()

    @property
    def state(self) -> Dict[str, Any]:
        return json.loads(self.state_path.read_text())

    def change(self, **members: Any) -> None:
        self.state_path.write_text(json.dumps({**self.state, **members}))

    @property
    def calls(self) -> List[str]:
        return self.state["log"]

    def text(self, value: str) -> str:
        return re.sub(r"\$\{(\w+)\}|\$([A-Z][A-Z_]*)", lambda match: self._values[match.group(1) or match.group(2)], value)

    def _bin(self, image: str) -> str:
        folder = self.folder / re.sub(r"\W", "_", image)
        if not folder.exists():
            folder.mkdir()
            for program in programs_of(image):
                if program in ("gcloud", "docker"):
                    path = folder / program
                    path.write_text(f'#!/bin/sh\nexec {sys.executable} -B {fake_google.__file__} {program} "$@"\n')
                    path.chmod(0o755)
                else:
                    found = sys.executable if program == "python3" else shutil.which(program)
                    if found:
                        (folder / program).symlink_to(found)
        return str(folder)

    def authorize(self, call: str, **members: str) -> None:
        self.change(**members)
        _, _, errors = fake_google.change(self.state_path, lambda project: project.authorize(call) or "")
        assert not errors, errors

    def command(self, step: Dict[str, Any], secrets: Dict[str, str]) -> Dict[str, Any]:
        """How a step is started; what Cloud Build itself does for it is done."""
        image = self.text(step["name"])
        self.change(image_of_step=image)
        values = [*self.description.get("options", {}).get("env", []), *step.get("env", [])]
        environment = dict(self.text(value).split("=", 1) for value in values)
        for name in step.get("secretEnv", []):
            declared = next(secret for secret in self.description["availableSecrets"]["secretManager"] if secret["env"] == name)
            self.authorize("build secret", secret=self.text(declared["versionName"]).split("/")[3])
            environment[name] = secrets[name]
        environment.update({"PATH": self._bin(image), "GOOGLE_STATE": str(self.state_path), "PYTHONDONTWRITEBYTECODE": "1", **self.environment})
        return {"args": [step["entrypoint"], *step["args"]], "env": environment, "cwd": REPOSITORY}

    def run(self, secrets: Optional[Dict[str, str]] = None, skip: str = "") -> int:
        """The exit code of the first step that fails, else 0."""
        self.authorize("build log")
        self.authorize("build source", bucket="project-redis-caching-agent-source")
        for step in self.description["steps"]:
            if step["id"] == skip:
                continue
            start = self.command(step, secrets or {})
            # As the kernel looks the entry point up in the image.
            start["args"][0] = shutil.which(start["args"][0], path=start["env"]["PATH"]) or f"{step['name']} has no {start['args'][0]}"
            done = subprocess.run(**start, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)
            self.output += done.stdout
            if done.returncode != 0:
                return done.returncode
        return 0
