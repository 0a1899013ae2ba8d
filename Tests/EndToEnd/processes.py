"""The built program and a redis-server of a test's own, on ports that the kernel chose."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from typing import Dict, List, Optional

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = REPOSITORY / ".build/debug/redis-caching-agent"
REDIS_SERVER = pathlib.Path("/usr/bin/redis-server")
READY_SECONDS = 30
# As CLUSTER KEYSLOT says.
KEY_IN_SLOT_3 = "key:69287"


class Agent:
    """The program, with these settings. Its log is kept."""

    def __init__(self, **settings: str):
        environment = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": "0", "SWIFT_BACKTRACE": "enable=no", **settings}
        self.process = subprocess.Popen([str(PROGRAM)], env=environment, stderr=subprocess.PIPE, text=True)
        self.log = []
        self._serving = threading.Event()
        self.port = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._serving.wait(READY_SECONDS):
            self.stop()
            raise RuntimeError("the program did not start:\n" + "".join(self.log))

    def _read(self) -> None:
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"serving on port (\d+)", line)
            if found:
                self.port = int(found.group(1))
                self._serving.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **fields: str) -> str:
        """The body of an answer of any status."""
        request = urllib.request.Request(self.url + path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def set(self, key: str, value: str, ttl: Optional[int] = None) -> None:
        """Stores a value, given as JSON text."""
        body = f'{{"key":"{key}","value":{value}' + (f',"ttl":{ttl}' if ttl else "") + "}"
        request = urllib.request.Request(self.url + "/cache", data=body.encode(), headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

    def wait_for(self, text: str) -> None:
        """Until /health says so. An idle service notices a silent Redis only when it is asked for something."""
        deadline = time.monotonic() + READY_SECONDS
        while text not in self.get("/health"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {text} in {self.get('/health')}")
            self.get("/cache/anything")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stderr.close()


class Redis:
    """A redis-server without persistence."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="redis-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = None
        self.start()

    @property
    def settings(self) -> Dict[str, str]:
        return {"REDIS_URL": f"redis://127.0.0.1:{self.port}"}

    def options(self) -> List[str]:
        """Further ones of redis-server."""
        return []

    def start(self) -> None:
        command = [str(REDIS_SERVER), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.directory.name, *self.options()]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError("redis-server did not start")
                time.sleep(0.02)

    def hang(self) -> None:
        """It keeps its connections and answers nobody."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.kill()
        self.directory.cleanup()


class RedisCluster(Redis):
    """A cluster of one node, which has all slots."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.bus = probe.getsockname()[1]
        super().__init__()
        self.command("CLUSTER ADDSLOTSRANGE 0 16383")

    def options(self) -> List[str]:
        return ["--cluster-enabled", "yes", "--cluster-port", str(self.bus), "--cluster-require-full-coverage", "no"]

    def command(self, line: str) -> None:
        """One that is answered with OK."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(line.encode() + b"\r\n")
            reply = connection.recv(100)
        if reply != b"+OK\r\n":
            raise RuntimeError(f"{line}: {reply.decode()}")
