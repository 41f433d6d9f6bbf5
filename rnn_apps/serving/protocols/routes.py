"""Routes of a model: each is declared once, and stands both for the model and for a version of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from rnn_apps.errors import did_you_mean
from rnn_apps.serving.http import RequestError
from rnn_apps.serving.models import ServedModel, ServedModels

Handler = Callable[[ServedModel, Request], Awaitable[Response]]


VERBS = ("predict", "stream")
"""What stands behind the colon of a model's path, and is called with POST."""


def no_verb(request: Request, verb: str) -> RequestError:
    """What is answered where a verb is called with another method, or is none."""
    if verb in VERBS:
        return RequestError(405, f":{verb} is called with POST. Received {request.method}.", {"Allow": "POST"})
    known = ", ".join(f":{own}" for own in VERBS)
    return RequestError(404, f"There is no verb ':{verb[:40]}'.{did_you_mean(verb, VERBS)} There are: {known}.")


def add_model_route(
    router: APIRouter, models: ServedModels, method: str, path: str, handler: Handler, about: dict[str, Any]
) -> None:
    """Adds a route for a model, and one for a version of it.

    Args:
        router: where they go.
        models: where the model is looked up.
        method: "GET" or "POST".
        path: with `{model}` where the model stands, such as "/v1/models/{model}/metadata".
        handler: answers for the model that was found.
        about: FastAPI's arguments for the route, as `rnn_apps.serving.protocols.openapi` makes them.
    """

    async def latest(name: str, request: Request) -> Response:
        model, colon, verb = name.partition(":")
        if method == "GET" and colon and model in models:  # the path of a verb, and not that of a model
            raise no_verb(request, verb)
        return await handler(models.find(name), request)

    async def versioned(name: str, version: str, request: Request) -> Response:
        return await handler(models.find(name, version), request)

    same = about | {"summary": "The same for a version."}
    router.add_api_route(path.replace("{model}", "{name}"), latest, methods=[method], **about)
    router.add_api_route(path.replace("{model}", "{name}/versions/{version}"), versioned, methods=[method], **same)
