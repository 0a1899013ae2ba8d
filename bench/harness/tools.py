"""The programs that the benchmark needs beside the service, installed if that is possible."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Optional

REQUIREMENTS = pathlib.Path(__file__).resolve().parent.parent / "peers" / "requirements.txt"
INSTALL_SECONDS = 300


def find_tool(program: str, package: str) -> Optional[str]:
    """The path of `program`; its Debian package is installed when it is missing, this is root and there is apt-get."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    found = shutil.which(program, path=search)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing the Debian package {package}", file=sys.stderr)
        # Run level 1 keeps the package from starting its own server at once.
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        install = ["apt-get", "install", "-y", "--no-install-recommends", package]
        if not _succeeds(install, environment) and _succeeds(["apt-get", "update"], environment):
            _succeeds(install, environment)
        found = shutil.which(program, path=search)
    return found


def python_with_packages(directory: pathlib.Path) -> Optional[pathlib.Path]:
    """The interpreter of a virtual environment with peers/requirements.txt, or None when it cannot be made."""
    python = directory / "bin" / "python"
    stamp = directory / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    try:
        if os.access(python, os.X_OK) and stamp.read_text() == wanted:
            return python
    except OSError:
        pass
    print(f"installing {REQUIREMENTS.name} into {directory}", file=sys.stderr)
    shutil.rmtree(directory, ignore_errors=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
    if _succeeds([sys.executable, "-m", "venv", str(directory)]) and _succeeds(pip):
        stamp.write_text(wanted)
        return python
    shutil.rmtree(directory, ignore_errors=True)
    return None


def version_of(*command: str) -> str:
    """The first line that `command` prints, whatever its status; "unknown" when it does not run."""
    try:
        finished = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = finished.stdout.strip().splitlines()
    return lines[0] if lines else "unknown"


def package_version(package: str) -> str:
    """The version of an installed Debian package."""
    return version_of("dpkg-query", "--show", "--showformat=${Version}", package)


def _succeeds(command, environment=None) -> bool:
    try:
        finished = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
        return False
    if finished.returncode != 0:
        print(finished.stdout.strip()[-600:], file=sys.stderr)
    return finished.returncode == 0
