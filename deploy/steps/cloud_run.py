"""The service as `gcloud` shows and changes it."""

import json
import subprocess
from typing import Any, Dict, List, NamedTuple, Optional, Sequence


class Failed(Exception):
    """Something did not work out: what is said to whoever reads the build's log."""


class Interfered(Failed):
    """Somebody else changed the traffic: it is left as it is."""


class Target(NamedTuple):
    revision: str
    percent: int
    tag: Optional[str]
    url: Optional[str]


def gcloud(*arguments: str) -> str:
    """What the command prints. Raises Failed."""
    done = subprocess.run(["gcloud", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode != 0:
        raise Failed(f"gcloud {' '.join(arguments[:4])}: {done.stderr.strip()[-1000:]}")
    return done.stdout.strip()


class CloudRun:
    def __init__(self, project: str, region: str, service: str):
        self._service = service
        self._where = ["--project", project, "--region", region]
        # What this rollout set last: revision to percent.
        self._expected: Optional[Dict[str, int]] = None

    def _describe(self) -> Dict[str, Any]:
        return json.loads(gcloud("run", "services", "describe", self._service, *self._where, "--format", "json"))

    @property
    def url(self) -> str:
        return self._describe()["status"]["url"]

    def targets(self) -> List[Target]:
        """Where requests go now; LATEST is shown as the revision that it is."""
        traffic = self._describe()["status"].get("traffic", [])
        named = (each for each in traffic if each.get("revisionName"))
        return [Target(each["revisionName"], int(each.get("percent", 0)), each.get("tag"), each.get("url")) for each in named]

    def shares(self) -> Dict[str, int]:
        result: Dict[str, int] = {}
        for target in self.targets():
            result[target.revision] = result.get(target.revision, 0) + target.percent
        return {revision: percent for revision, percent in result.items() if percent > 0}

    def deploy(self, image: str) -> str:
        """A revision with this image that gets no traffic. Neither --tag nor --revision-suffix: with either gcloud would name the revision in the
        service's template, and the next change of a setting by Terraform would meet that name (409)."""
        # What stands behind --container is of that container.
        gcloud("run", "deploy", self._service, *self._where, "--no-traffic", "--container", "agent", "--image", image)
        revision = self._describe()["status"]["latestCreatedRevisionName"]
        found = gcloud("run", "revisions", "describe", revision, *self._where, "--format", "value(spec.containers[0].image)")
        if found != image:
            raise Failed(f"{revision} has the image {found}: somebody else deployed at the same time")
        return revision

    def tag(self, tag: str, revision: str) -> str:
        """The address of the revision alone."""
        self._update("--update-tags", f"{tag}={revision}")
        url = next((target.url for target in self.targets() if target.tag == tag), None)
        if not url:
            raise Failed(f"{revision} has no address")
        return url

    def begin(self) -> None:
        """From now on nobody else may change the traffic."""
        self._expected = self.shares()

    def shift(self, shares: Dict[str, int], *more: str) -> None:
        """Raises Interfered if the traffic is not as it was left."""
        found = self.shares()
        if self._expected is not None and found != self._expected:
            raise Interfered(f"the traffic is {found}, and was left as {self._expected}")
        self._update("--to-revisions", ",".join(f"{revision}={percent}" for revision, percent in shares.items()), *more)
        self._expected = {revision: percent for revision, percent in shares.items() if percent > 0}

    def untag(self, tag: str) -> None:
        self._update("--remove-tags", tag)

    def _update(self, *arguments: str) -> None:
        gcloud("run", "services", "update-traffic", self._service, *self._where, *arguments)


def ongoing_builds(project: str, region: str) -> Sequence[str]:
    return gcloud("builds", "list", "--ongoing", "--project", project, "--region", region, "--format", "value(id)").split()
