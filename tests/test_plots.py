import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from rnn_apps import plots
from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.plots import choose_fonts, draw_heatmaps, draw_learning_curves
from rnn_apps.views import Heatmap

CHINESE = Heatmap(np.eye(3, 4), ["I", "see", "</s>"], ["我", "看", "见", "</s>"])
ENGLISH = Heatmap(np.full((2, 3), 0.3), ["a", "</s>"], ["b", "c", "</s>"])


def test_every_heat_map_is_drawn(tmp_path):
    assert draw_heatmaps(tmp_path / "one.svg", [ENGLISH]) == []
    draw_heatmaps(tmp_path / "two.png", [ENGLISH, ENGLISH])
    draw_heatmaps(tmp_path / "one.png", [ENGLISH])
    sizes = [int.from_bytes((tmp_path / f"{name}.png").read_bytes()[20:24], "big") for name in ("one", "two")]
    assert sizes[1] > 1.8 * sizes[0]
    assert "<svg" in (tmp_path / "one.svg").read_text()


def test_a_font_is_found_for_each_sign_or_the_sign_is_named():
    families, missing = choose_fonts("a我见\U0010ffff ")
    assert families[0] == "DejaVu Sans"
    assert "\U0010ffff" in missing
    assert not {"a", " "} & missing
    assert len(families) > 1 or {"我", "见"} <= missing


def test_without_a_font_the_reader_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "_installed", tuple)
    (remark,) = draw_heatmaps(tmp_path / "out.png", [CHINESE])
    assert remark.startswith("No installed font has 我 看 见: the picture shows boxes instead.")
    assert (tmp_path / "out.png").stat().st_size > 1000


def test_a_file_that_is_no_font_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    monkeypatch.setattr(plots, "_installed", lambda: (str(tmp_path / "broken.ttf"),))
    assert choose_fonts("我") == (["DejaVu Sans"], {"我"})


@pytest.mark.parametrize("name", ["out.txt", "out"])
def test_only_pictures_are_drawn(tmp_path, name):
    with pytest.raises(ConfigError, match=r"Expected the name of a picture, .png, .svg, .pdf. Received:"):
        draw_heatmaps(tmp_path / name, [ENGLISH])


def test_a_place_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        draw_heatmaps(tmp_path / "no" / "out.png", [ENGLISH])


ROWS = [
    {"epoch": float(n), "loss": 1 / n, "val_loss": 1.1 / n, "val_f1": 0.123456789 * n, "gradient_norm": 2.0}
    for n in (1, 2, 3)
]


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_curves_are_a_picture(tmp_path, epochs):
    draw_learning_curves(tmp_path / "curves.png", ROWS[:epochs], "f1", best_epoch=1)
    picture = (tmp_path / "curves.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(picture[place : place + 4], "big") for place in (16, 20))
    assert width > 1000
    assert height > 300


def test_a_mark_of_a_few_points_keeps_its_colour(tmp_path):
    draw_learning_curves(tmp_path / "curves.png", ROWS[:1], "f1", best_epoch=1)
    with Image.open(tmp_path / "curves.png") as picture:
        colours = np.array(picture.convert("RGB")).reshape(-1, 3)
    for colour in ("C0", "C1"):  # training and validation
        wanted = np.round(np.array(to_rgb(colour)) * 255)
        assert np.abs(colours - wanted).sum(axis=1).min() < 10, colour


def test_a_task_without_a_validation_loss(tmp_path):
    rows = [{name: value for name, value in row.items() if name != "val_loss"} for row in ROWS]
    draw_learning_curves(tmp_path / "curves.png", rows, "f1", best_epoch=1)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_drawing_leaves_no_figure_open(tmp_path):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    draw_learning_curves(tmp_path / "curves.png", ROWS, "f1", best_epoch=1)
    assert pyplot.get_fignums() == before
