import base64
import http.client
import json
import socket
import threading
import time

import pytest

from rnn_apps.serving.app import create_app
from rnn_apps.serving.settings import Settings

IMAGE = [[0] * 8] * 8


@pytest.fixture(scope="module")
def locked(serving):
    """A client of a server that asks for a key."""
    with serving(create_app(Settings(("digits",), api_key="sésame", demo=False, access_log=False))) as client:
        yield client


class TestKey:
    def test_only_who_shows_the_key_is_let_in(self, locked):
        key = "sésame".encode()
        basic = b"Basic " + base64.b64encode(b"anyone:" + key)
        for header in ({"X-API-Key": key}, {"Authorization": b"Bearer " + key}, {"Authorization": basic}):
            assert locked.post("/v1/models/digits:predict", {"instances": [IMAGE]}, **header).status == 200
            assert locked.get("/metrics", **header).status == 200

    @pytest.mark.parametrize(
        "header",
        [
            {},
            {"X-API-Key": b"sesame"},
            {"X-API-Key": b""},
            {"Authorization": b"Bearer"},
            {"Authorization": b"Bearer wrong"},
            {"Authorization": b"Basic !"},
            {"Authorization": b"Basic " + base64.b64encode(b"no colon")},
        ],
    )
    def test_nobody_else_is(self, locked, header):
        for path in ("/v1/models/digits", "/v2", "/docs", "/openapi.json", "/metrics", "/"):
            answer = locked.get(path, **header)
            assert answer.status == 401
            assert "Expected the API key" in answer.json["error"]
            assert answer.headers["www-authenticate"].startswith("Basic realm=")

    def test_the_health_is_told_to_anyone(self, locked):
        assert locked.get("/v2/health/live").status == 200
        assert locked.get("/v2/health/ready").status == 200


class TestLimits:
    def test_a_body_is_limited_whether_it_says_its_length_or_not(self, words):
        with words(max_body=1000) as (client, _):
            for extra in ({}, {"Transfer-Encoding": "chunked"}):
                answer = self.send(client.port, b'{"instances": ["' + b"a" * 2000 + b'"]}', extra)
                assert answer == (413, {"error": "Expected a body of at most 1,000 bytes. Received more."})
            assert client.post("/v1/models/words:predict", {"instances": ["a"]}).status == 200

    def send(self, port, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        pieces = iter([body[:500], body[500:]]) if headers else body
        connection.request("POST", "/v1/models/words:predict", pieces, headers, encode_chunked=bool(headers))
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def test_a_compressed_body_is_not_unpacked(self, words):
        with words() as (client, predictor):
            for encoding in ("gzip", "deflate", "br", "identity, gzip"):
                answer = client.post("/v1/models/words:predict", b"\x1f\x8b", **{"Content-Encoding": encoding})
                assert answer.status == 415
                assert f"'{encoding}'" in answer.json["error"]
            assert predictor.calls == []

    def test_a_body_that_comes_too_slowly_is_told(self, words):
        with words(timeout=0.2) as (client, _), socket.create_connection(("127.0.0.1", client.port), 60) as sock:
            sock.sendall(b"POST /v1/models/words:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
            assert sock.recv(4096).startswith(b"HTTP/1.1 408")

    def test_who_waits_too_long_is_told(self, words):
        with words(seconds=1.5, timeout=0.5) as (client, predictor):
            answer = client.post("/v1/models/words:predict", {"instances": ["a"]})
            assert answer.status == 504
            assert answer.json["error"].startswith("Expected an answer within 0.5 seconds.")
            predictor.seconds = 0.0
            time.sleep(1.2)
            assert client.post("/v1/models/words:predict", {"instances": ["a"]}).status == 200

    def test_a_full_queue_says_when_to_come_again(self, words):
        with words(seconds=0.2, max_queue=2) as (client, _):
            answers = []

            def ask():
                answers.append(client.post("/v1/models/words:predict", {"instances": ["a"]}))

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            statuses = sorted(answer.status for answer in answers)
            assert statuses == [200] * statuses.count(200) + [503] * statuses.count(503)
            assert 0 < statuses.count(200) < 8
            refused = next(answer for answer in answers if answer.status == 503)
            assert refused.headers["retry-after"] == "1"
            assert "'words' has 2 inputs" in refused.json["error"]
            assert client.post("/v1/models/words:predict", {"instances": ["a"]}).status == 200

    @pytest.mark.parametrize("path", ["/v1/models/words:predict", "/v1/models/words:stream", "/v2/models/words/infer"])
    def test_with_a_full_queue_a_request_is_refused_before_its_body_has_come(self, words, path):
        with words(seconds=1.0, max_queue=1) as (client, _):
            slow = threading.Thread(
                target=client.post, args=("/v1/models/words:predict", {"instances": ["a"]}), daemon=True
            )
            slow.start()
            while b'rnnapps_pending_inputs{model="words"} 1.0' not in client.get("/metrics").body:
                assert slow.is_alive()
            with socket.create_connection(("127.0.0.1", client.port), 60) as sock:
                sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
                assert sock.recv(1000).startswith(b"HTTP/1.1 503")
            assert slow.is_alive()
            assert client.get("/v2/health/ready").status == 200
            slow.join()

    def test_who_hangs_up_leaves_the_queue(self, words):
        with words(seconds=0.6) as (client, predictor):
            connections = []
            for text in ("first", "gone", "kept"):
                connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
                connection.request("POST", "/v1/models/words:predict", json.dumps({"instances": [text]}))
                connections.append(connection)
                time.sleep(0.05)
            connections[1].close()
            assert json.loads(connections[2].getresponse().read()) == {"predictions": [{"words": ["kept"], "count": 1}]}
            assert predictor.calls == [["first"], ["kept"]]

    def test_a_fault_of_the_program_is_told_without_its_story(self, words):
        with words() as (client, _):
            answer = client.post("/v1/models/words:predict", {"instances": ["fault"]})
            assert (answer.status, answer.json) == (500, {"error": "The server has failed. Its log says more."})
            assert client.post("/v1/models/words:predict", {"instances": ["a"]}).status == 200


def test_a_connection_serves_many_requests(words):
    with words() as (client, _):
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        for _ in range(20):
            connection.request("POST", "/v1/models/words:predict", '{"instances": ["a b"]}')
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())["predictions"][0]["count"]) == (200, 2)
        connection.close()
