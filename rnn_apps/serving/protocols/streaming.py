"""Answers as server-sent events, a part at a time: `POST /v1/models/NAME:stream`.

With a JSON body, `{"instances": [input]}`, each event is a part of the prediction, as `Predictor.stream` yields them,
and the last one the whole. With a text as the body (`text/plain`), sent in pieces while somebody types, each event is
the prediction for what has come so far. `event: done` ends both; `event: error` says what went wrong on the way.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from rnn_apps.errors import RnnAppsError
from rnn_apps.inference.predictor import Prediction
from rnn_apps.serving.http import RequestError, check_instances, in_time, parse_object, read_body, take_options
from rnn_apps.serving.models import ServedModel, ServedModels
from rnn_apps.serving.protocols import openapi
from rnn_apps.serving.protocols.tfserving import read_instances
from rnn_apps.serving.settings import Limits

_DONE = b"event: done\ndata: {}\n\n"

Events = AsyncGenerator[bytes, None]
Parts = AsyncGenerator[Prediction, None]


class EventStream(Response):
    """A response that sends events as they come.

    Args:
        events: each as it goes over the wire.
        media_type: of the whole.
    """

    def __init__(self, events: Events, media_type: str = "text/event-stream") -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, media_type=media_type)
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events; they are closed in any case."""
        async with aclosing(self._events) as events:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def routes(models: ServedModels, limits: Limits) -> APIRouter:
    """Returns the route that streams."""
    router = APIRouter(tags=["Streaming"])

    @router.post(
        "/v1/models/{name}:stream",
        response_class=EventStream,
        status_code=200,
        **openapi.streams("Answer one input in parts, as they come."),
    )
    async def stream(name: str, request: Request) -> Response:
        served = models.find(name)
        request.scope["model"] = served.name
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/plain":
            if served.input.name != "text":
                raise RequestError(422, f"The model '{name}' does not take texts. Expected a JSON body.")
            return EventStream(_typed(served, request, limits))
        document = parse_object(await read_body(request, limits))
        instances = read_instances(document, served.input)
        check_instances(instances, limits)
        if len(instances) > 1:
            raise RequestError(422, f"Expected one input to stream the answer of. Received {len(instances):,}.")
        parts = served.parts(instances[0], take_options(document.get("parameters")))
        first = await in_time(request, limits.timeout, next_part(parts))  # what is wrong with the input shows here
        return EventStream(_parts(parts, first, request, limits))

    return router


async def next_part(parts: Parts) -> Prediction | None:
    """Returns the next part, or None where there is none."""
    return await anext(parts, None)


async def _parts(parts: Parts, first: Prediction | None, request: Request, limits: Limits) -> Events:
    """Yields an event for each part, until the client hangs up."""
    gone = asyncio.ensure_future(request.receive())
    async with aclosing(parts):
        part = first
        try:
            while part is not None and not gone.done():
                yield _event(part)
                async with asyncio.timeout(limits.timeout):
                    part = await next_part(parts)
            yield _DONE
        except (TimeoutError, RnnAppsError, RequestError) as error:
            yield _error(error, limits)
        finally:
            gone.cancel()


async def _typed(served: ServedModel, request: Request, limits: Limits) -> Events:
    """Yields a prediction for the text so far whenever more of it has come.

    What comes while one prediction runs is answered together by the next. Whoever types nothing for as long as the time
    limit has finished.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    text, answered, more = "", "", True
    try:
        while more:
            try:
                async with asyncio.timeout(limits.timeout):
                    message = await request.receive()
            except TimeoutError:
                break
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
            text += decode(message.get("body", b""), not more)
            if text.strip() == answered:
                continue
            answered = text.strip()
            check_instances([text], limits)
            try:
                async with asyncio.timeout(limits.timeout):
                    (prediction,) = await served.answer([text], {})
                yield _event(prediction)
            except RnnAppsError as error:  # a text may begin with what is none yet
                yield _error(error, limits)
        yield _DONE
    except (TimeoutError, RequestError) as error:
        yield _error(error, limits)


def _event(prediction: Prediction) -> bytes:
    return b"data: " + orjson.dumps(prediction.model_dump()) + b"\n\n"


def _error(error: Exception, limits: Limits) -> bytes:
    message: Any = str(error) or f"Expected a part within {limits.timeout:g} seconds. It took longer and was given up."
    return b"event: error\ndata: " + orjson.dumps({"error": message}) + b"\n\n"
