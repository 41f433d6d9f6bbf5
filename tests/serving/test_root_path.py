"""Behind a proxy that hands requests on under a prefix: the API, its document and the page, with nginx in front."""

import shutil
import socket
import subprocess
import time

import httpx
import pytest

CONFIG = """
worker_processes 1; daemon off; error_log {folder}/error; pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /rnn/ {{ proxy_pass {address}/; proxy_http_version 1.1; proxy_set_header Host $http_host; }}
  }}
}}
"""


@pytest.fixture
def proxy(serve_process, tmp_path):
    """The address of a server's root behind nginx."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    served = serve_process("sentiment", "--root-path", "/rnn", "--no-access-log")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "nginx.conf").write_text(CONFIG.format(folder=tmp_path, port=port, address=served.address))
    running = subprocess.Popen([nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/rnn"
    for _ in range(200):
        try:
            httpx.get(f"{address}/v2/health/live")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield address
    running.terminate()
    running.wait()


def test_everything_is_found_under_the_prefix(proxy):
    found = httpx.post(f"{proxy}/v1/models/sentiment:predict", json={"instances": ["fine"]})
    assert found.json()["predictions"][0]["label"] == "positive"
    assert f"{proxy}/v1/models/sentiment:predict" in httpx.get(f"{proxy}/docs").text
    assert httpx.get(f"{proxy}/openapi.json").json()["servers"] == [{"url": "/rnn"}]
    assert httpx.get(f"{proxy}/v2/health/ready").status_code == 200
    assert httpx.get(f"{proxy}/nothing").status_code == 404
    page = httpx.get(f"{proxy}/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("prefix", ["rnn", "/", "/a b", "//x"])
def test_a_prefix_that_is_none_is_refused(rnnapps, prefix):
    result = rnnapps("serve", "sentiment", "--root-path", prefix)
    assert result.status == 2
    assert "Expected a --root-path such as /rnn" in result.stderr
