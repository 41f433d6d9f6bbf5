"""Training in a notebook: a picture that follows it, and nothing that changes the notebook's own pictures."""

import sys
from types import SimpleNamespace

import pytest

from rnn_apps.progress import Reporter


class Handle:
    def __init__(self, shown):
        self.shown = shown

    def update(self, image):
        self.shown.append(image)


@pytest.fixture
def notebook(monkeypatch):
    """A reporter as in a notebook, and the pictures that it shows."""
    shown = []

    def display(image, display_id):
        shown.append(image)
        return Handle(shown)

    fake = SimpleNamespace(Image=lambda content: content, display=display)
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(display=fake))
    reporter = Reporter()
    reporter.console.is_jupyter = True
    return reporter, shown


def test_a_picture_takes_the_place_of_the_one_before(notebook):
    reporter, shown = notebook
    for content in (b"one", b"two"):
        reporter.picture(lambda path, content=content: path.write_bytes(content))
    assert shown == [b"one", b"two"]


def test_elsewhere_nothing_is_drawn():
    Reporter().picture(lambda path: pytest.fail("drawn"))


def test_pictures_leave_the_backend_alone(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    from rnn_apps.plots import draw_learning_curves

    before = matplotlib.get_backend()
    matplotlib.use("svg")
    rows = [{"epoch": n, "loss": 1 / n, "val_loss": 1 / n, "val_f1": 0.5, "gradient_norm": 1.0} for n in (1, 2)]
    draw_learning_curves(tmp_path / "curves.png", rows, "f1", 2)
    assert matplotlib.get_backend() == "svg"
    matplotlib.use(before)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
