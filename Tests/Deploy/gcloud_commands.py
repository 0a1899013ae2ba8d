#!/usr/bin/env python3
"""The commands of gcloud that the deploy files and docs use, with every flag that each has, as gcloud's own command tree has them.

`gcloud_commands.py` writes gcloud_commands.json anew from an installed gcloud (the tree that its shell completion uses). The file is in the repository
so that the checks work without gcloud; test_pipeline.py compares it with gcloud if there is one."""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any, Dict, List, Optional, Tuple

TABLE = pathlib.Path(__file__).resolve().parent / "gcloud_commands.json"
# What is used anywhere: add to it, then run this file.
USED = [
    "artifacts docker images describe", "artifacts docker images list-vulnerabilities", "artifacts docker images scan", "artifacts sbom export", "auth configure-docker",
    "auth login", "auth application-default login", "auth print-access-token", "auth print-identity-token", "builds list", "builds submit", "config set", "memorystore instances describe", "monitoring dashboards create", "projects describe", "redis clusters describe",
    "redis clusters get-cluster-certificate-authority", "redis instances describe", "redis instances failover", "redis instances get-auth-string",
    "run deploy", "run jobs deploy", "run jobs execute", "run revisions describe", "run revisions list", "run services delete", "run services describe", "run services replace",
    "run services update-traffic", "secrets versions add", "services enable", "storage buckets create", "storage buckets describe",
    "storage buckets update", "memorystore instances get-certificate-authority", "redis instances update",
    "compute networks vpc-access connectors describe",
]


@functools.lru_cache
def root() -> Optional[pathlib.Path]:
    """Where gcloud is installed; None if it is not."""
    program = shutil.which("gcloud")
    if program is None:
        return None
    done = subprocess.run([program, "info", "--format", "value(installation.sdk_root)"], capture_output=True, text=True)
    return pathlib.Path(done.stdout.strip())


def library() -> Optional[pathlib.Path]:
    """gcloud's own modules."""
    folder = root()
    return folder / "lib" if folder and (folder / "lib/googlecloudsdk").exists() else None


def installed_tree() -> Optional[Dict[str, Any]]:
    """gcloud's own tree; None if it is not installed."""
    folder = root()
    path = folder / "data/cli/gcloud_completions.py" if folder else None
    if path is None or not path.exists():
        return None
    names: Dict[str, Any] = {}
    exec(path.read_text(), names)
    return names["STATIC_COMPLETION_CLI_TREE"]


def kinds(flags_of_tree: Dict[str, Any]) -> Dict[str, str]:
    return {name: "bool" if kind == "bool" else "value" for name, kind in sorted(flags_of_tree.items())}


def flags(tree: Dict[str, Any], command: str) -> Optional[Dict[str, str]]:
    """Every flag of a command, those of its groups included and global ones not; None if there is no such command."""
    result: Dict[str, Any] = {}
    for word in command.split():
        tree = tree.get("commands", {}).get(word)
        if tree is None:
            return None
        result.update(tree["flags"])
    return kinds(result)


def version() -> str:
    text = subprocess.run(["gcloud", "version"], capture_output=True, text=True).stdout
    return re.search(r"Google Cloud SDK (\S+)", text).group(1)


class Refused(Exception):
    """gcloud does not know what it is asked for."""


def parse(words: List[str]) -> Tuple[str, List[str], Dict[str, Any]]:
    """Command, positional arguments, flags. Raises Refused as gcloud's parser does."""
    everything = json.loads(TABLE.read_text())
    table = everything["commands"]
    command = next((name for name in sorted(table, key=len, reverse=True) if words[: len(name.split())] == name.split()), None)
    if command is None:
        raise Refused(f"Invalid choice: {' '.join(words[:4])!r}; not among those of gcloud_commands.json")
    known, positional, given = {**everything["global"], **table[command]}, [], {}
    rest = words[len(command.split()):]
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            positional.append(word)
            continue
        name, equals, value = word.partition("=")
        if name.startswith("--no-") and name not in known and known.get("--" + name[5:]) == "bool":
            given["--" + name[5:]] = False
            continue
        if name not in known:
            raise Refused(f"unrecognized arguments: {name}")
        if known[name] == "bool":
            given[name] = True
        elif equals:
            given[name] = value
        elif rest:
            given[name] = rest.pop(0)
        else:
            raise Refused(f"argument {name}: expected one argument")
    return command, positional, given


def main() -> None:
    tree = installed_tree()
    if tree is None:
        sys.exit("gcloud is not installed")
    commands = {command: flags(tree, command) for command in sorted(USED)}
    missing = [command for command, known in commands.items() if known is None]
    if missing:
        sys.exit(f"gcloud has no {', '.join(missing)}")
    lines = [f'    {json.dumps(command)}: {json.dumps(known)}' for command, known in commands.items()]
    text = f'{{\n  "version": "{version()}",\n  "global": {json.dumps(kinds(tree["flags"]))},\n  "commands": {{\n' + ",\n".join(lines) + "\n  }\n}\n"
    TABLE.write_text(text)


if __name__ == "__main__":
    main()
