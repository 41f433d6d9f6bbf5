"""What HTTP says of methods, and browsers of other origins; what clients of the protocols send beside the inputs."""

import pytest
from fastapi.testclient import TestClient

from rnn_apps.serving.app import create_app
from rnn_apps.serving.settings import Settings

TENSOR = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["fine"]}


@pytest.fixture(scope="module")
def client():
    settings = Settings(("sentiment",), cors=("http://app.example",), access_log=False)
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/v2/health/ready", "/v1/models/sentiment", "/metrics", "/v1/models", "/openapi.json"]
)
def test_head_is_answered_where_get_is(client, path):
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_verb_is_called_with_post(client, method):
    answer = client.request(method, "/v1/models/sentiment:predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method == "GET":
        assert answer.json()["error"] == ":predict is called with POST. Received GET."


def test_a_verb_that_is_none_is_named_with_those_there_are(client):
    answer = client.post("/v1/models/sentiment:classify", json={})
    assert answer.status_code == 404
    assert answer.json()["error"] == "There is no verb ':classify'. There are: :predict, :stream."


OTHERS = {
    ("DELETE", "/v1/models/sentiment"): "GET",
    ("GET", "/v2/models/sentiment/infer"): "POST",
    ("PUT", "/metrics"): "GET",
}


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_another_method_is_told_which_is_right(client, method, path):
    allowed = OTHERS[method, path]
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert allowed in answer.headers["allow"]
    assert f"is called with {allowed}" in answer.json()["error"]


def test_pages_of_an_origin_that_is_let_in_may_call(client):
    path, wanted = "/v1/models/sentiment:predict", {"Access-Control-Request-Method": "POST"}
    asked = client.options(path, headers={"Origin": "http://app.example", **wanted})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == "http://app.example"
    assert client.options(path, headers={"Origin": "http://other.example", **wanted}).status_code == 400
    answer = client.post(path, json={"instances": ["fine"]}, headers={"Origin": "http://app.example"})
    assert answer.headers["access-control-allow-origin"] == "http://app.example"


@pytest.mark.parametrize(
    "parameters",
    [
        {"content_type": "str"},
        {"priority": 1, "timeout": 1_000_000},
        {"sequence_id": 3, "sequence_start": True, "sequence_end": False},
    ],
)
def test_parameters_that_the_protocol_names_are_no_options(client, parameters):
    answer = client.post("/v2/models/sentiment/infer", json={"inputs": [TENSOR], "parameters": parameters})
    assert answer.status_code == 200, answer.text


def test_an_option_that_is_not_there_is_refused_still(client):
    answer = client.post("/v2/models/sentiment/infer", json={"inputs": [TENSOR], "parameters": {"bean": 3}})
    assert answer.status_code == 422


@pytest.mark.parametrize("given", ["7", 7])
def test_the_id_comes_back_as_it_was_given(client, given):
    answer = client.post("/v2/models/sentiment/infer", json={"id": given, "inputs": [TENSOR]})
    assert answer.json()["id"] == given


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "DELETE"])
def test_a_verb_takes_post_alone(client, method):
    answer = client.request(method, "/v1/models/sentiment:predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_byte_order_mark_before_json_is_nothing(client):
    body = '{"instances": ["fine"]}'.encode("utf-8-sig")
    assert client.post("/v1/models/sentiment:predict", content=body).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v2/health/ready"])
def test_head_on_a_real_connection(serving, caplog, path):
    with serving(create_app(Settings(("sentiment",), access_log=False))) as real:
        for _ in range(2):
            answer = real.request("HEAD", path)
            assert (answer.status, answer.body) == (200, b"")
            assert int(answer.headers["content-length"]) > 0
    assert "Traceback" not in caplog.text
