"""Which programs a script calls, as far as its text says: those at the place of a command, and those of the scripts and make targets that it names."""

import pathlib
import re
import shutil
from typing import List, Optional, Tuple

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
# What is no program: words of the shell.
BUILTINS = set("""alias bg break case cd command continue declare do done echo elif else esac eval exec exit export false fi for function getopts hash if in let
local mapfile printf pwd read readonly return set shift shopt source test then time times trap true type ulimit umask unset until wait while""".split())
WORD = re.compile(r"(?:^|[|;&(`!]|\b(?:then|do|else|exec|if|command -v)\b)\s*(?:[A-Z_]+=\S*\s+)*([a-z][a-z0-9_.-]*)(?=\s|$|\))")


def calls(script: pathlib.Path, seen: Optional[set] = None) -> List[Tuple[str, str]]:
    """Every program that a script names at the place of a command, and those of the scripts and make targets that it calls."""
    seen = seen if seen is not None else set()
    if script in seen or script.suffix == ".py":
        return []
    seen.add(script)
    text = script.read_text()
    if text.startswith("#!/usr/bin/env python3"):
        return [(script.name, "python3"), *((script.name, name) for name in re.findall(r'\["(gcloud)"', text))]
    return _calls_of_shell(script.name, text, seen)


def _calls_of_shell(name: str, text: str, seen: set) -> List[Tuple[str, str]]:
    text = re.sub(r"<<'(\w+)'\n.*?\n\1\n", "\n", text, flags=re.DOTALL)
    text = re.sub(r"\\\n", " ", text)
    functions = set(re.findall(r"^(\w+)\(\) \{", text, re.MULTILINE))
    found: List[Tuple[str, str]] = []
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line)
        unquoted = re.sub(r"'[^']*'", "''", line)
        for program in WORD.findall(re.sub(r'"(?:[^"$]|\$(?!\())*"', '""', unquoted).replace("$(", "(")):
            if program not in BUILTINS | functions and (shutil.which(program) or program in ("docker", "gcloud")):
                found.append((name, program))
        for target in re.findall(r"\bmake ([a-z-]+)", unquoted):
            found += _calls_of_target(target, seen)
        for path in re.findall(r"\./(scripts/[a-z-]+)", line):
            found += calls(REPOSITORY / path, seen)
    return found


def _calls_of_target(target: str, seen: set) -> List[Tuple[str, str]]:
    text = (REPOSITORY / "Makefile").read_text()
    match = re.search(rf"^{re.escape(target)}:([^#\n]*)[^\n]*\n((?:\t.*\n)+)", text, re.MULTILINE)
    if match is None or (target, "make") in seen:
        return []
    seen.add((target, "make"))
    body = re.sub(r"^\t@?", "", match.group(2), flags=re.MULTILINE).replace("$$", "$")
    found = [("Makefile", "make"), *_calls_of_shell("Makefile", body, seen)]
    for needed in match.group(1).split():
        found += _calls_of_target(needed, seen)
    return found
