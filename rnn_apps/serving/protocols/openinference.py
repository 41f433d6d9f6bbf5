"""The Open Inference Protocol, version 2: `/v2/health`, `/v2/models/NAME`, `/infer`.

Source: https://github.com/kserve/open-inference-protocol, with Triton's extension for binary tensor data. A text is an
element of a BYTES tensor; each field of a prediction is an output tensor, and one that is no plain value holds JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

import rnn_apps
from rnn_apps.inference.predictor import Prediction
from rnn_apps.serving.http import (
    RequestError,
    check_instances,
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
from rnn_apps.serving.protocols.tensors import describe, read_tensor, write_tensor
from rnn_apps.serving.settings import Limits

# parameters that the protocol and its extensions name, and that are no options of a model
_PROTOCOL_PARAMETERS = frozenset(
    {"content_type", "headers", "priority", "timeout", "sequence_id", "sequence_start", "sequence_end"}
)
SERVER = {"name": "rnn-apps", "version": rnn_apps.__version__, "extensions": ["binary_tensor_data"]}
_JSON_LENGTH = "Inference-Header-Content-Length"


def routes(models: ServedModels, limits: Limits) -> APIRouter:
    """Returns the protocol's routes for the models."""
    router = APIRouter(tags=["Open Inference Protocol"])

    @router.get("/v2", **openapi.reads("Describe the server."))
    async def server() -> Response:
        return reply(SERVER)

    @router.get("/v2/health/live", **openapi.reads("Say that the server runs."))
    async def live() -> Response:
        return reply({"live": True})

    @router.get("/v2/health/ready", **openapi.reads("Say that every model answers."))
    async def ready() -> Response:
        return reply({"ready": True})

    async def metadata(served: ServedModel, _: Request) -> Response:
        return reply(metadata_of(served))

    async def model_ready(served: ServedModel, _: Request) -> Response:
        return reply({"name": served.name, "ready": True})

    async def infer(served: ServedModel, request: Request) -> Response:
        return await _infer(served, request, limits)

    described = openapi.reads("Describe what a model takes and gives.", 404)
    answers = openapi.reads("Say that a model answers.", 404)
    add_model_route(router, models, "GET", "/v2/models/{model}", metadata, described)
    add_model_route(router, models, "GET", "/v2/models/{model}/ready", model_ready, answers)
    add_model_route(router, models, "POST", "/v2/models/{model}/infer", infer, openapi.infers("Answer inputs."))
    return router


@dataclass(frozen=True)
class Inference:
    """What a request for inference asks, over HTTP or gRPC.

    Attributes:
        instances: the inputs.
        options: the model's.
        seconds: how long it may take.
        outputs: which are wanted, and whether each as binary data.
    """

    instances: list[Any]
    options: dict[str, Any]
    seconds: float
    outputs: list[tuple[TensorSpec, bool]]


def read_inference(document: Mapping[str, Any], data: memoryview, served: ServedModel, limits: Limits) -> Inference:
    """Returns what a request asks.

    Args:
        document: the request in the form of the protocol's JSON.
        data: binary data of its input.
        served: the model.
        limits: the server's.

    Raises:
        RequestError: with status 422, saying what was expected and what came.
    """
    tensors = document.get("inputs")
    if not isinstance(tensors, list) or len(tensors) != 1:
        count = len(tensors) if isinstance(tensors, list) else kind(tensors)
        raise RequestError(422, f"Expected inputs to be a list of one tensor, '{served.input.name}'. Received {count}.")
    instances = read_tensor(tensors[0], served.input, data)
    check_instances(instances, limits)
    options = take_options(document.get("parameters"))
    binary = options.pop("binary_data_output", False) is True
    seconds = _seconds(options.get("timeout"), limits.timeout)
    options = {name: value for name, value in options.items() if name not in _PROTOCOL_PARAMETERS}
    return Inference(instances, options, seconds, _wanted(document.get("outputs"), served.outputs, binary))


def write_outputs(inference: Inference, predictions: Sequence[Prediction]) -> list[tuple[dict[str, Any], bytes]]:
    """Returns each wanted output in the form of the protocol's JSON, and its binary data."""
    rows = [prediction.model_dump() for prediction in predictions]
    return [write_tensor(spec, [row.get(spec.name) for row in rows], binary) for spec, binary in inference.outputs]


async def _infer(served: ServedModel, request: Request, limits: Limits) -> Response:
    request.scope["model"] = served.name
    body = memoryview(await read_body(request, limits))
    length = _json_length(request, len(body))
    document = parse_object(body[:length])
    inference = read_inference(document, body[length:], served, limits)
    work = served.answer(inference.instances, inference.options)
    written = write_outputs(inference, await in_time(request, inference.seconds, work))
    answer = {"model_name": served.name, "model_version": str(served.version), "outputs": [part for part, _ in written]}
    if type(document.get("id")) in (str, int):
        answer["id"] = document["id"]
    data = b"".join(part for _, part in written)
    if not data:
        return reply(answer)
    head = orjson.dumps(answer)
    return Response(head + data, 200, {_JSON_LENGTH: str(len(head))}, "application/octet-stream")


def _seconds(microseconds: Any, most: float) -> float:
    """Returns how long a request may take: as long as it says itself (Triton's timeout), but no longer than any."""
    if type(microseconds) is not int or microseconds <= 0:
        return most
    return min(microseconds / 1e6, most)


def _json_length(request: Request, size: int) -> int:
    """Returns how many bytes of the body are JSON; binary data follows."""
    header = request.headers.get(_JSON_LENGTH)
    if header is None:
        return size
    if not header.isascii() or not header.isdecimal() or len(header) > 18 or int(header) > size:
        raise RequestError(
            400, f"Expected {_JSON_LENGTH} to be a number of at most {size:,} bytes. Received: {header[:40]!r}"
        )
    return int(header)


def _wanted(outputs: Any, specs: Sequence[TensorSpec], binary: bool) -> list[tuple[TensorSpec, bool]]:
    """Returns the outputs that a request asks for, all where it names none, and whether each is to be binary.

    Raises:
        RequestError: with status 422 for an output that the model does not have.
    """
    if outputs is None or outputs == []:
        return [(spec, binary) for spec in specs]
    by_name = {spec.name: spec for spec in specs}
    wanted = []
    for output in outputs if isinstance(outputs, list) else [outputs]:
        name = output.get("name") if isinstance(output, dict) else None
        if not isinstance(name, str) or name not in by_name:
            raise RequestError(422, f"Expected outputs among {', '.join(by_name)}. Received {str(name)[:40]!r}.")
        parameters = output.get("parameters")
        own = parameters.get("binary_data", binary) if isinstance(parameters, Mapping) else binary
        wanted.append((by_name[name], own is True))
    return wanted


def metadata_of(served: ServedModel) -> dict[str, Any]:
    """Returns what the protocol's metadata say of a model."""
    return {
        "name": served.name,
        "versions": [str(served.version)],
        "platform": "onnxruntime_onnx",
        "inputs": [describe(served.input)],
        "outputs": [describe(spec) for spec in served.outputs],
        "parameters": served.description,
    }
