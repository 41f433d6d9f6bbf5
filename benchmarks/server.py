"""A server in a process of its own, and load on it; for `serving.py` and `serving_faults.py`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent


@contextmanager
def running(command: list[str], port: int, health: str) -> Iterator[tuple[psutil.Process, float]]:
    """Starts a server; gives its process and the seconds until it was ready."""
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while not answers(f"http://127.0.0.1:{port}{health}"):
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"{command} has ended: {log.read().decode()[-2000:]}")
                time.sleep(0.005)
            yield psutil.Process(process.pid), time.perf_counter() - start
        finally:
            ended = process.poll() is not None  # a benchmark may have stopped it itself
            children = [] if ended else psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(60)
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()


def answers(url: str) -> bool:
    """Says whether a GET is answered with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def memory_mb(process: psutil.Process) -> float:
    """Returns the resident memory of a process and its children, in 10^6 bytes."""
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family) / 1e6


def load(bodies: Path, url: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "load.py"), str(bodies), url, *arguments], stdout=subprocess.PIPE
    )


def finish(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Returns what the load tells at its end."""
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit("The load has failed.")
    result: dict[str, Any] = json.loads(output)
    return result
