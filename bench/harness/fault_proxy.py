"""A TCP proxy in a process of its own, which can hold back, delay or falsify what it carries. Commands come by standard input, one a line:
`pass`, `hold`, `garbage`, `delay MILLISECONDS` (towards Redis and back alike), or `narrow BYTES` (replies of all connections together, a second)."""

import asyncio
import os
import pathlib
import socket
import subprocess
import sys

from .process import Server, clean_environment


class FaultProxy:
    """The proxy as its user sees it."""

    def __init__(self, target_port: int, directory: pathlib.Path):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            os.set_inheritable(listener.fileno(), True)
            self.port = listener.getsockname()[1]
            command = [sys.executable, "-m", "harness.fault_proxy", str(listener.fileno()), str(target_port)]
            folder = pathlib.Path(__file__).resolve().parent.parent
            self.process = subprocess.Popen(
                command, cwd=folder, env=clean_environment(), stdin=subprocess.PIPE, pass_fds=[listener.fileno()], text=True
            )
        self.url = f"redis://127.0.0.1:{self.port}"

    def command(self, line: str) -> None:
        """Changes what happens to the bytes from now on."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """Ends it: it ends with its standard input too."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


class _Carrier:
    def __init__(self, target_port: int):
        self.target_port = target_port
        self.delay = 0.0
        self.bytes_per_second = 0.0
        self.free_at = 0.0
        self.is_garbage = False
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def read_commands(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().split():
            self.is_garbage = line[0] == "garbage"
            self.delay = float(line[1]) / 1000 if line[0] == "delay" else 0.0
            self.bytes_per_second = float(line[1]) if line[0] == "narrow" else 0.0
            self.is_open.clear() if line[0] == "hold" else self.is_open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.carry(reader, server_writer, False), self.carry(server_reader, writer, True))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_reply: bool) -> None:
        """Reads without waiting for what is delayed, and delivers in order."""
        queue: asyncio.Queue = asyncio.Queue()
        delivery = asyncio.create_task(self.deliver(queue, writer, is_reply))
        clock = asyncio.get_running_loop().time
        try:
            while data := await reader.read(65536):
                queue.put_nowait((clock() + self.delay, os.urandom(len(data)) if is_reply and self.is_garbage else data))
        except OSError:
            pass
        queue.put_nowait((clock(), b""))
        await delivery

    async def deliver(self, queue: asyncio.Queue, writer: asyncio.StreamWriter, is_reply: bool) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            if due > clock():
                await asyncio.sleep(due - clock())
            await self.is_open.wait()
            if not data:
                writer.close()
                return
            while is_reply and data and self.bytes_per_second and not writer.is_closing():
                # A hundredth of a second's worth at a time, one connection after the other.
                size = max(1, int(self.bytes_per_second / 100))
                begin = max(self.free_at, clock())
                self.free_at = begin + min(size, len(data)) / self.bytes_per_second
                await asyncio.sleep(begin - clock())
                writer.write(data[:size])
                data = data[size:]
            if data and not writer.is_closing():
                writer.write(data)


async def _main(descriptor: int, target_port: int) -> None:
    carrier = _Carrier(target_port)
    server = await asyncio.start_server(carrier.serve, sock=socket.socket(fileno=descriptor))
    async with server:
        await carrier.read_commands()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
