"""What the OpenAPI document says of the routes, whose bodies are read without FastAPI's help, for speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import PlainTextResponse

from rnn_apps.inference.options import json_schema
from rnn_apps.serving.models import ServedModel

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "what was expected, and what came"}},
}
_PARAMETERS = {"$ref": "#/components/schemas/Options"}
_JSON_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_REASONS = {
    400: "The body is no JSON document.",
    401: "The API key is missing or wrong.",
    404: "There is no such model or version.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is compressed.",
    422: "The document has another form than expected, or an input cannot be used.",
    503: "Too many inputs wait already, see Retry-After.",
    504: "The answer took too long.",
}
_PREDICTING = (400, 401, 404, 408, 413, 415, 422, 503, 504)


def name_models(document: dict[str, Any], models: Mapping[str, ServedModel]) -> dict[str, Any]:
    """Returns an OpenAPI document with the names of the models where a path asks for one, and with their options."""
    for methods in document["paths"].values():
        for route in methods.values():
            for parameter in route.get("parameters", ()):
                if parameter["name"] == "name":
                    parameter["schema"] = {"type": "string", "enum": list(models)}
    options = {"description": "what can be chosen", "anyOf": [_options(served) for served in models.values()]}
    document.setdefault("components", {}).setdefault("schemas", {})["Options"] = options
    return document


def _options(served: ServedModel) -> dict[str, Any]:
    predictor = served.model.predictor
    schema = json_schema(predictor.ClientOptions or predictor.Options)
    return schema | {"title": f"Options of {served.name}", "additionalProperties": True}


def reads(summary: str, *statuses: int) -> dict[str, Any]:
    """Returns FastAPI's arguments for a route that only reads."""
    return {"summary": summary, "responses": _responses(_JSON_OBJECT, (401, *statuses))}


def counts(summary: str) -> dict[str, Any]:
    """Returns FastAPI's arguments for `/metrics`."""
    return {
        "summary": summary,
        "responses": _responses({"text/plain": {}}, (401,)),
        "response_class": PlainTextResponse,
    }


def predicts(summary: str) -> dict[str, Any]:
    """Returns FastAPI's arguments for `:predict`."""
    formats = [_inputs_under("instances"), _inputs_under("inputs")]
    return _posts(summary, {"application/json": {"schema": {"oneOf": formats}}}, _responses(_JSON_OBJECT, _PREDICTING))


def infers(summary: str) -> dict[str, Any]:
    """Returns FastAPI's arguments for `/infer`."""
    tensor = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "parameters": {"type": "object"},
            "data": {"type": "array"},
        },
        "required": ["name", "datatype", "shape"],
    }
    wanted = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "parameters": {"type": "object"}},
        "required": ["name"],
    }
    body = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "parameters": _PARAMETERS,
            "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": tensor},
            "outputs": {"type": "array", "items": wanted},
        },
        "required": ["inputs"],
    }
    return _posts(summary, {"application/json": {"schema": body}}, _responses(_JSON_OBJECT, _PREDICTING))


def streams(summary: str) -> dict[str, Any]:
    """Returns FastAPI's arguments for `:stream`."""
    body = {
        "type": "object",
        "properties": {"instances": {"type": "array", "minItems": 1, "maxItems": 1}, "parameters": _PARAMETERS},
        "required": ["instances"],
        "additionalProperties": False,
    }
    content = {"application/json": {"schema": body}, "text/plain": {"schema": {"type": "string"}}}
    return _posts(summary, content, _responses({"text/event-stream": {"schema": {"type": "object"}}}, _PREDICTING))


def _inputs_under(key: str) -> dict[str, Any]:
    rows = {"type": "array", "minItems": 1, "items": {}}
    return {
        "type": "object",
        "properties": {key: rows, "signature_name": {"const": "serving_default"}, "parameters": _PARAMETERS},
        "required": [key],
        "additionalProperties": False,
    }


def _posts(summary: str, content: Mapping[str, Any], responses: dict[int | str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": responses,
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
    }


def _responses(content: Mapping[str, Any], refusals: tuple[int, ...]) -> dict[int | str, Any]:
    found: dict[int | str, Any] = {200: {"description": "OK", "content": content}}
    for status in refusals:
        found[status] = {"description": _REASONS[status], "content": {"application/json": {"schema": _ERROR}}}
    return found
