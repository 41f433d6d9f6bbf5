"""One run at a time for one output: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rnn_apps.errors import OutputError


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Holds the lock of an output while the block runs.

    Raises:
        OutputError: if another process holds it; it says which.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    path = output.with_name(f".{output.name}.lock")
    lock = FileLock(path, timeout=0)
    while not path.exists() or not lock.is_locked:  # who held it may have removed the file meanwhile
        lock.release()
        try:
            lock.acquire()
        except Timeout:
            raise OutputError(
                f"Another run works on {output} ({_holder(path)}). Wait for it, or choose another --output."
            ) from None
    with suppress(OSError):  # a full disk is told where it matters
        path.write_text(f"process {os.getpid()} on {platform.node()}, since {time.strftime('%H:%M:%S')}", "utf-8")
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        lock.release()


def _holder(path: Path) -> str:
    try:
        return path.read_text("utf-8") or "which has just begun"
    except OSError:
        return "which has just ended"
