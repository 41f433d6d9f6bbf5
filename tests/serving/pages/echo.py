"""A task that the demo page has never heard of, and a server for its page."""

import base64
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import uvicorn
from fastapi import FastAPI

from rnn_apps.bundle import Bundle
from rnn_apps.inference.options import Options, option
from rnn_apps.inference.predictor import Prediction, Predictor
from rnn_apps.model import Model
from rnn_apps.serving.pages import answers, inside
from rnn_apps.serving.pages.demo import DemoPage
from rnn_apps.serving.settings import Limits
from rnn_apps.tasks.sentiment.task import SentimentTask
from rnn_apps.views import ChoiceOption, FileInput, Heatmap, InputView, NumberOption, Text


class Words(Prediction):
    text: str


class EchoOptions(Options):
    """How an input is said again."""

    times: int = option(1, "How often.", NumberOption("Times", 1, 1, 4, 1))
    voice: Literal["plain", "loud"] = option("plain", "How.", ChoiceOption("Voice", "plain", ("plain", "loud")))


class EchoPredictor(Predictor):
    """Says an input again, a word at a time."""

    Options = EchoOptions
    examples = ("one two three",)

    def __init__(self):
        """Needs no bundle."""

    def answer(self, inputs, options) -> list[Words]:
        return [list(self.parts(given, options))[-1] for given in inputs]

    def parts(self, given, options):
        words = " ".join([given] * options.times).split()
        for count in range(1, len(words) + 1):
            time.sleep(0.05)
            said = " ".join(words[:count])
            yield Words(text=said.upper() if options.voice == "loud" else said)

    def input_view(self):
        return InputView(action="Say")

    def views(self, given, prediction):
        words = prediction.text.split()
        return [Text(prediction.text), Heatmap(np.eye(len(words)), words, words)]


class FilePredictor(EchoPredictor):
    """Takes files."""

    Options = Options

    def parts(self, given, options):
        return super().parts(given, EchoOptions())

    def input_view(self):
        return InputView(FileInput((".txt",), "Words"), action="Read")

    def from_json(self, value):
        return base64.b64decode(value["b64"]).decode()


class EchoTask(SentimentTask):
    """A task that the page has never heard of."""

    summary = "say a text again"


def model_of(predictor, name):
    model = Model(Bundle(Path(name), {"metrics": {}, "parameters": 0}))
    model.__dict__ |= {"task": EchoTask(), "predictor": predictor}
    return model


@contextmanager
def serving(models, limits=Limits()):  # noqa: B008 (frozen)
    """Serves models in a thread; gives the address."""
    page = DemoPage(models, limits)

    @asynccontextmanager
    async def lifespan(_):
        async with page.lifespan():
            yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(answers.routes(models, limits))
    app.include_router(inside.routes(models, limits))
    app.mount("/", page)
    server = uvicorn.Server(uvicorn.Config(app, port=0, ws="none", log_level="error", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join(10)
