"""Probing hosts before a download."""

import socket
import threading
import time
from types import SimpleNamespace

import pytest

from rnn_apps.data.readers import connectivity
from rnn_apps.data.readers.connectivity import why_unreachable


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server():
    """A server that answers with `reply`; it keeps the first bytes that each client sent."""
    server = SimpleNamespace(received=[], reply=b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    server.received.append(client.recv(4096))
                    client.sendall(server.reply)

        threading.Thread(target=serve, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_host_that_answers_whatever_it_says(server):
    assert why_unreachable([f"http://127.0.0.1:{server.port}/data.zip"]) is None


def test_one_of_several_is_enough(server):
    assert why_unreachable([f"http://127.0.0.1:{closed_port()}/a", f"http://localhost:{server.port}/b"]) is None


def test_no_addresses_need_no_network():
    assert why_unreachable([]) is None


def test_a_host_that_refuses():
    assert why_unreachable([f"http://127.0.0.1:{closed_port()}/a"]) == "no connection to 127.0.0.1 (Connection refused)"


def test_many_hosts_in_one_phrase():
    reason = why_unreachable([f"http://127.0.0.{last}:{closed_port()}/a" for last in (1, 2, 3, 4)])
    assert reason.endswith("or 2 more hosts")


def test_name_resolution_that_hangs(monkeypatch):
    monkeypatch.setattr(connectivity, "DEADLINE_SECONDS", 0.2)

    def hang(*args, **kwargs):
        time.sleep(3)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    start = time.monotonic()
    assert why_unreachable(["https://a.test/x"]) == "no connection to a.test (no answer within 0.2 s)"
    assert time.monotonic() - start < 2


def test_a_proxy_is_asked_for_a_tunnel(server, monkeypatch):
    server.reply = b"HTTP/1.1 403 Forbidden\r\n\r\n"
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{server.port}")
    assert "403 Forbidden" in why_unreachable(["https://data.test/x"])
    assert server.received[0].startswith(b"CONNECT data.test:443 ")
    assert b"Authorization: Basic dXNlcjpwQHNz" in server.received[0]


def test_proxy_for_plain_http(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{server.port}")
    assert why_unreachable(["http://data.test/x"]) is None


def test_no_proxy_names_the_host(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert why_unreachable([f"http://127.0.0.1:{server.port}/x"]) is None
