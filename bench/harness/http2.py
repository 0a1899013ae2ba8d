"""One request over HTTP/2 in clear text, by curl: what a server that speaks nothing else is asked with."""

import subprocess
from typing import List

from .exchange import Answer
from .tools import find_tool

FIGURES = "\n%{size_header}"


def ask_http2(port: int, method: str, path: str, body: bytes = b"", timeout: float = 10.0) -> Answer:
    """One request on a connection of its own. Raises OSError if there is no answer, ValueError if it is not HTTP/2. The size is that of the same answer
    in HTTP/1: what frames and compression make of it, h2load counts."""
    curl = find_tool("curl", "curl")
    if curl is None:
        raise OSError("the Debian package curl is not installed")
    command: List[str] = [curl, "--silent", "--http2-prior-knowledge", "--include", "--max-time", f"{timeout:.1f}", "--request", method]
    if body:
        command += ["--header", "Content-Type: application/json", "--data-binary", "@-"]
    done = subprocess.run([*command, "--write-out", FIGURES, f"http://127.0.0.1:{port}{path}"], input=body, capture_output=True)
    if done.returncode != 0:
        raise ConnectionError(f"curl ended with status {done.returncode}")
    text, _, size = done.stdout.rpartition(b"\n")
    head, content = text[: int(size)], text[int(size) :]
    lines = head.decode("latin-1").strip().split("\r\n")
    if not lines[0].startswith("HTTP/2 "):
        raise ValueError(f"not an answer over HTTP/2: {lines[0][:80]!r}")
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    return Answer(int(lines[0].split()[1]), headers, content, len(text))
