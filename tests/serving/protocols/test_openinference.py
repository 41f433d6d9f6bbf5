import json

import numpy as np
import pytest

import rnn_apps
from rnn_apps.serving.app import create_app
from rnn_apps.serving.settings import Settings
from rnn_apps.tasks.digits.sample import EXAMPLES

triton = pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")

TEXTS = ["A film to remember.", "dull", "好看 🙂 שלום"]


@pytest.fixture(scope="module")
def client(server):
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    yield client
    client.close()


def text_tensor(texts, binary, shape=None):
    tensor = triton.InferInput("text", shape or [len(texts)], "BYTES")
    tensor.set_data_from_numpy(np.array(texts, object).reshape(shape or -1), binary_data=binary)
    return tensor


class TestTritonClient:
    def test_the_server_and_its_models_are_ready(self, client):
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("sentiment")
        assert client.is_model_ready("sentiment", "1")
        assert not client.is_model_ready("sentimen")
        assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]

    def test_the_metadata_describes_the_tensors(self, client):
        metadata = client.get_model_metadata("digits")
        assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, -1, -1]}]
        assert {tensor["name"]: tensor["datatype"] for tensor in metadata["outputs"]} == {
            "label": "BYTES",
            "probability": "FP64",
            "probabilities": "BYTES",
            "warnings": "BYTES",
        }

    @pytest.mark.parametrize("binary", [True, False])
    @pytest.mark.parametrize("shape", [[3], [3, 1]])
    def test_texts_are_answered_as_by_python(self, client, binary, shape):
        expected = rnn_apps.load("sentiment").predict(TEXTS)
        result = client.infer("sentiment", [text_tensor(TEXTS, binary, shape)])
        assert [label.decode() for label in result.as_numpy("label")] == [p.label for p in expected]
        np.testing.assert_allclose(result.as_numpy("probability"), [p.probability for p in expected], atol=1e-6)
        for found, prediction in zip(result.as_numpy("probabilities"), expected, strict=True):
            assert json.loads(found) == pytest.approx(prediction.probabilities, abs=1e-6)

    @pytest.mark.parametrize("binary", [True, False])
    @pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT64", "UINT8"])
    def test_images_are_tensors_of_numbers(self, client, binary, datatype):
        images = np.stack(EXAMPLES).astype(_dtype(datatype))
        tensor = triton.InferInput("input", list(images.shape), datatype)
        tensor.set_data_from_numpy(images, binary_data=binary)
        labels = client.infer("digits", [tensor]).as_numpy("label")
        assert [label.decode() for label in labels] == [p.label for p in rnn_apps.load("digits").predict(EXAMPLES)]

    @pytest.mark.parametrize("binary", [True, False])
    def test_outputs_and_options_can_be_chosen(self, client, binary):
        wanted = [triton.InferRequestedOutput("alternatives", binary_data=binary)]
        tensor = text_tensor(["Angela Merkel was in Paris."], binary)
        result = client.infer("ner", [tensor], outputs=wanted, parameters={"nbest": 2}, request_id="seven")
        (alternatives,) = result.as_numpy("alternatives")
        assert len(json.loads(alternatives)) == 2
        assert result.as_numpy("entities") is None
        assert result.get_response()["id"] == "seven"

    def test_an_error_reaches_the_caller(self, client):
        with pytest.raises(triton.InferenceServerException, match="There are: sentiment, ner, digits"):
            client.infer("sentimen", [text_tensor(["a"], True)])
        with pytest.raises(triton.InferenceServerException, match="no option 'nbest'"):
            client.infer("sentiment", [text_tensor(["a"], True)], parameters={"nbest": 2})


def _dtype(datatype):
    return {"FP32": np.float32, "FP64": np.float64, "INT64": np.int64, "UINT8": np.uint8}[datatype]


def infer(server, model="sentiment", **changes):
    name, datatype = ("text", "BYTES") if model == "sentiment" else ("input", "FP32")
    tensor = {"name": name, "datatype": datatype, "shape": [1], "data": ["a film"]} | changes
    tensor = {key: value for key, value in tensor.items() if value is not None}
    return server.post(f"/v2/models/{model}/infer", {"inputs": [tensor]})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "words"}, "one input called 'text'. Received 'words'"),
        ({"datatype": "FP32"}, "the datatype BYTES for 'text'. Received 'FP32'"),
        ({"datatype": None}, "the datatype BYTES"),
        ({"shape": None}, "the shape of 'text' as a list"),
        ({"shape": [True]}, "the shape of 'text' as a list"),
        ({"shape": [-1]}, "the shape of 'text' as a list"),
        ({"shape": [10**30]}, "the shape of 'text' as a list"),
        ({"shape": [1, 2]}, "the shape [inputs] or [inputs, 1]"),
        ({"shape": [2]}, "2 elements for the shape [2]. Received 1."),
        ({"shape": [0], "data": []}, "at least one input"),
        ({"data": None}, "Expected data, or the parameter binary_data_size"),
        ({"data": "a"}, "Expected the data to be a list. Received a string."),
        ({"data": [1]}, "Expected the data to be strings"),
        ({"parameters": {"binary_data_size": 9}}, "the 0 bytes behind the JSON. Received: 9"),
        ({"model": "digits", "data": [1.0]}, "Expected 3 dimensions"),
        ({"model": "digits", "shape": [1, 1, 1], "datatype": ["FP32"]}, "the datatype FP32"),
        ({"model": "digits", "shape": [1, 1, 1], "data": ["1"]}, "Expected the data to be numbers"),
        ({"model": "digits", "shape": [1, 1, 1], "data": [None]}, "Expected the data to be numbers"),
        ({"model": "digits", "shape": [1, 1, 1], "data": [10**400]}, "JSON"),
        ({"model": "digits", "shape": [1, 2, 1], "data": [[1], [2, 3]]}, "rows of one length"),
        ({"model": "digits", "shape": [1, 1, 1], "datatype": "UINT8", "data": [256]}, "fit into UINT8"),
        ({"model": "digits", "shape": [1, 1, 1], "datatype": "BYTES", "data": ["1"]}, "the datatype FP32"),
        ({"model": "digits", "shape": [1, 1, 1], "data": [1]}, "an image of shape (8, 8)"),
    ],
)
def test_a_tensor_of_another_form_is_told_what_was_expected(server, changes, words):
    answer = infer(server, **changes)
    assert answer.status in (400, 422), answer
    assert answer.json.keys() == {"error"}
    assert words in answer.json["error"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "a list of one tensor, 'text'. Received null"),
        ({"inputs": []}, "a list of one tensor, 'text'. Received 0"),
        ({"inputs": ["a"]}, "Expected each input to be an object. Received a string."),
    ],
)
def test_a_request_without_its_tensor_is_told_so(server, body, words):
    answer = server.post("/v2/models/sentiment/infer", body)
    assert answer.status == 422
    assert words in answer.json["error"]


def test_a_field_that_a_prediction_leaves_out_is_null(serving):
    text = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["The house is small."]}
    with serving(create_app(Settings(("translation",), demo=False, access_log=False))) as client:
        columns = client.post("/v1/models/translation:predict", {"inputs": text["data"]}).json["outputs"]
        tensors = client.post("/v2/models/translation/infer", {"inputs": [text]}).json["outputs"]
        (row,) = client.post("/v1/models/translation:predict", {"instances": text["data"]}).json["predictions"]
    assert {name: values[0] for name, values in columns.items() if name in row} == row
    found = {tensor["name"]: tensor["data"][0] for tensor in tensors}
    assert found["translation"] == row["translation"]
    assert found.keys() == columns.keys()
    assert {found[name] for name in found.keys() - row.keys()} <= {"null"}


def test_an_output_that_there_is_not_is_told(server):
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}], "outputs": [{"name": "x"}]}
    answer = server.post("/v2/models/sentiment/infer", body)
    assert answer.status == 422
    assert "outputs among label, probability, probabilities, warnings. Received 'x'" in answer.json["error"]


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "9" * 40, "٣"])
def test_a_wrong_length_of_the_json_is_told(server, length):
    answer = server.post("/v2/models/sentiment/infer", b"{}", **{"Inference-Header-Content-Length": length.encode()})
    assert answer.status == 400
    assert "Inference-Header-Content-Length" in answer.json["error"]


@pytest.mark.parametrize("data", [b"\x01", b"\x05\x00\x00\x00ab", b"\xff\xff\xff\xff", b"\x01\x00\x00\x00\xff"])
def test_binary_data_that_does_not_add_up_is_told(server, data):
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    answer = server.post(
        "/v2/models/sentiment/infer", head + data, **{"Inference-Header-Content-Length": str(len(head))}
    )
    assert answer.status == 422
    assert "element 1" in answer.json["error"]
