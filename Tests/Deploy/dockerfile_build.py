#!/usr/bin/env python3
"""Builds the Dockerfile itself, without an engine and without a registry: `dockerfile_build.py PROGRAM`. Needs root and buildah.

The base images cannot be fetched everywhere, so each has a stand-in: the build stages see this machine's /usr, where `swift` only hands over the program that was built before with
the same flags; the last one is what the program needs of libraries. What is judged is the Dockerfile: that its steps work, what they leave, and the image's configuration."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, List

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
OWN_BYTES = 40 * 1024 * 1024
SWIFT = """#!/bin/sh
case "$*" in
*--show-bin-path*) echo /stand-in ;;
esac
"""


class Builder:
    """buildah with a store of its own."""

    def __init__(self, folder: pathlib.Path):
        self._base = ["buildah", "--root", str(folder / "root"), "--runroot", str(folder / "runroot"), "--storage-driver", "vfs"]

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*self._base, *arguments], capture_output=True, text=True, cwd=REPOSITORY)
        if done.returncode != 0:
            sys.exit(f"buildah {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout.strip()

    def stand_in(self, name: str, root: pathlib.Path, path: str = "/usr/bin:/usr/local/bin") -> None:
        container = self.run("from", "scratch")
        self.run("copy", container, f"{root}/", "/")
        self.run("config", "--env", f"PATH={path}", container)
        self.run("commit", container, name)
        self.run("rm", container)


def build_root(folder: pathlib.Path, program: str) -> pathlib.Path:
    """A root whose /usr will be this machine's."""
    root = folder / "build"
    for name in ("usr", "etc", "tmp", "proc", "dev", "stand-in", "var/lib/dpkg"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    swift = root / "stand-in/swift"
    swift.write_text(SWIFT)
    swift.chmod(0o755)
    shutil.copy(program, root / "stand-in/redis-caching-agent")
    return root


def runtime_root(folder: pathlib.Path, program: str) -> pathlib.Path:
    """The libraries that the program names."""
    root = folder / "runtime"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("nonroot:x:65532:65532::/:/sbin/nologin\n")
    for library in re.findall(r"(/\S+)", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    return root


def judge(image: Dict[str, Any]) -> List[str]:
    """What is wrong with the image's configuration."""
    config = image["Docker"]["config"]
    wanted = {
        "User": "65532:65532",
        "Entrypoint": ["/usr/bin/redis-caching-agent"],
        "Cmd": ["serve"],
        "ExposedPorts": {"8080/tcp": {}},
    }
    wrong = [f"{name} is {config.get(name)!r}" for name, value in wanted.items() if config.get(name) != value]
    if (config.get("Healthcheck") or {}).get("Test") != ["CMD", "/usr/bin/redis-caching-agent", "healthcheck"]:
        wrong.append(f"Healthcheck is {config.get('Healthcheck')!r}")
    labels = config.get("Labels") or {}
    if labels.get("org.opencontainers.image.version") != "1.2.3" or labels.get("org.opencontainers.image.revision") != "abc":
        wrong.append(f"Labels are {labels!r}")
    for name in ("title", "description", "licenses", "created", "source"):
        if not labels.get(f"org.opencontainers.image.{name}"):
            wrong.append(f"no label {name}")
    return wrong


def main() -> int:
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        folder = pathlib.Path(name)
        builder = Builder(folder)
        builder.stand_in("localhost/build:1", build_root(folder, program), "/stand-in:/usr/local/bin:/usr/bin")
        runtime = runtime_root(folder, program)
        builder.stand_in("localhost/runtime:1", runtime)
        arguments = {"BUILD_IMAGE": "localhost/build:1", "DOCS_IMAGE": "localhost/build:1", "RUNTIME_IMAGE": "localhost/runtime:1"}
        arguments.update({"VERSION": "1.2.3", "REVISION": "abc", "CREATED": "2026-01-01T00:00:00Z", "SOURCE": "https://example.com"})
        values = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        # What pip is told here, the build is told, too.
        pip = [part for key, value in os.environ.items() if key.startswith("PIP_") for part in ("--env", f"{key}={value}")]
        mounts = [part for path in ("/usr", "/etc", "/opt", "/var/lib/dpkg") for part in ("-v", f"{path}:{path}:ro")]
        builder.run(
            "bud", "--pull-never", "--isolation", "chroot", "--format", "docker", *mounts, *pip, *values, "-t", "localhost/agent:1", "."
        )
        image = json.loads(builder.run("inspect", "--type", "image", "localhost/agent:1"))
        wrong = judge(image)
        container = builder.run("from", "localhost/agent:1")
        root = pathlib.Path(builder.run("mount", container))
        base = {path.relative_to(runtime) for path in runtime.rglob("*") if path.is_file()}
        own = {path.relative_to(root): path.stat() for path in root.rglob("*") if path.is_file() and path.relative_to(root) not in base}
        total = sum(status.st_size for status in own.values())
        # libz is in the stand-in of the base already.
        own = {path: status for path, status in own.items() if not path.name.startswith("libz.")}
        record = root / "var/lib/dpkg/status.d/zlib1g"
        if not record.exists() or "Package: zlib1g\n" not in record.read_text():
            wrong.append("libz is there without the record of its package")
        expected = {"usr/bin/redis-caching-agent", "var/lib/dpkg/status.d/zlib1g"} | {
            f"usr/share/redis-caching-agent/docs/{file}" for file in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js")
        }
        if {str(path) for path in own} != expected:
            wrong.append(f"files are {sorted(map(str, own))}")
        if any(status.st_uid != 0 or status.st_mode & 0o022 for status in own.values()):
            wrong.append("the service could change its own files")
        if total >= OWN_BYTES:
            wrong.append(f"{total} bytes")
        builder.run("umount", container)
        builder.run("rm", container)
        for fault in wrong:
            print(f"image: {fault}", file=sys.stderr)
        print(f"image: {len(own)} files of its own, {total / 1024 / 1024:.1f} MiB, user {image['Docker']['config']['User']}")
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
