"""A server in a thread, the way to talk to it, and one in a process of its own."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("fastapi", reason='needs the extra "serve"')

import uvicorn

from rnn_apps.bundle import Bundle
from rnn_apps.errors import DataError
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import Prediction, Predictor
from rnn_apps.model import Model
from rnn_apps.serving.app import create_app
from rnn_apps.serving.server import bind
from rnn_apps.serving.settings import Limits, Settings
from rnn_apps.task import find_task

COMMAND = Path(sys.executable).with_name("rnnapps")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """Talks to a server, on a connection of its own each time."""

    def __init__(self, port):
        self.port = port

    def request(self, method, path, body=None, **headers):
        if not isinstance(body, bytes | str | None):
            body = json.dumps(body)
        body = body.encode() if isinstance(body, str) else body
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)) as connection:
            connection.request(method, path, body, names)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def post(self, path, body, **headers):
        return self.request("POST", path, body, **headers)


@contextlib.contextmanager
def running(app):
    """Serves an application in a thread and gives a client of it."""
    sock = bind("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    try:
        yield Client(sock.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def server():
    """A client of a server with three models that ship."""
    with running(create_app(Settings(("sentiment", "ner", "digits"), demo=False, access_log=False))) as client:
        yield client


class Words(Prediction):
    """The words of a text, and how many there are."""

    words: list[str]
    count: int


class WordOptions(Options):
    """How many words are said at most."""

    limit: int | None = None


class WordPredictor(Predictor):
    """Splits texts into words, slowly; its stream adds one word a part."""

    Options = WordOptions
    examples = ("one two three",)

    def __init__(self, seconds=0.0):
        self.seconds, self.calls = seconds, []

    def answer(self, inputs, options) -> list[Words]:
        self.calls.append(list(inputs))
        time.sleep(self.seconds)
        if "fault" in inputs:
            raise ZeroDivisionError
        return [Words(words=text.split(), count=len(text.split())) for text in inputs]

    def parts(self, given, options):
        if not isinstance(given, str):
            raise DataError(f"Expected a text. Received: {given!r}")
        words = given.split()[: options.limit]
        for count in range(1, len(words) + 1):
            time.sleep(1.5 if words[count - 1] == "slow" else self.seconds)
            if words[count - 1] == "stop":
                raise DataError("stopped")
            self.calls.append(count)
            yield Words(words=words[:count], count=count)


class WordModel(Model):
    """A saved model that needs no files."""

    def __init__(self, predictor):
        super().__init__(Bundle(Path("words"), {"metrics": {}, "parameters": 0}))
        self._predictor = predictor

    task = find_task("sentiment")
    predictor = property(lambda self: self._predictor)


@pytest.fixture
def words(monkeypatch, serving):
    """Serves a model that counts words, each call taking so many seconds: a context manager, client and predictor."""

    @contextlib.contextmanager
    def serve(seconds=0.0, **limits):
        predictor = WordPredictor(seconds)
        monkeypatch.setattr("rnn_apps.serving.app.load", lambda name: WordModel(predictor))
        settings = Settings(("words",), demo=False, access_log=False, limits=Limits(**limits))
        with serving(create_app(settings)) as client:
            yield client, predictor

    return serve


@pytest.fixture(scope="session")
def serving():
    """Serves an application in a thread: a context manager that gives a client."""
    return running


class Process(NamedTuple):
    """`rnnapps serve` in a process of its own."""

    popen: subprocess.Popen
    client: Client
    address: str
    log: Path

    def stop(self, number=signal.SIGTERM):
        self.popen.send_signal(number)
        return self.popen.wait(250)


@pytest.fixture
def serve_process(tmp_path):
    """Starts `rnnapps serve` with arguments on a free port and waits until it is ready."""
    processes = []

    def start(*arguments, cwd=tmp_path, **environment):
        log = tmp_path / f"log{len(processes)}"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [COMMAND, "serve", *map(str, arguments), "--port", "0"],
                cwd=cwd,
                stderr=file,
                env=os.environ | environment,
            )
        processes.append(process)
        while not (ready := [line for line in log.read_text().splitlines() if line.startswith("Serving ")]):
            assert process.poll() is None, log.read_text()
            time.sleep(0.005)
        address = ready[0].split(" at ")[1].split()[0]
        return Process(process, Client(int(address.rpartition(":")[2])), address, log)

    yield start
    for process in processes:
        process.kill()
        process.wait()
