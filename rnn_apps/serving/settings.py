"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field

from rnn_apps.serving.limits import Limits


@dataclass(frozen=True)
class Settings:
    """Settings of a server; each of its processes gets them whole.

    Attributes:
        models: names or folders of saved models.
        host: address to listen at.
        port: port to listen at; 0 takes a free one.
        workers: processes.
        api_key: what clients must show; empty for none.
        watch: whether newly saved models are taken while the server runs.
        demo: whether there is a page to try the models on.
        access_log: whether each request is logged.
        limits: bounds.
    """

    models: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    api_key: str = ""
    watch: bool = False
    demo: bool = True
    access_log: bool = True
    limits: Limits = field(default_factory=Limits)
