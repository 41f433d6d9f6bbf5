"""The demo page, in a real browser."""

import socket
import sys
import time
from importlib.util import find_spec

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rnn_apps.model import load
from rnn_apps.serving.app import create_app
from rnn_apps.serving.models import ServedModels
from rnn_apps.serving.pages import demo as demo_module
from rnn_apps.serving.pages.demo import DemoPage
from rnn_apps.serving.settings import Limits, Settings
from serving.pages.echo import EchoPredictor, FilePredictor, Words, model_of, serving

# looked for, not imported: every worker reads this file, and one runs it
pytestmark = pytest.mark.skipif(not find_spec("gradio"), reason="the extra 'demo' is not installed")

strangers: list[object] = []


def watch_connections(event, arguments):
    if event == "socket.connect" and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        address = arguments[1]
        if address[0] not in ("127.0.0.1", "::1", "localhost"):
            strangers.append(address)


@pytest.fixture(scope="module")
def address():
    sys.addaudithook(watch_connections)
    models = [
        load("sentiment"),
        load("ner"),
        load("digits"),
        model_of(EchoPredictor(), "echo"),
        model_of(FilePredictor(), "file"),
    ]
    with serving(ServedModels(models, Limits())) as address:
        yield address


@pytest.fixture(scope="module")
def window(browser, address):
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.trouble = []
    page.on("request", lambda request: page.trouble.append(request.url) if outside(request.url, address) else None)
    page.on("console", lambda message: page.trouble.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("dialog", lambda dialog: page.trouble.append(dialog.message))
    return page


@pytest.fixture
def page(window, address):
    window.set_viewport_size({"width": 1200, "height": 800})
    window.goto(address)
    window.get_by_role("tab", name="sentiment").wait_for()
    return window


def outside(url, address):
    return not url.startswith((address, "data:", "blob:"))


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel").locator("visible=true").first


def bars(panel):
    panel.locator(".bar").first.wait_for()
    return [bar.inner_text().split("\n") for bar in panel.locator(".bar").all()]


def test_a_text_is_classified_while_it_is_typed(page):
    panel = open_tab(page, "sentiment")
    panel.get_by_label("Text").press_sequentially("A wonderful film", delay=5)
    page.wait_for_function("document.querySelectorAll('.bar').length == 2")
    page.wait_for_timeout(300)
    (expected,) = load("sentiment").predict(["A wonderful film"])
    assert bars(panel)[0] == [expected.label, f"{expected.probability:.1%}"]


def test_entities_are_marked(page):
    panel = open_tab(page, "ner")
    panel.get_by_label("Text").fill("Ada Lovelace lived in London.")
    panel.get_by_role("button", name="Find entities").click()
    panel.locator("mark").first.wait_for()
    (expected,) = load("ner").predict(["Ada Lovelace lived in London."])
    assert [mark.inner_text().split("\n")[0] for mark in panel.locator("mark").all()] == [
        f"{entity.text}{entity.type} {entity.probability:.0%}" for entity in expected.entities
    ]


def test_a_model_is_looked_into(page):
    panel = open_tab(page, "ner")
    panel.get_by_label("Text").fill("Ada Lovelace lived in London.")
    panel.get_by_role("button", name="Look inside").click()
    inside = panel.frame_locator("iframe")
    inside.get_by_role("tab", name="How it was found").click()
    assert inside.locator("svg").count() >= 1
    assert inside.locator(".answer").inner_text() == "Ada Lovelace (PER), London (LOC)"
    inside.get_by_role("tab", name="Gates").click()
    inside.get_by_label("Gate or state").select_option(index=1)
    assert inside.get_by_text("Γf, forget gate, unit by unit").is_visible()


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("sentiment", {"given": ""}, "the text is empty"),
        ("sentiment", {"given": 7}, "Expected texts"),
        ("ner", {"given": "a man " * 600}, "at most 1,000 steps"),
        ("echo", {"given": "a"}, "does not say what of it can be looked into"),
    ],
)
def test_what_cannot_be_looked_into_is_told(address, name, body, message):
    response = httpx.post(f"{address}/inside/{name}", json=body, timeout=30)
    assert response.status_code == 200
    assert message in response.json()
    assert 'role="alert"' in response.json()


def test_an_example_is_tried_with_one_press(page):
    panel = open_tab(page, "ner")
    example = load("ner").predictor.examples[1]
    panel.get_by_role("button", name=example).click()
    panel.locator("mark").first.wait_for()
    assert panel.get_by_label("Text").input_value() == example


def test_a_digit_is_drawn_with_the_mouse(page):
    panel = open_tab(page, "digits")
    box = panel.locator("canvas").bounding_box()
    x, top, bottom = box["x"] + box["width"] / 2, box["y"] + 40, box["y"] + box["height"] - 40
    page.mouse.move(x, top)
    page.mouse.down()
    page.mouse.move(x, bottom, steps=5)
    page.mouse.up()
    assert bars(panel)[0][0] == "1"
    panel.get_by_role("button", name="Wipe").click()
    panel.get_by_role("alert").wait_for()
    assert "Draw on it" in panel.get_by_role("alert").inner_text()


def test_a_drawn_example_is_what_the_model_would_read(page):
    panel = open_tab(page, "digits")
    panel.get_by_role("button", name="Example 3").click()
    model = load("digits")
    (expected,) = model.predict([model.predictor.examples[2]])
    assert bars(panel)[0] == [expected.label, f"{expected.probability:.1%}"]


def test_everything_works_with_the_keyboard_alone(page):
    tab_to(page, "ner")
    page.keyboard.press("Enter")
    tab_to(page, "Text")
    page.keyboard.type("She moved to Paris.")
    tab_to(page, "Find entities")
    page.keyboard.press("Enter")
    page.locator("mark:visible").first.wait_for()
    assert page.locator("mark:visible").first.inner_text().startswith("Paris")


def test_a_digit_is_drawn_with_the_keyboard(page):
    panel = open_tab(page, "digits")
    tab_to(page, "Drawing")
    for key in ["ArrowUp"] * 10 + [" "] + ["ArrowDown"] * 20 + [" "]:
        page.keyboard.press(key)
    deadline = time.monotonic() + 20
    while bars(panel)[0][0] != "1":  # what is drawn is answered while it is drawn
        assert time.monotonic() < deadline
    page.keyboard.press("Delete")
    panel.get_by_role("alert").wait_for()


def tab_to(page, name):
    """Presses Tab until what has this name has the focus."""
    names = []
    for _ in range(20):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "() => { const e = document.activeElement;"
                " return (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '').trim() }"
            )
        )
        if names[-1] == name:
            return
    raise AssertionError(f"{name!r} never has the focus: {names}")


def test_a_narrow_screen_needs_no_scrolling_sideways(page):
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("sentiment", "ner", "digits"):
        panel = open_tab(page, name)
        panel.locator("button.example").first.click()
        panel.locator(".views").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        result, example = panel.locator(".views").bounding_box(), panel.locator("button.example").first.bounding_box()
        assert result["y"] < example["y"]


def test_a_wide_table_scrolls_by_itself(page):
    panel = open_tab(page, "echo")
    panel.get_by_label("Text").fill("somewhat longer words " * 5)
    panel.get_by_role("button", name="Say").click()
    panel.locator("tbody tr").nth(14).wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    place = panel.locator(".scroll").bounding_box()
    assert place["x"] + place["width"] <= 390
    assert panel.locator("table").bounding_box()["width"] > place["width"]


def test_a_task_of_somebody_else_has_its_tab_and_streams(page):
    panel = open_tab(page, "echo")
    panel.get_by_label("Text").fill("one two three four five six")
    panel.get_by_role("spinbutton").fill("2")
    panel.get_by_label("Voice").click()
    page.get_by_role("option", name="loud").click()
    panel.get_by_role("button", name="Say").click()
    seen = set()
    whole = "ONE TWO THREE FOUR FIVE SIX ONE TWO THREE FOUR FIVE SIX"
    until = time.monotonic() + 10
    while whole not in seen and time.monotonic() < until:
        seen.update(panel.locator(".views p").all_inner_texts())
    assert whole in seen
    assert len(seen) > 2
    assert all(whole.startswith(part) for part in seen)


def test_a_file_is_read(page):
    panel = open_tab(page, "file")
    with page.expect_response("**/gradio_api/upload*"):
        file = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"read me"}
        panel.locator("input[type=file]").set_input_files(file)
    panel.locator(".file-preview").wait_for()
    panel.get_by_role("button", name="Read", exact=True).click()
    panel.locator(".views p", has_text="read me").wait_for()


def test_what_is_typed_is_shown_and_not_obeyed(page):
    panel = open_tab(page, "echo")
    text = "<img src=x onerror=alert(1)> ${alert(2)} {{value}} `"
    panel.get_by_label("Text").fill(text)
    panel.get_by_role("button", name="Say").click()
    panel.locator(".views p", has_text="`").wait_for()
    assert panel.locator(".views p").inner_text() == text


def test_a_text_that_cannot_be_used_is_told(page):
    panel = open_tab(page, "sentiment")
    panel.get_by_role("button", name="Classify").click()
    panel.get_by_role("alert").wait_for()
    assert "the text is empty" in panel.get_by_role("alert").inner_text()
    panel.get_by_label("Text").fill("long " * 5000)
    panel.get_by_role("button", name="Classify").click()
    panel.get_by_text("expected at most 20,000 characters").wait_for()


def test_the_page_has_called_nobody_and_complained_of_nothing(window):
    assert window.trouble == []
    assert strangers == []


WATCH_BUSY = """new MutationObserver(() => { window.wasBusy ||= !!document.querySelector('[aria-busy]') })
    .observe(document, {subtree: true, attributes: true, attributeFilter: ['aria-busy']})"""


def test_any_process_answers_and_streams(browser, serve_process):
    served = serve_process("translation", "--workers", "2", "--no-access-log")
    page = browser.new_page()
    page.goto(served.address)
    panel = page.get_by_role("tabpanel").locator("visible=true").first
    sentences = "The old house is too small for us. Tom went to the market with his brother this morning. " * 2
    panel.get_by_label("Text").fill(sentences)
    (expected,) = load("translation").predict([sentences])
    page.evaluate(WATCH_BUSY)
    for _ in range(3):  # requests find now one process, now the other
        page.evaluate("window.wasBusy = false")
        panel.get_by_role("button", name="Translate").click()
        page.wait_for_function("window.wasBusy && !document.querySelector('[aria-busy]')")
        assert panel.locator(".views p").first.inner_text() == expected.translation
        parts = httpx.post(f"{served.address}/answers/translation", json={"given": sentences}).text.splitlines()
        assert len(parts) > 1
    page.close()


def test_a_part_that_nobody_can_see_is_not_sent(address):
    class Quick(EchoPredictor):
        def parts(self, given, options):
            yield from (Words(text=str(number)) for number in range(5000))

    with serving(ServedModels([model_of(Quick(), "quick")], Limits())) as other:
        response = httpx.post(f"{other}/answers/quick", json={"given": "x", "options": {}})
    lines = response.text.splitlines()
    assert ">4999<" in lines[-1]
    assert len(lines) < 500


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"given": None, "options": {}}, "Expected texts. Input 1 is of the type NoneType."),
        ({"given": "fine", "options": {"beam": 3}}, "beam"),
        ({"given": "x" * 30_000}, "at most 20,000 characters"),
    ],
)
def test_what_the_page_would_not_send_is_told(address, body, message):
    response = httpx.post(f"{address}/answers/sentiment", json=body)
    assert response.status_code == 200
    assert 'role=\\"alert\\"' in response.text
    assert message in response.text


@pytest.mark.parametrize(
    ("name", "body", "status"), [("none", b"{}", 404), ("digits", b"[", 400), ("digits", b'{"options": []}', 422)]
)
def test_an_answer_that_cannot_be_asked_for_is_refused(name, body, status):
    with TestClient(create_app(Settings(("digits",)))) as client:
        response = client.post(f"/answers/{name}", content=body)
        assert (response.status_code, list(response.json())) == (status, ["error"])
        assert "/answers" not in client.get("/openapi.json").text


def app_of(page):
    app = FastAPI()
    app.mount("/", page)
    return app


@pytest.mark.parametrize(
    "path", ["/v1/models", "/gradio_api/heartbeat/x", "/monitoring", "/gradio_api/file=/etc/passwd"]
)
def test_nothing_else_is_there(address, path):
    assert httpx.get(address + path).status_code == 404


def test_without_the_extra_the_page_says_what_to_install(monkeypatch):
    monkeypatch.setattr(demo_module, "find_spec", lambda name: None)
    response = TestClient(app_of(DemoPage(ServedModels([], Limits()), Limits()))).get("/")
    assert response.status_code == 200
    assert 'pip install "rnn-apps[demo]"' in response.text


def test_a_page_that_cannot_be_made_is_told(monkeypatch):
    monkeypatch.setattr(demo_module, "_make", lambda models, limits: 1 / 0)
    with TestClient(app_of(DemoPage(ServedModels([], Limits()), Limits()))) as client:
        assert "cannot be made" in client.get("/").text


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"data": [1], "fn_index": 99}', b'{"fn_index": "x"}', b"\xff", b"[" * 5000, b"null"]
)
def test_hostile_bodies_break_nothing(address, body):
    response = httpx.post(
        address + "/gradio_api/run/predict", content=body, headers={"content-type": "application/json"}
    )
    assert 400 <= response.status_code < 500


def test_a_body_that_is_too_large_is_refused():
    app = create_app(Settings(("digits",), limits=Limits(max_body=1000)))
    with TestClient(app) as client:
        assert "Classify a small grey image" in client.get("/").text
        response = client.post("/gradio_api/run/predict", content=b"x" * 2000)
    assert response.status_code == 413
    assert "at most 1,000 bytes" in response.json()["error"]
