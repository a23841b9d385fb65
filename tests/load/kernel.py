"""What send() itself costs: a process that does nothing but hand the same bytes to as many sockets at the same pace.

No server can deliver for less. `python -m tests.load.kernel` is that process: it prints its port, waits until all have
connected, sends, and prints what it used. `cost_of_sends` starts it and reads what it sends.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from pathlib import Path
from typing import Final

from tests.load.meter import Cores

_ROOT: Final = Path(__file__).resolve().parents[2]
_BACKLOG: Final = 4096


class _Reader(asyncio.Protocol):
    """Takes what comes."""

    def __init__(self) -> None:
        self.read = 0
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.read += len(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(None)


async def cost_of_sends(cores: Cores, *, sockets: int, size: int, rate: float, seconds: float) -> float:
    """Seconds of CPU for handing `size` bytes to all of so many sockets once, at `rate` times a second."""
    times = max(1, round(rate * seconds))
    numbers = [f"--{name}={value}" for name, value in (("sockets", sockets), ("size", size), ("rate", rate))]
    with cores.for_servers():
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.load.kernel", f"--times={times}", *numbers),
            cwd=_ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        loop = asyncio.get_running_loop()
        readers = [(await loop.create_connection(_Reader, "127.0.0.1", port))[1] for _ in range(sockets)]
        used = json.loads(await process.stdout.readline())
        await asyncio.gather(*(reader.ended for reader in readers))
        assert all(reader.read == size * times for reader in readers), "the kernel has lost something"
        return float(used) / times
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _send(connections: list[socket.socket], payload: bytes, rate: float, times: int) -> float:
    """Returns the seconds of CPU that it took."""
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(1, times + 1):
        for connection in connections:
            connection.send(payload)
        time.sleep(max(0, began + number / rate - time.perf_counter()))
    return time.process_time() - cpu


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sockets", type=int, required=True)
    options.add_argument("--size", type=int, required=True, help="bytes")
    options.add_argument("--rate", type=float, required=True, help="times a second")
    options.add_argument("--times", type=int, required=True)
    given = options.parse_args()
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening:
        print(listening.getsockname()[1], flush=True)
        connections = [listening.accept()[0] for _ in range(given.sockets)]
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as servers have it
        print(json.dumps(_send(connections, b"x" * given.size, given.rate, given.times)), flush=True)
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    main()
