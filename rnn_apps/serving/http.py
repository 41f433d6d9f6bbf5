"""Bodies in, answers out: what both protocols do alike."""

from __future__ import annotations

import asyncio
import base64
import binascii
import codecs
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from fastapi import Request, Response
from starlette.types import Scope

from rnn_apps.serving.settings import Limits

JSON = "application/json"
_DEEPEST_OPTIONS = 4
Result = TypeVar("Result")


class RequestError(Exception):
    """A request that is not answered with predictions.

    Args:
        status: HTTP status.
        message: what was expected, and what came.
        headers: more headers of the response.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


class ClientDisconnected(Exception):
    """The client has hung up before its answer was ready."""


def path_of(scope: Scope) -> str:
    """Returns the path of a request without the prefix that a proxy has taken off (`--root-path`)."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a response with `content` as JSON."""
    return Response(orjson.dumps(content), status, headers, JSON)


def refused(refusal: RequestError) -> Response:
    """Returns the response to a request that is not answered, in the form that both protocols have."""
    return reply({"error": str(refusal)}, refusal.status, refusal.headers)


async def read_body(request: Request, limits: Limits) -> bytes:
    """Reads the body of a request.

    Raises:
        RequestError: with status 413 if it is too large, with 415 if it is compressed, with 408 if it takes too long.
        ClientDisconnected: if the client hangs up before its end.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise RequestError(415, f"Expected a body as it is. Received one with the content encoding '{encoding[:40]}'.")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limits.max_body:
        raise _too_large(limits.max_body)
    try:
        async with asyncio.timeout(limits.timeout):
            return await _whole_body(request, limits.max_body)
    except TimeoutError:
        raise RequestError(408, f"Expected the whole body within {limits.timeout:g} seconds.") from None


async def _whole_body(request: Request, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(limit: int) -> RequestError:
    return RequestError(413, f"Expected a body of at most {limit:,} bytes. Received more.", {"Connection": "close"})


def parse_object(body: bytes | memoryview) -> dict[str, Any]:
    """Returns the JSON object that a body holds.

    Raises:
        RequestError: with status 400 if it is no JSON, with 422 if it is no object.
    """
    try:
        value = orjson.loads(body[3:] if bytes(body[:3]) == codecs.BOM_UTF8 else body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"Expected a JSON document in UTF-8. The body is none: {error}") from None
    if not isinstance(value, dict):
        raise RequestError(422, f"Expected a JSON object. Received {kind(value)}.")
    return value


def take_options(value: Any) -> dict[str, Any]:
    """Returns the options in a request, none where there are none.

    Raises:
        RequestError: with status 422 if they are no object, or nested deep.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RequestError(422, f"Expected the parameters to be a JSON object. Received {kind(value)}.")
    if _is_nested(value, _DEEPEST_OPTIONS):
        raise RequestError(422, f"Expected parameters with at most {_DEEPEST_OPTIONS} lists or objects in each other.")
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
        RequestError: with status 422 if it is none.
    """
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise RequestError(422, "Expected base64 behind b64.")


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
        RequestError: with status 504 if time is over.
        ClientDisconnected: if the client has hung up.
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
        raise RequestError(
            504, f"Expected an answer within {seconds:g} seconds. It took longer and was given up."
        ) from None
    except asyncio.CancelledError:
        if watcher.done():
            task.uncancel()
            raise ClientDisconnected from None
        raise
    finally:
        waiting = False
        watcher.cancel()


def check_instances(instances: Sequence[Any], limits: Limits) -> None:
    """Makes sure that the inputs of a request are neither none, nor too many, nor too long.

    Raises:
        RequestError: with status 422.
    """
    if not instances:
        raise RequestError(422, "Expected at least one input. Received none.")
    if len(instances) > limits.max_instances:
        raise RequestError(422, f"Expected at most {limits.max_instances:,} inputs. Received {len(instances):,}.")
    for number, instance in enumerate(instances, 1):
        length = len(instance) if isinstance(instance, str) else _characters(instance)
        if length > limits.max_text:
            raise RequestError(
                422, f"Input {number}: expected at most {limits.max_text:,} characters. Received {length:,}."
            )


def _characters(value: Any) -> int:
    """Counts the characters of all strings in a JSON value; it may be nested deeper than Python can recurse."""
    count, rest = 0, [value]
    while rest:
        part = rest.pop()
        if isinstance(part, str):
            count += len(part)
        elif isinstance(part, list):
            rest += part
        elif isinstance(part, dict) and list(part) != ["b64"]:  # a file, which the bytes of the body bound
            rest += part.keys()
            rest += part.values()
    return count
