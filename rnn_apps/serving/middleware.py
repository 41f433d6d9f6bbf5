"""Around every request: is the client let in, how long did it take, what is written down."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rnn_apps.serving.http import path_of, refused, reply
from rnn_apps.serving.metrics import ServerMetrics
from rnn_apps.serving.models import ServedModels

_OPEN = ("/v2/health/live", "/v2/health/ready")
_HUNG_UP = 499
_OF_A_MODEL = re.compile("/v[12]/models/([^/:]+)")


class HeadAsGet:
    """Answers HEAD wherever GET is answered, without the body (RFC 9110, section 9.3.2).

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            scope["method"] = "HEAD"  # the server looks, too
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)
            scope["method"] = "GET"

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, without_body)
        finally:
            scope["method"] = "HEAD"


class Observer:
    """Measures each request, and writes a line of JSON about it: never its text.

    Args:
        app: what answers.
        metrics: what counts.
        log: where the lines go; None for nowhere.
    """

    def __init__(self, app: ASGIApp, metrics: ServerMetrics, log: TextIO | None) -> None:
        self.app, self._metrics, self._log = app, metrics, log
        self._lines: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)  # from the start to the end of the server
            self._flush()
            return
        begin = time.perf_counter()
        status, size = _HUNG_UP, 0

        async def watch(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            seconds = time.perf_counter() - begin
            route = getattr(scope.get("route"), "path", "")
            self._metrics.request(scope.get("model", ""), route, status, seconds)
            if self._log is not None:
                self._write(_line(scope, status, size, seconds))

    def _write(self, line: str) -> None:
        """Writes the lines of a twentieth of a second together: alone, each costs as much as to refuse a request."""
        if not self._lines:
            asyncio.get_running_loop().call_later(0.05, self._flush)
        self._lines.append(line)

    def _flush(self) -> None:
        if self._log is not None and self._lines:
            self._log.write("".join(self._lines))
            self._log.flush()
            self._lines.clear()


def _line(scope: Scope, status: int, size: int, seconds: float) -> str:
    facts = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "client": scope["client"][0] if scope.get("client") else "",
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "ms": round(seconds * 1000, 2),
        "bytes": size,
    }
    return orjson.dumps(facts).decode() + "\n"


class LoadShedding:
    """Refuses work for a model that has as much of it as it takes, before anything of the request is read.

    Under overload most requests end here, so that the cores are left to those that are answered.

    Args:
        app: what answers.
        models: the models of the server.
    """

    def __init__(self, app: ASGIApp, models: ServedModels) -> None:
        self.app, self._models = app, models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or refuses it with status 503."""
        if scope["type"] == "http" and scope["method"] == "POST":
            path = _OF_A_MODEL.match(path_of(scope))
            served = self._models.get(path[1]) if path else None
            if served is not None and served.batcher.full:
                scope["model"] = served.name
                await refused(served.batcher.overloaded())(scope, receive, send)
                return
        await self.app(scope, receive, send)


class KeyCheck:
    """Lets in only who shows the key: as a bearer token, in X-API-Key, or as the password that a browser asks for.

    The health of the server is told to anyone.

    Args:
        app: what answers.
        key: the key.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app, self._key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or refuses it with status 401."""
        if scope["type"] != "http" or path_of(scope) in _OPEN or shows_key(scope["headers"], self._key):
            await self.app(scope, receive, send)
            return
        message = "Expected the API key, as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'. It is missing or wrong."
        response = reply({"error": message}, 401, {"WWW-Authenticate": 'Basic realm="RNN Apps, the key as password"'})
        await response(scope, receive, send)


def shows_key(headers: Iterable[tuple[bytes, bytes]], key: bytes) -> bool:
    """Says whether a key stands in one of the headers where it may stand."""
    return any(hmac.compare_digest(shown, key) for shown in _keys(headers))


def _keys(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, value in headers:
        if name == b"x-api-key":
            yield value
        elif name == b"authorization":
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() == b"bearer":
                yield rest.strip()
            elif scheme.lower() == b"basic":
                try:
                    yield base64.b64decode(rest, validate=True).partition(b":")[2]
                except (binascii.Error, ValueError):
                    continue
