"""What no client should send: every answer is one, none is a fault of the server, and it goes on."""

import gzip
import json
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

PATHS = [
    f"/{path}"
    for model in ("sentiment", "ner", "digits")
    for path in (f"v1/models/{model}:predict", f"v1/models/{model}:stream", f"v2/models/{model}/infer")
]
ANSWERS = (200, 400, 413, 415, 422)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**30), 2**63, 2**64, 1e308, -0.0, 5e-324])
    | st.floats()
    | st.text()
    | st.sampled_from(["\x00", "\ud800", "\udfff", "a" * 30_000, "<br>" * 9, "\u202e", "[", "🙂" * 50, "BYTES", "FP32"])
)
KEYS = """instances inputs outputs parameters signature_name name datatype shape data id b64 text input nbest
    binary_data_size binary_data_output binary_data"""
names = st.sampled_from(KEYS.split()) | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(names, inner, max_size=6), max_leaves=25
)
tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["text", "input"]) | values,
        "datatype": st.sampled_from(["BYTES", "FP32", "INT64", "UINT8", "BOOL", "FP16"]) | values,
        "shape": st.lists(st.integers(-2, 70), max_size=4) | values,
        "data": st.lists(scalars, max_size=70) | values,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 99)}) | values,
    },
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "instances": st.lists(values, max_size=4) | values,
        "inputs": st.lists(tensors, min_size=1, max_size=1) | st.lists(values, max_size=4) | values,
        "outputs": st.lists(tensors, max_size=3) | values,
        "parameters": st.dictionaries(names, scalars, max_size=3) | values,
        "id": values,
    },
)
documents = (requests | values).map(lambda value: json.dumps(value, ensure_ascii=True).encode())


@st.composite
def damaged(draw):
    """A document with a piece of it cut out, doubled, or replaced by any bytes."""
    body = draw(documents)
    start, stop = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    middle = draw(st.sampled_from([b"", body[start:stop] * 2]) | st.binary(max_size=20))
    return body[:start] + middle + body[stop:]


bodies = documents | damaged() | st.binary(max_size=200)
headers = st.dictionaries(
    st.sampled_from(["Content-Type", "Content-Encoding", "Inference-Header-Content-Length", "Accept", "Expect"]),
    st.sampled_from([b"text/plain", b"application/json", b"gzip", b"0", b"17", b"-1", b"\xff", b"9" * 30]),
    max_size=1,
)


def check(server, path, body, extra):
    """Sends one request and looks at how it ends."""
    answer = server.post(path, body, **extra)
    assert answer.status in ANSWERS, (answer, path, body[:300], extra)
    if answer.status != 200:
        assert answer.json.keys() == {"error"}
        assert len(answer.json["error"]) < 2000


@given(st.sampled_from(PATHS), bodies, headers)
@settings(max_examples=150)
def test_no_body_makes_the_server_fail(server, path, body, extra):
    check(server, path, body, extra)


DEEP = 200_000
HOSTILE = {
    "nothing": b"",
    "deep lists": b'{"instances": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"instances": [' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"]}",
    "as deep as is read": b'{"instances": [' + b"[" * 1000 + b"]" * 1000 + b"]}",
    "a number of many digits": b'{"instances": [' + b"9" * 100_000 + b"]}",
    "a large exponent": b'{"instances": [[[1e999999999]]]}',
    "no number": b'{"instances": [NaN, Infinity]}',
    "a name twice": b'{"instances": ["a"], "instances": ["b"], "instances": 3}',
    "many names": json.dumps({str(n): n for n in range(50_000)}).encode(),
    "many inputs": json.dumps({"instances": ["a"] * 100_000}).encode(),
    "a long text": json.dumps({"instances": ["long " * 500_000]}).encode(),
    "many tokens": json.dumps({"instances": [["a"] * 2_000]}).encode(),
    "a lone surrogate": b'{"instances": ["\\ud800"]}',
    "no UTF-8": b'{"instances": ["\xff\xfe"]}',
    "UTF-16": '{"instances": ["a"]}'.encode("utf-16"),
    "NUL": b'{"instances": ["\\u0000", "a\\u0000b"]}',
    "zeros": b"\x00" * 100_000,
    "a large shape": b'{"inputs": [{"name": "input", "datatype": "FP32", "shape": [2147483647, 9, 9], "data": []}]}',
    "deep parameters": b'{"instances": ["a"], "parameters": {"nbest": ' + b"[" * 900 + b"]" * 900 + b"}}",
    "a ragged image": b'{"instances": [[[1], [2, 3], []]]}',
    "an image of objects": b'{"instances": [[[{}]]]}',
}


@pytest.mark.parametrize("path", PATHS)
def test_known_tricks_are_refused(server, path):
    for name, body in HOSTILE.items():
        answer = server.post(path, body)
        assert answer.status in ANSWERS, (name, answer)


def test_a_bomb_is_not_unpacked(server):
    bomb = gzip.compress(b'{"instances": ["' + b"a" * 50_000_000 + b'"]}')
    for path in PATHS:
        assert server.post(path, bomb, **{"Content-Encoding": "gzip"}).status == 415
        assert server.post(path, bomb).status == 400


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"POST /v1/models/sentiment:predict HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/models/sentiment:predict HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST /v1/models/sentiment:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/models/sentiment:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /%00%ff%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v1/models/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BREW /v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
    ],
)
def test_no_bytes_on_the_wire_make_the_server_fail(server, raw):
    with socket.create_connection(("127.0.0.1", server.port), 60) as sock:
        sock.sendall(raw)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while part := sock.recv(65536):
            answer += part
    assert not answer.startswith(b"HTTP/1.1 5")
    assert server.get("/v2/health/live").status == 200


def test_the_server_does_what_its_document_says(server):
    schemathesis = pytest.importorskip("schemathesis")
    depends_on_the_model = [schemathesis.checks.positive_data_acceptance]
    document = schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")
    operations = [result.ok() for result in document.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        if "/versions/" in operation.path:  # the same again
            continue

        @given(operation.as_strategy())
        @settings(max_examples=5)
        def conforms(case):
            case.call_and_validate(excluded_checks=depends_on_the_model)

        conforms()
