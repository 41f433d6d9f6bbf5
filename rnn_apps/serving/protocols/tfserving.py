"""TensorFlow Serving's REST protocol: `GET /v1/models/NAME`, `/metadata`, `POST :predict`.

Source: https://www.tensorflow.org/tfx/serving/api_rest. Of a prediction with several fields, each is an output: in the
row format (`instances`) a prediction is an object of them, in the column format (`inputs`) each is a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from rnn_apps.serving.http import (
    RequestError,
    check_instances,
    decode_base64,
    in_time,
    kind,
    parse_object,
    read_body,
    reply,
    take_options,
)
from rnn_apps.serving.models import ServedModel, ServedModels, TensorSpec
from rnn_apps.serving.protocols import openapi
from rnn_apps.serving.protocols.routes import add_model_route
from rnn_apps.serving.settings import Limits

_DTYPES = {"BYTES": "DT_STRING", "FP32": "DT_FLOAT", "FP64": "DT_DOUBLE", "INT64": "DT_INT64", "BOOL": "DT_BOOL"}
_KEYS = ("instances", "inputs", "signature_name", "parameters")


def routes(models: ServedModels, limits: Limits) -> APIRouter:
    """Returns the protocol's routes for the models."""
    router = APIRouter(tags=["TensorFlow Serving"])

    @router.get("/v1/models", **openapi.reads("List the models."))
    async def listing() -> Response:
        return reply({"models": [served.description for served in models.values()]})

    async def status(served: ServedModel, _: Request) -> Response:
        return reply(_status(served))

    async def metadata(served: ServedModel, _: Request) -> Response:
        return reply(_metadata(served))

    async def predict(served: ServedModel, request: Request) -> Response:
        return await _predict(served, request, limits)

    available = openapi.reads("Say whether a model is available.", 404)
    described = openapi.reads("Describe what a model takes and gives.", 404)
    add_model_route(router, models, "GET", "/v1/models/{model}", status, available)
    add_model_route(router, models, "GET", "/v1/models/{model}/metadata", metadata, described)
    add_model_route(router, models, "POST", "/v1/models/{model}:predict", predict, openapi.predicts("Answer inputs."))
    return router


async def _predict(served: ServedModel, request: Request, limits: Limits) -> Response:
    request.scope["model"] = served.name
    document = parse_object(await read_body(request, limits))
    instances = read_instances(document, served.input)
    check_instances(instances, limits)
    options = take_options(document.get("parameters"))
    predictions = await in_time(request, limits.timeout, served.answer(instances, options))
    rows = [prediction.model_dump() for prediction in predictions]
    if "instances" in document:
        return reply({"predictions": rows})
    return reply({"outputs": {spec.name: [row.get(spec.name) for row in rows] for spec in served.outputs}})


def read_instances(document: Mapping[str, Any], spec: TensorSpec) -> Sequence[Any]:
    """Returns the inputs of a request, in rows or columns.

    Raises:
        RequestError: with status 422 for a document of another form.
    """
    for key in document:
        if key not in _KEYS:
            raise RequestError(422, f"Expected the keys {', '.join(_KEYS)}. Received '{key[:40]}'.")
    signature = document.get("signature_name", "serving_default")
    if signature not in ("", "serving_default"):
        raise RequestError(422, f"Expected the signature 'serving_default'. Received {str(signature)[:40]!r}.")
    if ("instances" in document) == ("inputs" in document):
        raise RequestError(422, "Expected either instances (a list) or inputs (a list for the column format).")
    rows = document["instances"] if "instances" in document else document["inputs"]
    if "inputs" in document and isinstance(rows, dict) and list(rows) == [spec.name]:
        rows = rows[spec.name]
    if not isinstance(rows, list):
        raise RequestError(422, f"Expected a list of inputs. Received {kind(rows)}.")
    return [_instance(row, spec) for row in rows]


def _instance(row: Any, spec: TensorSpec) -> Any:
    """Takes an input out of `{"text": input}`, and a text out of `{"b64": bytes}`."""
    if isinstance(row, dict) and list(row) == [spec.name]:
        row = row[spec.name]
    if not spec.json and isinstance(row, dict) and list(row) == ["b64"]:
        try:
            return decode_base64(row["b64"]).decode("utf-8")
        except UnicodeDecodeError:
            raise RequestError(422, "Expected base64 of a text in UTF-8 behind b64.") from None
    return row


def _status(served: ServedModel) -> dict[str, Any]:
    status = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": str(served.version), "state": "AVAILABLE", "status": status}]}


def _metadata(served: ServedModel) -> dict[str, Any]:
    signature = {
        "inputs": _tensors([served.input]),
        "outputs": _tensors(served.outputs),
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": served.name, "signature_name": "", "version": str(served.version)},
        "metadata": {
            "signature_def": {"signature_def": {"serving_default": signature}},
            "rnn_apps": served.description,
        },
    }


def _tensors(specs: Sequence[TensorSpec]) -> dict[str, Any]:
    return {
        spec.name: {
            "dtype": _DTYPES[spec.datatype],
            "tensor_shape": {"dim": [{"size": str(size), "name": ""} for size in spec.shape], "unknown_rank": False},
            "name": spec.name,
        }
        for spec in specs
    }
