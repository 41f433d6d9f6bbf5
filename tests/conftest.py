"""What the tests share: how to call the command line, and two tiny models that are trained once."""

import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import hypothesis
import numpy as np
import pytest

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("repeatable")

COMMAND = Path(sys.executable).with_name("rnnapps")

DIGITS_SETTINGS = {"model": {"units": 16}, "training": {"epochs": 3, "batch_size": 128}}
SENTIMENT_SETTINGS = {
    "model": {"units": 8, "layers": 1, "embedding": 8},
    "training": {"epochs": 2, "batch_size": 32, "learning_rate": 0.01, "checkpoint_seconds": 0.0},
    "data": {"vocabulary_size": 400},
}


def as_flags(settings):
    """The settings as the command line takes them."""
    return [f"--set={section}.{name}={value}" for section, own in settings.items() for name, value in own.items()]


class Result(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    stdout: str
    stderr: str


def call_inside(*arguments, stdin=b""):
    """Calls the command line inside this process, which has TensorFlow already; an exception that escapes is raised."""
    from rnn_apps.cli.main import main

    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    status = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        patch.setattr(sys, "argv", ["rnnapps", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    return Result(status, *(stream.buffer.getvalue().decode() for stream in streams))


@pytest.fixture(scope="session")
def inside():
    """Calls the command line inside this process, in whatever folder it is."""
    return call_inside


@pytest.fixture
def rnnapps(tmp_path, monkeypatch):
    """Calls the command line inside this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return call_inside


@pytest.fixture(scope="session")
def command():
    """Calls the installed command in a process of its own."""

    def call(*arguments, cwd, stdin=b"", raw=False, **environment):
        done = subprocess.run(
            [COMMAND, *map(str, arguments)], cwd=cwd, input=stdin, capture_output=True, env=os.environ | environment
        )
        return done.stdout if raw else Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture(scope="session")
def run_python():
    """Runs a piece of Python in a process of its own and returns how it ended."""

    def call(code, *arguments, cwd=None, **environment):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            env=os.environ | environment,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory):
    """Trains a model that several workers need in one of them; the others wait, and load it."""
    from filelock import FileLock

    import rnn_apps

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def trained(name, train):
        output = folder / "trained" / name
        output.parent.mkdir(exist_ok=True)
        with FileLock(f"{output}.lock"):
            if not (output / "bundle.json").exists():
                train(output)
        return rnn_apps.load(output)

    return trained


@pytest.fixture(scope="module")
def browser():
    """Chromium, where it is installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"no browser is installed: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def digits_settings():
    """The options that `digits_run` was called with."""
    return as_flags(DIGITS_SETTINGS)


@pytest.fixture(scope="session")
def sentiment_settings():
    """The options that train what `sentiment_model` is."""
    return as_flags(SENTIMENT_SETTINGS)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory, command):
    """(folder, result) of `rnnapps run digits` on the built-in sample with small settings."""
    folder = tmp_path_factory.mktemp("digits")
    return folder, command("run", "digits", *as_flags(DIGITS_SETTINGS), cwd=folder)


@pytest.fixture(scope="session")
def digits_model(trained_once):
    """Folder of a small digits model, trained through the Python API."""
    import rnn_apps

    def train(output):
        rnn_apps.train("digits", config=DIGITS_SETTINGS, output=output, progress=False)

    return trained_once("small-digits", train).bundle.folder


@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    """A .tsv of 240 labelled reviews, sorted by class."""
    from rnn_apps.tasks.sentiment.sample import examples

    path = tmp_path_factory.mktemp("data") / "reviews.tsv"
    path.write_text("".join(f"{label}\t{text}\n" for label, text in sorted(list(examples())[:240])), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def sentiment_model(trained_once, reviews):
    """Folder of a small sentiment model, trained through the Python API."""
    import rnn_apps

    def train(output):
        rnn_apps.train("sentiment", reviews, config=SENTIMENT_SETTINGS, output=output, progress=False)

    return trained_once("opinion", train).bundle.folder


@pytest.fixture
def digits_copy(digits_model, tmp_path):
    """A digits model that a test may damage."""
    return shutil.copytree(digits_model, tmp_path / "damaged")


@pytest.fixture
def files_below():
    """Returns the paths of everything below a folder, hidden things too."""

    def listing(folder):
        return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))

    return listing


@pytest.fixture
def fails(rnnapps, tmp_path, files_below):
    """Calls the command line and makes sure that it fails as it should; returns what it said."""

    def call(*arguments, stdin=b""):
        before = files_below(tmp_path)
        result = rnnapps(*arguments, stdin=stdin)
        assert result.status == 2, result
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert [name for name in files_below(tmp_path) if name not in before] in ([], ["saved_models"])
        return result.stderr

    return call


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "images.npz", images=rng.uniform(size=(60, 8, 8)), labels=np.arange(60) % 3)
    return tmp_path / "images.npz"


@pytest.fixture
def mount(tmp_path):
    """Mounts a small disk of its own at `disk`."""
    place = tmp_path / "disk"
    place.mkdir()

    def call(options):
        tool = shutil.which("mount")
        done = tool and subprocess.run([tool, "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True)
        if not done or done.returncode:
            pytest.skip("no right to mount a disk here")

    yield call
    subprocess.run(["umount", "-l", place], capture_output=True)


@pytest.fixture
def in_parts():
    """Makes lists of items the parts of one whole."""
    from rnn_apps.data.parts import Parts

    class Lists(Parts):
        def __init__(self, lists):
            self.lists, self.count = lists, len(lists)

        def each(self, function):
            return map(function, self.lists)

    return Lists
