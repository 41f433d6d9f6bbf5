"""The Open Inference Protocol over gRPC: the same answers as at `/v2`, from the same code.

Source: `inference.proto`, beside this file. A request is brought into the form of the protocol's JSON, which everything
behind takes; tensors in `raw_input_contents` are its binary data.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from rnn_apps.errors import RnnAppsError
from rnn_apps.serving.http import RequestError
from rnn_apps.serving.metrics import ServerMetrics
from rnn_apps.serving.middleware import shows_key
from rnn_apps.serving.models import ServedModels
from rnn_apps.serving.protocols import inference_pb2
from rnn_apps.serving.protocols.openinference import SERVER, metadata_of, read_inference, write_outputs
from rnn_apps.serving.settings import Settings

messages: Any = inference_pb2  # what is generated has no types

_SERVICE = "inference.GRPCInferenceService"
_HUNG_UP = 499
_OPEN = ("ServerLive", "ServerReady")  # for anyone, as over HTTP
_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}

Method = Callable[[Any], Awaitable[Any]]


class InferenceService:
    """The methods of the protocol for the models of a server.

    Args:
        models: the models.
        settings: the server's.
        metrics: what counts.
    """

    def __init__(self, models: ServedModels, settings: Settings, metrics: ServerMetrics) -> None:
        self._models, self._settings, self._metrics = models, settings, metrics

    async def start(self) -> grpc.aio.Server:
        """Listens, and returns what listens."""
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", self._settings.limits.max_body)])
        methods: tuple[Method, ...] = (
            *(self.server_live, self.server_ready, self.server_metadata),
            *(self.model_ready, self.model_metadata, self.model_infer),
        )
        handlers = {}
        for method in methods:
            name = "".join(map(str.title, method.__name__.split("_")))
            handlers[name] = grpc.unary_unary_rpc_method_handler(
                self._guarded(name, method),  # which reads the request, so that a damaged one is told as such
                response_serializer=getattr(messages, f"{name}Response").SerializeToString,
            )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        server.add_insecure_port(f"{host}:{self._settings.grpc_port}")
        await server.start()
        return server

    async def server_live(self, _: Any) -> Any:
        """Says that the server runs."""
        return messages.ServerLiveResponse(live=True)

    async def server_ready(self, _: Any) -> Any:
        """Says that every model answers."""
        return messages.ServerReadyResponse(ready=True)

    async def server_metadata(self, _: Any) -> Any:
        """Describes the server."""
        return messages.ServerMetadataResponse(**SERVER)

    async def model_ready(self, request: Any) -> Any:
        """Says that a model answers."""
        self._models.find(request.name, request.version)
        return messages.ModelReadyResponse(ready=True)

    async def model_metadata(self, request: Any) -> Any:
        """Describes what a model takes and gives."""
        facts = metadata_of(self._models.find(request.name, request.version))
        del facts["parameters"]  # of which the protocol has none here
        return messages.ModelMetadataResponse(**facts)

    async def model_infer(self, request: Any) -> Any:
        """Answers inputs.

        Raises:
            RequestError: for a request that is not answered, with the status that HTTP would have.
            RnnAppsError: for an input or an option that the model cannot use.
        """
        served = self._models.find(request.model_name, request.model_version)
        if served.batcher.full:
            raise served.batcher.overloaded()
        raw = bool(request.raw_input_contents)
        document = _document(request)
        data = memoryview(b"".join(request.raw_input_contents))
        inference = read_inference(document, data, served, self._settings.limits)
        try:
            async with asyncio.timeout(inference.seconds):
                predictions = await served.answer(inference.instances, inference.options)
        except TimeoutError:
            raise RequestError(504, f"Expected an answer within {inference.seconds:g} seconds.") from None
        response = messages.ModelInferResponse(model_name=served.name, model_version=str(served.version), id=request.id)
        for tensor, binary in write_outputs(inference, predictions):
            output = response.outputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
            if raw:
                response.raw_output_contents.append(binary)
            else:
                values = tensor["data"]
                values = [value.encode() for value in values] if tensor["datatype"] == "BYTES" else values
                getattr(output.contents, _CONTENTS[tensor["datatype"]]).extend(values)
        return response

    def _guarded(self, name: str, method: Method) -> Callable[[Any, Any], Awaitable[Any]]:
        """Returns a method that looks for the key, counts, and tells what is wrong in gRPC's way."""

        kind = getattr(messages, f"{name}Request")

        async def answer(content: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            begin, status, request = time.perf_counter(), _HUNG_UP, None
            try:
                self._check_key(name, context)
                request = _read(kind, content)
                response = await method(request)
                status = 200
                return response
            except Exception as error:
                refusal = _refusal(error)
                status = refusal.status
                await context.abort(_CODES.get(status, grpc.StatusCode.UNKNOWN), str(refusal))
            finally:
                model = getattr(request, "model_name", "")
                seconds = time.perf_counter() - begin
                self._metrics.request(model if model in self._models else "", f"/{_SERVICE}/{name}", status, seconds)

        return answer

    def _check_key(self, name: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        key = self._settings.api_key.encode()
        headers = [
            (header.encode(), value.encode() if isinstance(value, str) else value)
            for header, value in context.invocation_metadata() or ()
        ]
        if key and name not in _OPEN and not shows_key(headers, key):
            raise RequestError(401, "Expected the API key in the metadata, as 'x-api-key'. It is missing or wrong.")


def _refusal(error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, RnnAppsError):
        return RequestError(422, str(error))
    logging.getLogger(__name__).error("A call over gRPC has failed.", exc_info=error)
    return RequestError(500, "The server has failed. Its log says more.")


def _read(kind: Any, content: bytes) -> Any:
    """Returns the message in the bytes of a request.

    Raises:
        RequestError: with status 422 if there is none.
    """
    try:
        return kind.FromString(content)
    except DecodeError:
        raise RequestError(422, f"Expected a message {kind.DESCRIPTOR.full_name}. The request is damaged.") from None


def _document(request: Any) -> dict[str, Any]:
    """Returns a request in the form of the protocol's JSON.

    Raises:
        RequestError: with status 422 if it gives its input twice, or a text that is not in UTF-8.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise RequestError(422, f"Expected raw contents for {len(request.inputs)} inputs. Received {len(raw)}.")
    parameters = _parameters(request.parameters) | {"binary_data_output": bool(raw)}
    document: dict[str, Any] = {"parameters": parameters, "inputs": []}
    for tensor in request.inputs:
        facts = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if raw:
            facts["parameters"] = {"binary_data_size": sum(map(len, raw))}
        else:
            facts["data"] = _contents(tensor)
        document["inputs"].append(facts)
    if request.outputs:
        document["outputs"] = [{"name": output.name} for output in request.outputs]
    return document


def _contents(tensor: Any) -> list[Any]:
    field = _CONTENTS.get(tensor.datatype)
    values = list(getattr(tensor.contents, field)) if field else []
    if tensor.datatype != "BYTES":
        return values
    try:
        return [value.decode("utf-8") for value in values]
    except UnicodeDecodeError as error:
        raise RequestError(422, f"Expected UTF-8 in '{tensor.name[:40]}': {error.reason}.") from None


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: value.WhichOneof("parameter_choice") for name, value in parameters.items()}
    return {name: getattr(parameters[name], choice) if choice else None for name, choice in chosen.items()}
