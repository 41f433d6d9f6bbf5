"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Bounds of a server.

    Attributes:
        max_batch: inputs that run together at most.
        max_delay_ms: how long a batch waits for as many inputs as the last one had, at most, in milliseconds.
        max_queue: inputs that wait or run, for one model.
        timeout: seconds until a request is given up.
        max_body: bytes of a request's body.
        max_instances: inputs of one request.
        max_text: characters of one input.
        max_connections: connections and requests at a time, of each process; 0 for any number.
    """

    max_batch: int = 64
    max_delay_ms: float = 2.0
    max_queue: int = 256
    timeout: float = 30.0
    max_body: int = 4 * 2**20
    max_instances: int = 1024
    max_text: int = 20_000
    max_connections: int = 0


@dataclass(frozen=True)
class Settings:
    """Settings of a server; each of its processes gets them whole.

    Attributes:
        models: names or folders of saved models.
        host: address to listen at.
        port: port to listen at; 0 takes a free one.
        grpc_port: port for gRPC; None for none.
        workers: processes.
        api_key: what clients must show; empty for none.
        watch: whether newly saved models are taken while the server runs.
        demo: whether there is a page to try the models on.
        root_path: prefix of the paths under which a proxy hands requests on, which it takes off; "" for none.
        cors: origins of pages that may call the server from a browser; "*" for all.
        access_log: whether each request is logged.
        limits: bounds.
    """

    models: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    grpc_port: int | None = None
    workers: int = 1
    api_key: str = ""
    watch: bool = False
    demo: bool = True
    root_path: str = ""
    cors: tuple[str, ...] = ()
    access_log: bool = True
    limits: Limits = field(default_factory=Limits)
