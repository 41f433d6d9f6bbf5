import http.client
import json
import socket
import time

import pytest

import rnn_apps
from rnn_apps.serving.app import create_app
from rnn_apps.serving.settings import Settings


def events(body):
    """The (name, data) of each event."""
    found = []
    for block in body.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((fields.get("event", "message"), json.loads(fields["data"])))
    return found


def test_the_parts_come_and_last_the_whole(words):
    with words() as (client, _):
        answer = client.post("/v1/models/words:stream", {"instances": ["one two three"]})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert events(answer.body) == [
        ("message", {"words": ["one"], "count": 1}),
        ("message", {"words": ["one", "two"], "count": 2}),
        ("message", {"words": ["one", "two", "three"], "count": 3}),
        ("done", {}),
    ]


def test_a_part_arrives_before_the_next_is_made(words):
    with words(seconds=0.2) as (client, predictor):
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        connection.request("POST", "/v1/models/words:stream", json.dumps({"instances": ["a b c d e f g h"]}))
        first = connection.getresponse().readline()
        assert first.startswith(b"data: ")
        assert len(predictor.calls) < 8
        connection.close()


def test_a_model_without_parts_streams_the_whole(server):
    answer = server.post("/v1/models/sentiment:stream", {"instances": ["a fine film"]})
    (_, prediction), done = events(answer.body)
    assert prediction == rnn_apps.load("sentiment").predict(["a fine film"])[0].model_dump()
    assert done == ("done", {})


def test_music_comes_note_by_note(serving):
    body = {"instances": [None], "parameters": {"seconds": 2, "seed": 3}}
    with serving(create_app(Settings(("music",), demo=False, access_log=False))) as client:
        *notes, whole, done = events(client.post("/v1/models/music:stream", body).body)
        (expected,) = client.post("/v1/models/music:predict", body).json["predictions"]
    assert len(notes) > 1
    found = [note for _, part in notes for note in part["notes"]]  # in the order of their ends
    assert sorted(found, key=lambda note: (note["start"], note["pitch"])) == expected["notes"]
    assert (whole[1], done[0]) == (expected, "done")


def test_options_reach_the_stream(words):
    with words() as (client, _):
        body = {"instances": ["one two three"], "parameters": {"limit": 1}}
        assert len(events(client.post("/v1/models/words:stream", body).body)) == 2
        body["parameters"] = {"most": 1}
        answer = client.post("/v1/models/words:stream", body)
    assert answer.status == 422
    assert "no option 'most'" in answer.json["error"]


@pytest.mark.parametrize(
    ("body", "words_of_error"),
    [
        ({"instances": ["a", "b"]}, "one input to stream"),
        ({"instances": [3]}, "Expected a text. Received: 3"),
        ({"instances": ["stop"]}, "stopped"),
        ({}, "either instances"),
    ],
)
def test_what_is_wrong_before_the_first_part_is_an_error(words, body, words_of_error):
    with words() as (client, _):
        answer = client.post("/v1/models/words:stream", body)
    assert answer.status == 422
    assert words_of_error in answer.json["error"]


def test_what_goes_wrong_on_the_way_is_an_event(words):
    with words() as (client, _):
        answer = client.post("/v1/models/words:stream", {"instances": ["one stop three"]})
        assert [name for name, _ in events(answer.body)] == ["message", "error"]
        assert events(answer.body)[-1][1] == {"error": "stopped"}
        assert client.post("/v1/models/words:predict", {"instances": ["a"]}).status == 200


def test_a_part_that_takes_too_long_is_an_event(words):
    with words(timeout=0.5) as (client, predictor):
        body = {"instances": ["one two slow four"]}
        assert [name for name, _ in events(client.post("/v1/models/words:stream", body).body)] == ["message"] * 2 + [
            "error"
        ]
        predictor.seconds = 1.5
        assert client.post("/v1/models/words:stream", body).status == 504


def test_who_hangs_up_gets_no_more_parts_made(words):
    with words(seconds=0.05) as (client, predictor):
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        connection.request("POST", "/v1/models/words:stream", json.dumps({"instances": ["word " * 100]}))
        connection.getresponse().readline()
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        time.sleep(0.3)
        made = len(predictor.calls)
        time.sleep(0.3)
        assert len(predictor.calls) == made < 100
        assert client.post("/v1/models/words:predict", {"instances": ["a"]}).status == 200


def typed(port, pieces, path="/v1/models/words:stream"):
    """Sends a text in pieces; yields the event that each brings, before it sends the next."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 60) as sock, sock.makefile("rb") as lines:
        sock.sendall(head.encode())

        def event():
            block = b""
            while not (line := lines.readline()).startswith(b"data: "):
                assert line, "the server has hung up"
                block = line if line.startswith(b"event: ") else block
            return (block or b"event: message").split()[1].decode(), json.loads(line[6:])

        for piece in pieces:
            sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            yield event()
        sock.sendall(b"0\r\n\r\n")
        yield event()


def test_a_text_is_answered_while_it_is_typed(server):
    pieces = [b"The film was ", b"not at all ", "bad é".encode()[:-1], "é".encode()[1:] + b" dull"]
    found = list(typed(server.port, pieces, path="/v1/models/sentiment:stream"))
    model = rnn_apps.load("sentiment")
    start = "The film was "
    texts = [start, start + "not at all ", start + "not at all bad ", start + "not at all bad é dull"]
    assert [name for name, _ in found] == ["message"] * 4 + ["done"]
    assert [data for _, data in found[:-1]] == [model.predict([text])[0].model_dump() for text in texts]


def test_a_text_that_is_none_yet_is_an_error_and_goes_on(server):
    found = list(typed(server.port, [b"<br>", b" fine"], path="/v1/models/sentiment:stream"))
    assert [name for name, _ in found] == ["error", "message", "done"]


def test_what_is_typed_while_an_answer_is_made_is_answered_together(words):
    with words(seconds=0.2) as (client, predictor):
        head = (
            "POST /v1/models/words:stream HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", client.port), 60) as sock:
            sock.sendall(head.encode())
            for letter in b"a b c d e f g h i j":
                sock.sendall(bytes([letter]))
                time.sleep(0.01)
            answer = b""
            while b"event: done" not in answer:
                answer += sock.recv(4096)
    assert predictor.calls[-1] == ["a b c d e f g h i j"]
    assert len(predictor.calls) < 10


def test_a_text_that_gets_too_long_ends_with_an_error(words):
    with words(max_text=10) as (client, _):
        answer = client.post("/v1/models/words:stream", "word " * 3, Content_Type="text/plain; charset=utf-8")
        assert [name for name, _ in events(answer.body)] == ["error"]
        assert "at most 10 characters" in events(answer.body)[0][1]["error"]


def test_whoever_types_nothing_has_finished(words):
    with words(timeout=1.5) as (client, _):
        assert next(typed(client.port, [b"one two"])) == ("message", {"words": ["one", "two"], "count": 2})
        begin = time.monotonic()
        found = list(typed_and_left(client.port))
        assert found[-1] == b"event: done\n"
        assert time.monotonic() - begin < 30


def typed_and_left(port):
    head = (
        b"POST /v1/models/words:stream HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\none"
    )
    with socket.create_connection(("127.0.0.1", port), 60) as sock, sock.makefile("rb") as lines:
        sock.sendall(head)
        for line in lines:
            yield line
            if line == b"event: done\n":
                return


def test_a_model_that_takes_no_text_is_typed_none(server):
    answer = server.post("/v1/models/digits:stream", "text", Content_Type="text/plain")
    assert answer.status == 422
    assert "does not take texts" in answer.json["error"]
