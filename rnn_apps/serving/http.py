"""Bodies in, answers out: what both protocols do alike."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import orjson
from fastapi import Request, Response

from rnn_apps.serving.limits import Limits, Refusal

JSON = "application/json"
_DEEPEST_OPTIONS = 4
Result = TypeVar("Result")


class ClientGone(Exception):  # noqa: N818 (nobody's fault)
    """The client has hung up before its answer was ready."""


def reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a response with `content` as JSON."""
    return Response(orjson.dumps(content), status, headers, JSON)


async def read_body(request: Request, limits: Limits) -> bytes:
    """Reads the body of a request.

    Raises:
        Refusal: with status 413 if it is too large, with 415 if it is compressed, with 408 if it takes too long.
        ClientGone: if the client hangs up before its end.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise Refusal(415, f"Expected a body as it is. Received one with the content encoding '{encoding[:40]}'.")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limits.max_body:
        raise _too_large(limits.max_body)
    try:
        async with asyncio.timeout(limits.timeout):
            return await _whole_body(request, limits.max_body)
    except TimeoutError:
        raise Refusal(408, f"Expected the whole body within {limits.timeout:g} seconds.") from None


async def _whole_body(request: Request, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"Expected a body of at most {limit:,} bytes. Received more.", {"Connection": "close"})


def parse_object(body: bytes | memoryview) -> dict[str, Any]:
    """Returns the JSON object that a body holds.

    Raises:
        Refusal: with status 400 if it is no JSON, with 422 if it is no object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"Expected a JSON document in UTF-8. The body is none: {error}") from None
    if not isinstance(value, dict):
        raise Refusal(422, f"Expected a JSON object. Received {kind(value)}.")
    return value


def take_options(value: Any) -> dict[str, Any]:
    """Returns the options in a request, none where there are none.

    Raises:
        Refusal: with status 422 if they are no object, or nested deep.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(422, f"Expected the parameters to be a JSON object. Received {kind(value)}.")
    if _is_nested(value, _DEEPEST_OPTIONS):
        raise Refusal(422, f"Expected parameters with at most {_DEEPEST_OPTIONS} lists or objects in each other.")
    return value


def _is_nested(value: Any, depth: int) -> bool:
    """Says whether more than `depth` lists or objects stand in each other."""
    level = [value]
    for _ in range(depth + 1):
        containers = [part for part in level if isinstance(part, dict | list)]
        level = [inner for part in containers for inner in (part.values() if isinstance(part, dict) else part)]
        if not containers:
            return False
    return True


def decode_base64(value: Any) -> bytes:
    """Returns the bytes that a base64 string stands for.

    Raises:
        Refusal: with status 422 if it is none.
    """
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise Refusal(422, "Expected base64 behind b64.")


def kind(value: Any) -> str:
    """Says what kind of JSON value something is."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    names = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names[type(value)]


async def in_time(request: Request, seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Awaits `work`, but no longer than `seconds`, nor longer than the client waits; then it is cancelled.

    The body of the request must have been read.

    Raises:
        Refusal: with status 504 if time is over.
        ClientGone: if the client has hung up.
    """
    task = asyncio.current_task()
    assert task is not None
    waiting = True

    def hung_up(_: asyncio.Future[Any]) -> None:
        if waiting:
            task.cancel()

    watcher = asyncio.ensure_future(request.receive())
    watcher.add_done_callback(hung_up)
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise Refusal(504, f"Expected an answer within {seconds:g} seconds. It took longer and was given up.") from None
    except asyncio.CancelledError:
        if watcher.done():
            task.uncancel()
            raise ClientGone from None
        raise
    finally:
        waiting = False
        watcher.cancel()
