"""Server processes: starting, waiting until ready, what they cost, and ending them whatever happens.

Every server is the leader of a session of its own, so "the server" is exactly the processes of that session: workers that it
forks are found without following parent links, which change when a parent ends. A server also asks the kernel for SIGTERM
when this script ends, so that not even `kill -9` of the script leaves one behind.
"""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import Callable, Dict, List, Optional, Sequence

from .exchange import Answer, ask

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 5.0
POLL_SECONDS = 0.001
PORT_ATTEMPTS = 3
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
KERNEL_THREADS = "2"  # the parent of every kernel thread

_libc = ctypes.CDLL(None, use_errno=True)
_running: List["Server"] = []


class NotReady(Exception):
    """A server ended, or did not answer in time; the text says which and shows the end of its log."""


class Server:
    """One started process and those that it started in turn."""

    def __init__(self, name: str, command: Sequence[str], port: int, log: pathlib.Path, environment: Optional[Dict[str, str]] = None):
        self.name = name
        self.port = port
        self.log = log
        with open(log, "wb") as output:
            try:
                self.process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment if environment is not None else clean_environment(),
                    start_new_session=True,
                    preexec_fn=_end_with_parent,
                )
            except OSError as error:
                raise NotReady(f"{name} cannot be run: {error}") from error
        # Popen returns once exec has succeeded, so this is the moment of exec.
        self.started_at = time.monotonic()
        self.ready_seconds = 0.0
        _running.append(self)

    def wait_ready(self, path: str, seconds: float, asks: Callable[..., Answer] = ask) -> None:
        """Asks for `path` until it answers 200, and notes the seconds from exec to that answer in `ready_seconds`."""
        deadline = self.started_at + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise NotReady(f"{self.name} ended with status {self.process.returncode}: {self._end_of_log()}")
            try:
                if asks(self.port, "GET", path, timeout=seconds).status == 200:
                    self.ready_seconds = time.monotonic() - self.started_at
                    return
            except (OSError, ValueError):
                pass
            time.sleep(POLL_SECONDS)
        raise NotReady(f"{self.name} did not answer GET {path} with 200 within {seconds:.0f} s: {self._end_of_log()}")

    def cpu_ticks(self) -> int:
        """User and system time of all its processes, in clock ticks; that of workers already reaped is in their parent's."""
        return sum(_ticks(fields) for fields in self._session().values())

    def resident_kib(self) -> int:
        """VmRSS of all its processes together, in KiB."""
        total = 0
        for pid in self._session():
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total

    def stop(self) -> None:
        """SIGTERM to the leader, five seconds of grace, then SIGKILL to whatever is left of its session."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        for pid in self._session():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(STOP_SECONDS)
        if self in _running:
            _running.remove(self)

    def _session(self) -> Dict[int, List[str]]:
        return {pid: fields for pid, fields in _process_table().items() if int(fields[3]) == self.process.pid}

    def _end_of_log(self) -> str:
        text = self.log.read_text(errors="replace").strip()
        return text[-600:] if text else "(its log is empty)"


def start_on_free_port(
    name: str,
    command_for: Callable[[int], Sequence[str]],
    ready_path: str,
    directory: pathlib.Path,
    environment_for: Optional[Callable[[int], Dict[str, str]]] = None,
    ready_seconds: float = 20.0,
    asks: Callable[..., Answer] = ask,
) -> Server:
    """Starts a server on a port that was free a moment ago; another program may have taken it since, hence the attempts."""
    failure: Optional[NotReady] = None
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        environment = environment_for(port) if environment_for else None
        server = Server(name, command_for(port), port, directory / f"{name}.log", environment)
        try:
            server.wait_ready(ready_path, ready_seconds, asks)
            return server
        except NotReady as error:
            server.stop()
            failure = error
    assert failure is not None
    raise failure


def free_port() -> int:
    """A port of 127.0.0.1 that the kernel held free at the time of the call."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop_all() -> None:
    """Ends every server still running; called however the script ends."""
    for server in list(_running):
        server.stop()


def clean_environment(**additions: str) -> Dict[str, str]:
    """This process's environment without the settings that the service reads, plus `additions`."""
    settings = ("HOST", "PORT", "LOG_LEVEL", "ENVIRONMENT", "FAST_LANE", "HTTP2")
    kept = {name: value for name, value in os.environ.items() if name not in settings and not name.startswith(("REDIS_", "NEAR_", "OUTAGE_"))}
    return {**kept, **additions}


def all_ticks() -> int:
    """User and system time of every program that this machine shows, ended ones included; kernel threads are left out.

    Of a program that ends, the time moves to the parent that waits for it, so that the sum only grows. /proc/stat would be
    less to read, but whether interrupts are charged to the program that they interrupt is up to how the kernel was built.
    """
    return sum(_ticks(fields) for fields in _process_table().values() if fields[1] != KERNEL_THREADS)


def _ticks(fields: List[str]) -> int:
    """Own user and system time, and that of reaped children."""
    return sum(int(field) for field in fields[11:15])


def _process_table() -> Dict[int, List[str]]:
    """/proc/PID/stat of every process, from the state (field 3 in proc(5)) on."""
    table = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = pathlib.Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        # The command's name stands in parentheses and may hold anything, parentheses and spaces included.
        table[int(entry)] = text[text.rindex(")") + 2 :].split()
    return table


def _end_with_parent() -> None:
    _libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
