"""The answers on the demo page: `POST /answers/NAME`, from which `answers.js` reads them as they come.

Each line of the response is a JSON string: the HTML of the prediction, or of a part of it, that takes the place of the
one before. Parts that come faster than one can look are left out. Request and response are one, so that any process of
the server can answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from rnn_apps.errors import RnnAppsError
from rnn_apps.html import page_error, page_views
from rnn_apps.serving.http import (
    ClientDisconnected,
    RequestError,
    check_instances,
    in_time,
    parse_object,
    read_body,
    take_options,
)
from rnn_apps.serving.models import ServedModel, ServedModels
from rnn_apps.serving.protocols.streaming import EventStream, next_part
from rnn_apps.serving.settings import Limits

_SECONDS_BETWEEN = 0.1


def routes(models: ServedModels, limits: Limits) -> APIRouter:
    """Returns the route."""
    router = APIRouter(include_in_schema=False)

    @router.post("/answers/{name}")
    async def answers(name: str, request: Request) -> Response:
        served = models.find(name)
        request.scope["model"] = served.name
        document = parse_object(await read_body(request, limits))
        given, options = document.get("given"), take_options(document.get("options"))
        return EventStream(_lines(served, given, options, request, limits), "application/x-ndjson")

    return router


def told(error: Exception) -> str:
    """Returns what went wrong as HTML; a fault of the program goes to the log."""
    if isinstance(error, RnnAppsError | RequestError):
        return page_error(str(error))
    logging.getLogger(__name__).error("The demo page has failed.", exc_info=error)
    return page_error("The server has failed. Its log says more.")


async def _lines(
    served: ServedModel, given: Any, options: dict[str, Any], request: Request, limits: Limits
) -> AsyncGenerator[bytes, None]:
    predictor = served.model.predictor
    try:
        check_instances([given], limits)
        async with aclosing(served.parts(given, options)) as parts:
            last, shown = 0.0, None
            while (part := await in_time(request, limits.timeout, next_part(parts))) is not None:
                shown = part
                if time.monotonic() - last >= _SECONDS_BETWEEN:
                    yield _line(page_views(predictor.views(predictor.from_json(given), part)))
                    last, shown = time.monotonic(), None
            if shown is not None:
                yield _line(page_views(predictor.views(predictor.from_json(given), shown)))
    except ClientDisconnected:
        return
    except Exception as error:
        yield _line(told(error))


def _line(text: str) -> bytes:
    return orjson.dumps(text) + b"\n"
