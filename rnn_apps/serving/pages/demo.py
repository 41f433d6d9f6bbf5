"""The page at `/`: made beside the models, so that it keeps nobody waiting, neither visitors nor clients."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from threading import Thread

from fastapi import FastAPI, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rnn_apps.serving.http import RequestError, path_of
from rnn_apps.serving.models import ServedModels
from rnn_apps.serving.settings import Limits

_PATHS = ("/assets/", "/static/", "/gradio_api/run/", "/gradio_api/upload")
_FILES = ("/", "/config", "/theme.css", "/favicon.ico", "/gradio_api/startup-events", "/gradio_api/info")
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; frame-ancestors 'self'"
)
_FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>RNN Apps</title>{head}
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="font: 1.1rem system-ui, sans-serif; max-width: 40rem; margin: 20vh auto; padding: 0 1rem">
<h1 style="font-size: 1.5rem">RNN Apps</h1>{body}</body></html>"""
_MISSING = _FRAME.format(
    head="",
    body="<p>The server is running. This page needs packages that are not installed. Run:</p>"
    '<pre>pip install "rnn-apps[demo]"</pre><p>and start the server again. '
    '<a href="docs">What else the server answers</a></p>',
)
_BROKEN = _FRAME.format(head="", body="<p>The server is running, but this page cannot be made. Its log says why.</p>")


def begin_import() -> None:
    """Reads the code of the page, which takes longer than to load a model, in a thread of its own."""
    if find_spec("gradio"):
        Thread(target=import_module, args=["rnn_apps.serving.pages.tabs"], daemon=True).start()


class DemoPage:
    """Answers with the page, to be mounted where no other route is.

    Args:
        models: the models; each has a tab.
        limits: the server's.
    """

    def __init__(self, models: ServedModels, limits: Limits) -> None:
        self._limits = limits
        self._app: FastAPI | None = None
        self._page: ASGIApp = _html(_MISSING)
        if find_spec("gradio"):
            try:
                self._page = self._app = _make(models, limits)
            except Exception:
                logging.getLogger(__name__).exception("The page at / cannot be made.")
                self._page = _html(_BROKEN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request.

        Raises:
            HTTPException: with status 404 if the path is none of the page's.
            RequestError: with status 413 if the body is too large.
        """
        path = path_of(scope) or "/"
        if scope["type"] != "http" or not (path in _FILES or path.startswith(_PATHS)):
            raise HTTPException(404)
        await self._page(scope, _limited(scope, receive, self._limits.max_body), _guarded(send))

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Stands around the time in which the server answers."""
        async with self._app.router.lifespan_context(self._app) if self._app else nullcontext():
            yield


def _make(models: ServedModels, limits: Limits) -> FastAPI:
    from rnn_apps.serving.pages.tabs import mount_tabs

    app = FastAPI(openapi_url=None)
    mount_tabs(app, models, limits)
    return app


def _html(text: str) -> Response:
    return Response(text, media_type="text/html", headers={"Cache-Control": "no-store"})


def _limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Counts the bytes of a body as it comes, and refuses one that says at once that it is too large."""
    refusal = RequestError(413, f"Expected a body of at most {limit:,} bytes. Received more.", {"Connection": "close"})
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise refusal
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise refusal
        return message

    return counted


def _guarded(send: Send) -> Send:
    """Tells the browser to fetch nothing from anywhere else.

    Gradio fails at requests that its own page never makes; what the models do wrong shows on the page. So its failures
    are those of a client.
    """

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"content-security-policy", _POLICY.encode())]
            message["status"] = 400 if message["status"] == 500 else message["status"]
        await send(message)

    return sent
