"""Tensors of the Open Inference Protocol: read as they were written, as JSON and as binary data."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnn_apps.serving.http import RequestError
from rnn_apps.serving.models import TensorSpec
from rnn_apps.serving.protocols.tensors import read_tensor

TEXT, IMAGE = TensorSpec("text", "BYTES"), TensorSpec("input", "FP32", (-1, -1, -1))
NOTHING = memoryview(b"")


def packed(texts):
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


@given(st.lists(st.text(max_size=9), min_size=1, max_size=4))
def test_texts(texts):
    head = {"name": "text", "datatype": "BYTES", "shape": [len(texts)]}
    assert read_tensor(head | {"data": texts}, TEXT, NOTHING) == texts
    content = packed(texts)
    found = read_tensor(head | {"parameters": {"binary_data_size": len(content)}}, TEXT, memoryview(content))
    assert found == texts


@given(hnp.arrays(np.float32, (2, 3, 4), elements=st.floats(-9, 9, width=32)))
def test_numbers(array):
    head = {"name": "input", "datatype": "FP32", "shape": [2, 3, 4]}
    for data in (array.tolist(), array.ravel().tolist()):
        np.testing.assert_allclose(np.array(read_tensor(head | {"data": data}, IMAGE, NOTHING)), array, rtol=1e-6)
    binary = head | {"parameters": {"binary_data_size": array.nbytes}}
    np.testing.assert_array_equal(np.array(read_tensor(binary, IMAGE, memoryview(array.tobytes()))), array)


GOOD = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ([], "Expected each input to be an object"),
        (GOOD | {"name": "word"}, "Expected one input called 'text'"),
        (GOOD | {"shape": [-1]}, "Expected the shape of 'text'"),
        (GOOD | {"shape": [1, 2]}, r"Expected the shape \[inputs\]"),
        (GOOD | {"shape": [2]}, "Expected 2 elements"),
        (GOOD | {"datatype": "FP32"}, "Expected the datatype BYTES"),
        ({name: GOOD[name] for name in ("name", "datatype", "shape")}, "Expected data"),
        (GOOD | {"parameters": {"binary_data_size": 99}}, "binary"),
    ],
)
def test_what_is_no_tensor_is_refused(tensor, message):
    with pytest.raises(RequestError, match=message) as error:
        read_tensor(tensor, TEXT, NOTHING)
    assert error.value.status == 422
