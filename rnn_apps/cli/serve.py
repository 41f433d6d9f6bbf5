"""`rnnapps serve MODEL ...`: saved models over HTTP."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

import click

from rnn_apps.cli import completion
from rnn_apps.errors import ConfigError, MissingExtraError
from rnn_apps.serving.settings import Limits, Settings

_DEFAULTS = Limits()


def _checked_root_path(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value and not re.fullmatch(r"(/[\w.~-]+)+/?", value):
        raise ConfigError(f"Expected a --root-path such as /rnn. Received: '{value}'")
    return value.rstrip("/")


@click.command("serve")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.models)
@click.option("--host", default=Settings.host, show_default=True, help="Address to listen at; 0.0.0.0 for every one.")
@click.option(
    "--port", default=Settings.port, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--grpc-port", type=click.IntRange(1, 65535), help="Answer over gRPC too, at this port.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes.")
@click.option(
    "--api-key", default="", envvar="RNNAPPS_API_KEY", metavar="KEY", help="Let in only clients that show this key."
)
@click.option("--watch", is_flag=True, help="Take newly saved models while running.")
@click.option("--demo/--no-demo", default=True, show_default=True, help="A page to try the models on, at /.")
@click.option(
    "--root-path",
    default="",
    metavar="/PREFIX",
    callback=_checked_root_path,
    help="Prefix that a proxy in front takes off the paths.",
)
@click.option(
    "--cors", multiple=True, metavar="ORIGIN", help='Let pages of this origin call the server; "*" for all. Repeatable.'
)
@click.option("--access-log/--no-access-log", default=True, show_default=True, help="A line of JSON for each request.")
@click.option(
    "--max-batch",
    default=_DEFAULTS.max_batch,
    show_default=True,
    type=click.IntRange(1),
    help="Inputs that run together at most.",
)
@click.option(
    "--max-delay-ms",
    default=_DEFAULTS.max_delay_ms,
    show_default=True,
    type=click.FloatRange(0, 1000),
    help="How long a batch waits, right after another, to become as large.",
)
@click.option(
    "--max-queue",
    default=_DEFAULTS.max_queue,
    show_default=True,
    type=click.IntRange(1),
    help="Inputs that wait or run, for one model, at most.",
)
@click.option(
    "--timeout",
    default=_DEFAULTS.timeout,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds until a request is given up.",
)
@click.option(
    "--max-body", default=_DEFAULTS.max_body, show_default=True, type=click.IntRange(1), help="Bytes of a request."
)
@click.option(
    "--max-instances",
    default=_DEFAULTS.max_instances,
    show_default=True,
    type=click.IntRange(1),
    help="Inputs of a request at most.",
)
@click.option(
    "--max-text",
    default=_DEFAULTS.max_text,
    show_default=True,
    type=click.IntRange(1),
    help="Characters of an input at most.",
)
@click.option(
    "--max-connections",
    default=_DEFAULTS.max_connections,
    show_default=True,
    type=click.IntRange(0),
    help="Connections of a process beyond which requests get a 503; 0 for no limit.",
)
def command(
    models: tuple[str, ...],
    host: str,
    port: int,
    grpc_port: int | None,
    workers: int,
    api_key: str,
    watch: bool,
    demo: bool,
    root_path: str,
    cors: tuple[str, ...],
    access_log: bool,
    **limits: Any,
) -> None:
    """Serve saved MODELs (names or folders) over HTTP.

    In TensorFlow Serving's REST protocol (/v1/models/NAME:predict) and the Open Inference Protocol
    (/v2/models/NAME/infer); /docs shows how.
    """
    check_serving()
    if grpc_port is not None and not find_spec("grpc"):
        raise MissingExtraError("Serving over gRPC", "grpc")
    from rnn_apps.serving.server import serve

    serve(
        Settings(
            models,
            host=host,
            port=port,
            grpc_port=grpc_port,
            workers=workers,
            api_key=api_key,
            watch=watch,
            demo=demo,
            root_path=root_path,
            cors=cors,
            access_log=access_log,
            limits=Limits(**limits),
        )
    )


def check_serving() -> None:
    """Makes sure that a server can run.

    Raises:
        MissingExtraError: if the extra "serve" is not installed.
    """
    needed = ("fastapi", "orjson", "prometheus_client", "uvicorn")
    if not all(map(find_spec, needed)):
        raise MissingExtraError("Serving", "serve")
