"""Processes, port and signals of the server."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from rnn_apps.bundle import find_bundle
from rnn_apps.environment import THREADS
from rnn_apps.errors import ConfigError
from rnn_apps.serving.app import create_app
from rnn_apps.serving.metrics import MULTIPROCESS
from rnn_apps.serving.orphans import MEETING_PLACE, HandedOver, Orphanage, can_hand_over
from rnn_apps.serving.settings import Settings

_LOADING_SECONDS = 120.0
_DOORS = 64
_SWITCH_SECONDS = 0.001  # a model's thread waits so long for the interpreter, between two steps, while requests rush in


def serve(settings: Settings) -> None:
    """Serves saved models until SIGTERM or SIGINT; then what has begun is finished and nothing new is let in.

    Raises:
        RnnAppsError: if a model cannot be served, or the address cannot be listened at.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    sock = bind(settings.host, settings.port)
    if settings.grpc_port:
        bind(settings.host, settings.grpc_port).close()  # tells of a port in use, which gRPC would share
    with _surroundings(settings.workers):
        _run(settings, sock)


def _run(settings: Settings, sock: socket.socket) -> None:
    config = uvicorn.Config(
        create_app(settings) if settings.workers == 1 else partial(_worker_app, settings),
        factory=settings.workers > 1,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        root_path=settings.root_path,
        server_header=False,
        limit_concurrency=settings.limits.max_connections or None,
        timeout_graceful_shutdown=round(settings.limits.timeout) + 1,
    )
    ready = f"Serving {', '.join(settings.models)} at {_url(sock)}"
    if settings.grpc_port:
        ready += f" and, over gRPC, at port {settings.grpc_port}"
    if settings.workers == 1:
        Server(config, ready).run(_doors(sock))
    else:
        for name in settings.models:
            find_bundle(name)  # what is wrong with it is told once, here
        with tempfile.TemporaryDirectory(prefix="rnnapps-metrics-") as folder:
            os.environ[MULTIPROCESS] = folder
            with _orphanage(config, Path(folder)):
                Processes(config, _doors(sock), f"{ready} in {settings.workers} processes").run()


@contextmanager
def _orphanage(config: uvicorn.Config, folder: Path) -> Iterator[None]:
    """Has requests answered whose process dies, where the system can hand them over."""
    if not can_hand_over():
        yield
        return
    path = folder / "orphans.socket"
    orphanage = Orphanage(path)
    os.environ[MEETING_PLACE] = str(path)
    config.http = HandedOver
    try:
        yield
    finally:
        orphanage.close()


def _worker_app(settings: Settings) -> ASGIApp:
    """Returns the application of one of several processes, which ends when the one that started it has died."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def outlive_nobody() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=outlive_nobody, daemon=True).start()
    return create_app(settings)


class Server(uvicorn.Server):
    """A server that says when it is ready, and for which a signal to stop is no failure.

    Args:
        config: uvicorn's.
        ready: what it says.
    """

    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens."""
        await super().startup(sockets)
        print(self._ready, file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops; a second Ctrl-C does not wait for what runs."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


class Processes(Multiprocess):
    """Several servers behind one socket; one that dies is replaced.

    Args:
        config: uvicorn's.
        sockets: what they listen at.
        ready: what is said when all are.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], ready: str) -> None:
        super().__init__(config, sockets)
        self._ready = ready

    def init_processes(self) -> None:
        """Starts them."""
        super().init_processes()
        if all(process.wait_until_ready(_LOADING_SECONDS, self.should_exit) for process in self.processes):
            print(self._ready, file=sys.stderr, flush=True)


def bind(host: str, port: int) -> socket.socket:
    """Takes an address for this process, so that a port in use shows before models are loaded.

    Raises:
        ConfigError: if it is in use or none of this machine.
    """
    try:
        ((family, kind, protocol, _, address), *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {port} on {host} is in use. Choose another --port, or stop what uses it."
            ) from None
        raise ConfigError(f"The server cannot listen at {host}, port {port}: {error.strerror or error}.") from None
    return sock


@contextmanager
def _surroundings(workers: int) -> Iterator[None]:
    """Has this process, and those that it starts, share the processor well; afterwards all is as it was."""
    before, interval = dict(os.environ), sys.getswitchinterval()
    os.environ.setdefault(THREADS, str(_threads(workers)))
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.setswitchinterval(interval)


def _threads(workers: int) -> int:
    """Returns how many threads a run of a graph takes.

    One process leaves a core to its event loop: the threads of a run wait for each other, so one that shares its core
    with a thousand requests stops them all.
    """
    cores = os.cpu_count() or 1
    return max(1, cores - 1 if workers == 1 else cores // workers)


def _doors(sock: socket.socket) -> list[socket.socket]:
    """Returns a socket many times over.

    libuv takes one new connection from a socket in each turn of its loop. When every turn is long, because a thousand
    clients ask at once, new ones would wait for minutes at a single door.
    """
    return [sock, *(sock.dup() for _ in range(_DOORS - 1))]


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
