"""Makes the pictures of pages in docs/images/ anew, with the shipped models: after one of them has changed.

    python docs/pictures.py

Needs Chromium, and what the extras "all" and "test" install.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).with_name("images")
REVIEW = "The film was not good at all, but I loved the ending."
SENTENCE = "I have never seen a film like this."
NAMES = "Ada Lovelace met Charles Babbage in London and wrote for the Royal Society."
COMMAND = Path(sys.executable).with_name("rnnapps")


def main() -> None:
    """Makes them."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        inside = browser.new_page(viewport={"width": 900, "height": 740})
        inside.goto(_inspected("sentiment", REVIEW, Path(folder)))
        inside.get_by_label("Layer").select_option(label="LSTM, layer 2, forward")
        inside.get_by_label("Gate or state").select_option(label="Γf, forget gate")
        inside.get_by_label("Units sorted by").select_option(label="how long they remember")
        _take(inside, "look-gates.png", 900)
        inside.get_by_role("tab", name="Gradient through time").click()
        _take(inside, "look-gradient.png", 612)
        inside.get_by_role("tab", name="Why this answer").click()
        inside.get_by_label("Method").select_option(label="leave one out")
        _take(inside, "look-why.png", 576)
        inside.goto(_inspected("translation", SENTENCE, Path(folder)))
        inside.get_by_role("tab", name="How it was found").click()
        _take(inside, "look-search.png", 900)
        demo = browser.new_page(viewport={"width": 800, "height": 600})
        with _served("sentiment", "ner", "translation", "music", "digits") as address:
            demo.goto(address)
            demo.get_by_role("tab", name="ner", exact=True).click()
            panel = demo.get_by_role("tabpanel").locator("visible=true").first
            panel.get_by_label("Text").fill(NAMES)
            panel.get_by_role("button", name="Find entities").click()
            panel.locator("mark").nth(3).wait_for()
            demo.mouse.click(790, 590)  # nothing has the focus
            _take(demo, "demo.png", 600)
        browser.close()


def _inspected(model: str, text: str, folder: Path) -> str:
    page = folder / f"{model}.html"
    subprocess.run([COMMAND, "inspect", model, text, "--view", "all", "--output", page], check=True)
    return page.as_uri()


@contextmanager
def _served(*models: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [COMMAND, "serve", *models, "--port", str(port), "--no-access-log"]
    process = subprocess.Popen(serve, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(address):
            if process.poll() is not None:
                sys.exit("The server ended before it answered; what it said stands above.")
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        urlopen(address).close()
    except URLError:
        return False
    return True


def _take(page: Any, name: str, height: int) -> None:
    """Writes the top of a page, in 256 colours."""
    page.wait_for_timeout(500)  # what moves has come to rest
    width = page.viewport_size["width"]
    path = IMAGES / name
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": width, "height": height}, full_page=True)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
