import json
import re
import shlex
from html import unescape

import pytest


@pytest.fixture(scope="module")
def page(server):
    answer = server.get("/docs")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.body.decode()


def test_every_route_is_on_the_page(server, page):
    for path, methods in server.get("/openapi.json").json["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}</code>" in page


def test_the_commands_on_the_page_work(server, page):
    texts = re.findall("<pre>(.*?)</pre>", page, re.DOTALL)
    commands = [shlex.split(unescape(text).replace("\\\n", "")) for text in texts]
    assert len(commands) == 3
    for name, address, flag, body in commands:
        assert (name, flag) == ("curl", "-d")
        origin, path = re.fullmatch(r"(http://127\.0\.0\.1:\d+)(/v1/models/.*)", address).groups()
        assert origin == f"http://127.0.0.1:{server.port}"
        assert len(server.post(path, json.loads(body)).json["predictions"]) == 1


def test_the_page_calls_nothing_from_outside(page):
    assert re.findall(r"(?:src|href)=\"([^\"]*)", page) == ["openapi.json"]
    assert "@import" not in page
    assert "<script" not in page


def test_without_a_demo_the_root_leads_to_the_page(server):
    answer = server.get("/")
    assert (answer.status, answer.headers["location"]) == (307, "docs")
