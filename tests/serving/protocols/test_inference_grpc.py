"""The protocol over gRPC with Triton's own client, beside the same questions over HTTP."""

import socket

import numpy as np
import pytest

pytest.importorskip("tritonclient.grpc", reason="needs Triton's client for gRPC")

import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

TEXTS = ["A film to remember, said Anna Berg in Paris.", "Nicht schön 🙂", "no"]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def both(serve_process):
    """Starts a server with arguments; gives a client for gRPC and one for HTTP."""

    def start(*arguments):
        port = free_port()
        process = serve_process(*arguments, "--no-demo", "--grpc-port", str(port))
        return triton.InferenceServerClient(f"127.0.0.1:{port}"), process

    return start


def text_input(texts=TEXTS, name="text"):
    given = triton.InferInput(name, [len(texts)], "BYTES")
    given.set_data_from_numpy(np.array([text.encode() for text in texts], object))
    return given


def test_answers_are_those_of_rest(both):
    client, process = both("sentiment", "ner", "digits")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("ner")
    assert client.is_model_ready("ner", "1")
    assert client.get_server_metadata().name == "rnn-apps"
    for model in ("sentiment", "ner"):
        facts = client.get_model_metadata(model)
        described = process.client.get(f"/v2/models/{model}").json
        assert [(t.name, t.datatype, list(t.shape)) for t in facts.outputs] == [
            (t["name"], t["datatype"], t["shape"]) for t in described["outputs"]
        ]
        body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)], "data": TEXTS}]}
        over_http = process.client.post(f"/v2/models/{model}/infer", body).json
        over_grpc = client.infer(model, [text_input()], request_id="7")
        assert over_grpc.get_response().id == "7"
        for output in over_http["outputs"]:
            array = over_grpc.as_numpy(output["name"])
            values = [v.decode() for v in array] if output["datatype"] == "BYTES" else array.tolist()
            assert values == output["data"]
    image = triton.InferInput("input", [1, 8, 8], "FP32")
    image.set_data_from_numpy(np.ones((1, 8, 8), np.float32))
    (answer,) = process.client.post("/v1/models/digits:predict", {"instances": [[[1] * 8] * 8]}).json["predictions"]
    assert client.infer("digits", [image]).as_numpy("probability")[0] == answer["probability"]
    assert b'route="/inference.GRPCInferenceService/ModelInfer",status="200"} 1.0' in (
        process.client.get("/metrics").body
    )
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


def test_contents_that_are_not_raw_are_answered_alike(both):
    client, process = both("sentiment")
    request = triton.service_pb2.ModelInferRequest(model_name="sentiment")
    tensor = request.inputs.add(name="text", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(b"A fine film")
    response = client._client_stub.ModelInfer(request)
    body = {"instances": ["A fine film"]}
    (answer,) = process.client.post("/v1/models/sentiment:predict", body).json["predictions"]
    outputs = {output.name: output.contents for output in response.outputs}
    assert outputs["label"].bytes_contents == [answer["label"].encode()]
    assert outputs["probability"].fp64_contents == [answer["probability"]]


def refusal(call, *arguments, **options):
    with pytest.raises(InferenceServerException) as caught:
        call(*arguments, **options)
    return caught.value.status().removeprefix("StatusCode."), caught.value.message()


def test_what_cannot_be_answered_is_told_with_the_code_of_grpc(both):
    client, process = both("sentiment", "--max-text", "100", "--timeout", "20")
    assert refusal(client.infer, "sentimant", [text_input()]) == (
        "NOT_FOUND",
        "There is no model 'sentimant'. Did you mean 'sentiment'? There are: sentiment.",
    )
    assert refusal(client.get_model_metadata, "sentiment", "9")[0] == "NOT_FOUND"
    assert refusal(client.infer, "sentiment", [text_input(name="txt")]) == (
        "INVALID_ARGUMENT",
        "Expected one input called 'text'. Received 'txt'.",
    )
    assert refusal(client.infer, "sentiment", [text_input(["a" * 101])])[0] == "INVALID_ARGUMENT"
    assert refusal(client.infer, "sentiment", [text_input()], parameters={"beam": 3})[0] == "INVALID_ARGUMENT"
    number = triton.InferInput("text", [1], "FP32")
    number.set_data_from_numpy(np.ones(1, np.float32))
    assert refusal(client.infer, "sentiment", [number])[0] == "INVALID_ARGUMENT"
    assert refusal(client.get_model_config, "sentiment")[0] == "UNIMPLEMENTED"
    two = triton.service_pb2.ModelInferRequest(model_name="sentiment", raw_input_contents=[b"a", b"b"])
    with pytest.raises(Exception, match=r"Expected raw contents for 0 inputs\. Received 2\."):
        client._client_stub.ModelInfer(two)
    damaged = client._channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    with pytest.raises(Exception, match=r"Expected a message inference\.ModelInferRequest\. The request is damaged\."):
        damaged(b"\xff\xff")
    assert client.infer("sentiment", [text_input()]).as_numpy("label").shape == (3,)
    assert "Traceback" not in process.log.read_text()


def test_the_key_is_asked_for(both):
    client, _ = both("sentiment", "--api-key", "sesame")
    assert client.is_server_live()
    assert refusal(client.infer, "sentiment", [text_input()])[0] == "UNAUTHENTICATED"
    for header in ({"x-api-key": "sesame"}, {"authorization": "Bearer sesame"}):
        assert client.infer("sentiment", [text_input()], headers=header).as_numpy("label").shape == (3,)
    assert refusal(client.infer, "sentiment", [text_input()], headers={"x-api-key": "wrong"})[0] == "UNAUTHENTICATED"


def test_a_port_in_use_is_told(serve_process):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with pytest.raises(AssertionError, match=r"Port \d+ on 127.0.0.1 is in use"):
            serve_process("digits", "--no-demo", "--grpc-port", sock.getsockname()[1])
