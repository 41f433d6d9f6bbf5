import base64
import json

import pytest

import rnn_apps
from rnn_apps.tasks.digits.sample import EXAMPLES

TEXTS = ["A film to remember.", "dull", "The room was dirty, " * 60, "好看 🙂 \x00 שלום"]


@pytest.fixture(scope="module")
def expected():
    """What the Python API says, which the command line prints."""
    return [prediction.model_dump() for prediction in rnn_apps.load("sentiment").predict(TEXTS)]


def close(found, expected):
    assert [row["label"] for row in found] == [row["label"] for row in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-6)


def test_rows_are_answered_as_on_the_command_line(server, expected, rnnapps):
    answer = server.post("/v1/models/sentiment:predict", {"instances": TEXTS})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    close(answer.json["predictions"], expected)
    printed = json.loads(rnnapps("predict", "sentiment", *TEXTS[:2], "--json").stdout)
    close(answer.json["predictions"][:2], printed)


def test_columns_are_answered_in_columns(server, expected):
    for inputs in (TEXTS, {"text": TEXTS}):
        outputs = server.post("/v1/models/sentiment:predict", {"inputs": inputs}).json["outputs"]
        assert outputs["label"] == [row["label"] for row in expected]
        assert outputs["probability"] == pytest.approx([row["probability"] for row in expected], abs=1e-6)


@pytest.mark.parametrize("row", ["dull", {"text": "dull"}, {"b64": base64.b64encode(b"dull").decode()}])
def test_an_input_may_be_named_and_in_base64(server, expected, row):
    body = {"instances": [row], "signature_name": "serving_default"}
    close(server.post("/v1/models/sentiment/versions/1:predict", body).json["predictions"], expected[1:2])


def test_an_image_and_ready_tokens_are_inputs_too(server):
    images = [image.tolist() for image in EXAMPLES]
    digits = server.post("/v1/models/digits:predict", {"instances": images}).json["predictions"]
    assert [row["label"] for row in digits] == [p.label for p in rnn_apps.load("digits").predict(EXAMPLES)]
    tokens = ["Angela", "Merkel", "was", "in", "Paris"]
    (tagged,) = server.post("/v1/models/ner:predict", {"instances": [tokens]}).json["predictions"]
    assert tagged == rnn_apps.load("ner").predict([tokens])[0].model_dump()


def test_options_of_the_task_are_parameters(server):
    body = {"instances": ["Angela Merkel was in Paris."], "parameters": {"nbest": 2}}
    (tagged,) = server.post("/v1/models/ner:predict", body).json["predictions"]
    assert len(tagged["alternatives"]) == 2


def test_the_state_of_a_model(server):
    for path in ("/v1/models/ner", "/v1/models/ner/versions/1"):
        (status,) = server.get(path).json["model_version_status"]
        assert (status["version"], status["state"], status["status"]["error_code"]) == ("1", "AVAILABLE", "OK")


def test_the_metadata_names_what_goes_in_and_comes_out(server):
    metadata = server.get("/v1/models/digits/metadata").json
    assert metadata["model_spec"]["name"] == "digits"
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["input"]["dtype"] == "DT_FLOAT"
    assert len(signature["inputs"]["input"]["tensor_shape"]["dim"]) == 3
    assert {name: output["dtype"] for name, output in signature["outputs"].items()} == {
        "label": "DT_STRING",
        "probability": "DT_DOUBLE",
        "probabilities": "DT_STRING",
        "warnings": "DT_STRING",
    }


def test_the_models_are_listed(server):
    listed = {model["name"]: model for model in server.get("/v1/models").json["models"]}
    assert list(listed) == ["sentiment", "ner", "digits"]
    assert listed["ner"]["options"] == ["nbest"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/models/sentimen", "no model 'sentimen'. Did you mean 'sentiment'? There are: sentiment, ner, digits."),
        ("/v1/models/ner/versions/7", "no version '7'. It has version 1."),
        ("/v1/nothing", "Not Found: GET /v1/nothing"),
    ],
)
def test_what_is_not_there_is_told(server, path, words):
    answer = server.get(path)
    assert answer.status == 404
    assert words in answer.json["error"]


@pytest.mark.parametrize(
    ("model", "body", "status", "words"),
    [
        ("sentiment", b"{", 400, "Expected a JSON document in UTF-8"),
        ("sentiment", b"\xff", 400, "Expected a JSON document"),
        ("sentiment", b'{"instances": ["\\ud800"]}', 400, "surrogate"),
        ("sentiment", b'{"instances": [NaN]}', 400, "JSON"),
        ("sentiment", b"[" * 100_000, 400, "JSON"),
        ("sentiment", b"[]", 422, "Expected a JSON object. Received a list."),
        ("sentiment", {}, 422, "either instances"),
        ("sentiment", {"instances": ["a"], "inputs": ["a"]}, 422, "either instances"),
        ("sentiment", {"instances": ["a"], "instance": 1}, 422, "Received 'instance'"),
        ("sentiment", {"instances": "a"}, 422, "Expected a list of inputs. Received a string."),
        ("sentiment", {"instances": []}, 422, "at least one input"),
        ("sentiment", {"instances": ["a"] * 1025}, 422, "at most 1,024 inputs. Received 1,025."),
        ("sentiment", {"instances": ["a", "a" * 20_001]}, 422, "Input 2: expected at most 20,000 characters"),
        ("sentiment", {"instances": ["a", 3]}, 422, "Input 2 is of the type int"),
        ("sentiment", {"instances": ["a", "\x00"]}, 422, "input 2: the text is empty"),
        ("sentiment", {"instances": [{"b64": "!"}]}, 422, "base64"),
        ("sentiment", {"instances": [{"b64": "/w=="}]}, 422, "UTF-8"),
        ("sentiment", {"instances": ["a"], "signature_name": "x"}, 422, "serving_default"),
        ("sentiment", {"instances": ["a"], "parameters": []}, 422, "parameters to be a JSON object"),
        ("sentiment", {"instances": ["a"], "parameters": {"nbest": 2}}, 422, "no option 'nbest'"),
        ("ner", {"instances": ["a"], "parameters": {"nbest": "x"}}, 422, "nbest"),
        ("ner", {"instances": [["a", 3]]}, 422, "nput 1"),
        ("digits", {"instances": [[[1, 2], [3]]]}, 422, "rows of numbers"),
        ("digits", {"instances": [[[1, 2], [3, 4]]]}, 422, "an image of shape (8, 8)"),
    ],
)
def test_a_bad_request_is_told_what_was_expected_and_what_came(server, model, body, status, words):
    answer = server.post(f"/v1/models/{model}:predict", body)
    assert answer.status == status, answer
    assert answer.json.keys() == {"error"}
    assert words in answer.json["error"]


def test_a_wrong_method_names_the_path(server):
    answer = server.request("DELETE", "/v1/models/ner")
    assert answer.status == 405
    assert "/v1/models/ner is called with GET. Received DELETE" in answer.json["error"]
