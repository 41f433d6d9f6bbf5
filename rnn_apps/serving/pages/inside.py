"""Looking inside a model on the demo page: `POST /inside/NAME` gives the page of `rnnapps inspect` for one input.

It runs in the model's thread like every answer, ends with the client's patience, and needs no TensorFlow.
"""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from rnn_apps.html import escape
from rnn_apps.inspection import Inspection, inspect
from rnn_apps.inspection.page import inspection_page
from rnn_apps.model import Model
from rnn_apps.serving.http import ClientDisconnected, check_instances, in_time, parse_object, read_body
from rnn_apps.serving.models import ServedModel, ServedModels
from rnn_apps.serving.pages.answers import told
from rnn_apps.serving.settings import Limits

MOST_STEPS = 1000
"""Longer inputs are looked into with the command line."""


def routes(models: ServedModels, limits: Limits) -> APIRouter:
    """Returns the route."""
    router = APIRouter(include_in_schema=False)

    @router.post("/inside/{name}")
    async def inside(name: str, request: Request) -> Response:
        served = models.find(name)
        request.scope["model"] = served.name
        given = parse_object(await read_body(request, limits)).get("given")
        try:
            check_instances([given], limits)
            shown = _frame(inspection_page(await in_time(request, limits.timeout, _look(served, given))))
        except ClientDisconnected:
            raise
        except Exception as error:
            shown = told(error)
        return Response(orjson.dumps(shown) + b"\n", media_type="application/x-ndjson")

    return router


async def _look(served: ServedModel, given: Any) -> Inspection:
    return await served.call(lambda model: _inspected(model, given), given)


def _inspected(model: Model, given: Any) -> Inspection:
    return inspect(model, [model.predictor.from_json(given)], most_steps=MOST_STEPS)


def _frame(page: str) -> str:
    return f'<iframe class="inside" title="Inside the model" srcdoc="{escape(page)}"></iframe>'
