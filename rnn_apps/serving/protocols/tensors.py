"""Tensors of the Open Inference Protocol, as JSON and as binary data behind it.

Source: the protocol's "Tensor Data" and Triton's "Binary tensor data extension". A BYTES element in binary data is its
length, 4 bytes little-endian, and then its bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from rnn_apps.arrays import Array
from rnn_apps.serving.http import RequestError, kind
from rnn_apps.serving.models import TensorSpec

_DTYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}
_MOST_DIMENSIONS = 8


def read_tensor(tensor: Any, spec: TensorSpec, binary: memoryview) -> list[Any]:
    """Returns the inputs in a tensor of a request, one for each row of its first dimension.

    Args:
        tensor: the tensor in the request's JSON.
        spec: what the model takes.
        binary: what stands behind the JSON.

    Raises:
        RequestError: with status 422, saying what was expected and what came.
    """
    if not isinstance(tensor, dict):
        raise RequestError(422, f"Expected each input to be an object. Received {kind(tensor)}.")
    if tensor.get("name") != spec.name:
        raise RequestError(422, f"Expected one input called '{spec.name}'. Received {str(tensor.get('name'))[:40]!r}.")
    shape = _shape(tensor.get("shape"), spec)
    datatype = tensor.get("datatype")
    known = (spec.datatype,) if spec.datatype == "BYTES" else tuple(_DTYPES)
    if datatype not in known:
        raise RequestError(
            422, f"Expected the datatype {spec.datatype} for '{spec.name}'. Received {str(datatype)[:40]!r}."
        )
    parameters = tensor.get("parameters") or {}
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is not None:
        data = _binary_data(binary, size, datatype)
    elif "data" in tensor:
        data = _json_data(tensor["data"], datatype)
    else:
        raise RequestError(422, f"Expected data, or the parameter binary_data_size, in the input '{spec.name}'.")
    if len(data) != math.prod(shape):
        raise RequestError(
            422, f"Expected {math.prod(shape):,} elements for the shape {shape}. Received {len(data):,}."
        )
    if isinstance(data, np.ndarray):
        return list(data.reshape(shape))
    return [_element(element) for element in data] if spec.json else data


def _shape(shape: Any, spec: TensorSpec) -> list[int]:
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MOST_DIMENSIONS
        or not all(type(size) is int and 0 <= size < 2**31 for size in shape)
    ):
        raise RequestError(422, f"Expected the shape of '{spec.name}' as a list such as [1]. Received: {_short(shape)}")
    if spec.datatype == "BYTES" and any(size != 1 for size in shape[1:]):
        raise RequestError(422, f"Expected the shape [inputs] or [inputs, 1] for '{spec.name}'. Received: {shape}")
    if spec.datatype != "BYTES" and len(shape) != len(spec.shape):
        raise RequestError(422, f"Expected {len(spec.shape)} dimensions for '{spec.name}'. Received: {shape}")
    return shape


def _json_data(data: Any, datatype: str) -> list[str] | Array:
    if datatype == "BYTES":
        strings = _flat(data)
        if not all(isinstance(element, str) for element in strings):
            raise RequestError(422, "Expected the data to be strings, in a list.")
        return strings
    try:
        given = np.asarray(data).reshape(-1) if isinstance(data, list) else np.zeros(0, object)
    except ValueError:  # rows of different lengths, or nested too deep
        given = np.zeros(0, object)
    if data == []:
        return np.zeros(0, _DTYPES[datatype])
    if given.dtype.kind not in "fiub":
        raise RequestError(422, "Expected the data to be numbers, in a list or in rows of one length.")
    with np.errstate(over="ignore"):
        array: Array = given.astype(_DTYPES[datatype])
    if array.dtype.kind != "f" and not np.array_equal(array, given):
        raise RequestError(422, f"Expected numbers that fit into {datatype}.")
    return array


def _flat(data: Any) -> list[Any]:
    """Returns the elements of a list, or of a list of lists of one element each."""
    if not isinstance(data, list):
        raise RequestError(422, f"Expected the data to be a list. Received {kind(data)}.")
    return [part[0] if isinstance(part, list) and len(part) == 1 else part for part in data]


def _binary_data(binary: memoryview, size: Any, datatype: str) -> list[str] | Array:
    if type(size) is not int or size != len(binary):
        raise RequestError(
            422, f"Expected binary_data_size to be the {len(binary):,} bytes behind the JSON. Received: {_short(size)}"
        )
    if datatype != "BYTES":
        dtype = np.dtype(_DTYPES[datatype]).newbyteorder("<")
        if size % dtype.itemsize:
            raise RequestError(422, f"Expected a multiple of {dtype.itemsize} bytes for {datatype}. Received {size:,}.")
        return np.frombuffer(binary, dtype)
    elements: list[str] = []
    start = 0
    while start < size:
        stop = start + 4
        if stop <= size:
            stop += struct.unpack_from("<I", binary, start)[0]
        if stop > size:
            raise RequestError(422, f"The element {len(elements) + 1} of the binary data ends behind its end.")
        try:
            elements.append(str(binary[start + 4 : stop], "utf-8"))
        except UnicodeDecodeError as error:
            raise RequestError(422, f"Expected UTF-8 in the element {len(elements) + 1}: {error.reason}.") from None
        start = stop
    return elements


def _element(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(422, f"Expected each element to be a JSON document: {error}") from None


def write_tensor(spec: TensorSpec, values: Sequence[Any], binary: bool) -> tuple[dict[str, Any], bytes]:
    """Returns an output for the JSON of a response, and its binary data.

    Args:
        spec: the output.
        values: one JSON value for each input.
        binary: whether the data goes behind the JSON.
    """
    tensor: dict[str, Any] = {"name": spec.name, "datatype": spec.datatype, "shape": [len(values)]}
    if spec.json:
        values = [orjson.dumps(value).decode() for value in values]
    if not binary:
        return tensor | {"data": values}, b""
    if spec.datatype == "BYTES":
        data = b"".join(struct.pack("<I", len(raw)) + raw for raw in (value.encode() for value in values))
    else:
        data = np.array(values, np.dtype(_DTYPES[spec.datatype]).newbyteorder("<")).tobytes()
    return tensor | {"parameters": {"binary_data_size": len(data)}}, data


def describe(spec: TensorSpec) -> Mapping[str, Any]:
    """Returns what the metadata of a model says of a tensor."""
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


def _short(value: Any) -> str:
    return repr(value)[:60]
