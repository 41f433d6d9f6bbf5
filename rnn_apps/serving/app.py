"""The application: routes, errors, and what stands around them."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

import rnn_apps
from rnn_apps.errors import RnnAppsError
from rnn_apps.model import load
from rnn_apps.serving.http import ClientDisconnected, RequestError, refused, reply
from rnn_apps.serving.metrics import ServerMetrics
from rnn_apps.serving.middleware import HeadAsGet, KeyCheck, LoadShedding, Observer
from rnn_apps.serving.models import ServedModels, watch
from rnn_apps.serving.pages import answers, inside
from rnn_apps.serving.pages.demo import DemoPage, begin_import
from rnn_apps.serving.pages.docs import page
from rnn_apps.serving.protocols import openapi, openinference, streaming, tfserving
from rnn_apps.serving.protocols.routes import no_verb
from rnn_apps.serving.settings import Settings

# what glibc's mallopt calls its settings, and bytes from which a block is given back by itself
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 1024 * 1024


def create_app(settings: Settings) -> ASGIApp:
    """Loads the models and returns the application that serves them.

    Raises:
        RnnAppsError: for a model that cannot be served.
    """
    _return_memory()
    if settings.demo:
        begin_import()
    metrics = ServerMetrics()
    models = ServedModels([load(name) for name in settings.models], settings.limits, metrics)
    demo = DemoPage(models, settings.limits) if settings.demo else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(watch(models)) if settings.watch else None
        over_grpc = await _start_grpc(models, settings, metrics) if settings.grpc_port else None
        gc.collect()
        gc.freeze()  # to search what stays for good for garbage, twice a second, stops all requests for 30 ms
        async with demo.lifespan() if demo else nullcontext():
            yield
        gc.unfreeze()
        if over_grpc is not None:
            await over_grpc.stop(settings.limits.timeout)
        if watcher is not None:
            watcher.cancel()
        for served in models.values():
            served.batcher.close()

    app = FastAPI(
        title="RNN Apps",
        version=rnn_apps.__version__,
        description="Saved recurrent models, in TensorFlow Serving's REST protocol and the Open Inference Protocol.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={
            "metrics": False,
            "logs": False,
            "auto_configure": True,
        },  # traces, where the environment asks for them
    )
    for protocol in (tfserving, streaming, openinference):
        app.include_router(protocol.routes(models, settings.limits))
    _add_errors(app)

    describe = app.openapi

    def document() -> dict[str, Any]:
        return openapi.name_models(describe(), models)

    app.openapi = document  # type: ignore[method-assign]

    @app.get("/metrics", tags=["Monitoring"], **openapi.counts("Numbers for Prometheus."))
    async def numbers() -> Response:
        return metrics.response()

    @app.get("/docs", include_in_schema=False)
    async def about(request: Request) -> Response:
        return HTMLResponse(page(document(), models, str(request.base_url).rstrip("/")))

    if demo:
        app.include_router(answers.routes(models, settings.limits))
        app.include_router(inside.routes(models, settings.limits))
        app.mount("/", _Rest(app.router.routes[:], demo))
    else:
        app.get("/", include_in_schema=False)(lambda: RedirectResponse("docs"))
    guarded: ASGIApp = LoadShedding(HeadAsGet(app), models)
    if settings.api_key:
        guarded = KeyCheck(guarded, settings.api_key)
    if settings.cors:
        guarded = CORSMiddleware(
            guarded, settings.cors, allow_methods=["GET", "POST"], allow_headers=["*"], expose_headers=["*"]
        )
    return Observer(guarded, metrics, sys.stderr if settings.access_log else None)


def _return_memory() -> None:
    """Has the C library give back what a large request or a replaced model held; only glibc knows how.

    By default each thread keeps free memory of its own, and large blocks are kept in pieces: a server that has answered
    mixed requests for ten minutes holds half as much again.
    """
    with suppress(OSError, TypeError, AttributeError):  # another C library, or another system
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, 2)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGE)


async def _start_grpc(models: ServedModels, settings: Settings, metrics: ServerMetrics) -> Any:
    from rnn_apps.serving.protocols.inference_grpc import InferenceService  # for which an extra is needed

    return await InferenceService(models, settings, metrics).start()


class _Rest:
    """What is mounted at / answers every path that is no other route's, and only those.

    Args:
        routes: the others.
        app: what answers.
    """

    def __init__(self, routes: Sequence[BaseRoute], app: ASGIApp) -> None:
        self._routes, self._app = routes, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; where a route has the path and another method, that one says so."""
        for route in self._routes if scope["type"] == "http" else ():
            match, found = route.matches(scope)
            if match is Match.PARTIAL:
                scope.update(found)
                await route.handle(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _add_errors(app: FastAPI) -> None:
    """Gives every error the form that both protocols have, `{"error": "..."}`."""

    @app.exception_handler(RequestError)
    async def not_answered(_: Request, refusal: RequestError) -> Response:
        return refused(refusal)

    @app.exception_handler(RnnAppsError)
    async def bad_input(_: Request, error: RnnAppsError) -> Response:
        return reply({"error": str(error)}, 422)

    @app.exception_handler(HTTPException)
    async def bad_route(request: Request, error: HTTPException) -> Response:
        _, colon, verb = request.url.path.rpartition(":")
        if (
            error.status_code == 405 and colon
        ):  # the route of a model has been found, with a verb for a part of its name
            return refused(no_verb(request, verb))
        allowed = (error.headers or {}).get("Allow")
        if error.status_code == 405 and allowed:
            message = f"{request.url.path[:100]} is called with {allowed}. Received {request.method}."
            return reply({"error": message}, 405, error.headers)
        message = f"{error.detail}: {request.method} {request.url.path[:100]}. See /openapi.json for what there is."
        return reply({"error": message}, error.status_code, error.headers)

    @app.exception_handler(ClientDisconnected)
    async def gone(_: Request, __: ClientDisconnected) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def fault(_: Request, __: Exception) -> Response:
        return reply({"error": "The server has failed. Its log says more."}, 500)
