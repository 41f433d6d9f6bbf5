import csv

import pytest

from rnn_apps.training.history import draw_learning_curves, write_history

ROWS = [
    {"epoch": float(n), "loss": 1 / n, "val_loss": 1.1 / n, "val_f1": 0.123456789 * n, "gradient_norm": 2.0}
    for n in (1, 2, 3)
]


def test_the_table_has_a_header_and_a_line_an_epoch(tmp_path):
    write_history(tmp_path / "history.csv", ROWS)
    with (tmp_path / "history.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [list(line) for line in lines] == [list(ROWS[0])] * 3
    for line, row in zip(lines, ROWS, strict=True):
        assert {name: float(value) for name, value in line.items()} == pytest.approx(row, rel=1e-5)
    assert [line["epoch"] for line in lines] == ["1", "2", "3"]


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_curves_are_a_picture(tmp_path, epochs):
    draw_learning_curves(tmp_path / "curves.png", ROWS[:epochs], "f1", best_epoch=1)
    picture = (tmp_path / "curves.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(picture[place : place + 4], "big") for place in (16, 20))
    assert width > 1000
    assert height > 300


def test_a_task_without_a_validation_loss(tmp_path):
    rows = [{name: value for name, value in row.items() if name != "val_loss"} for row in ROWS]
    draw_learning_curves(tmp_path / "curves.png", rows, "f1", best_epoch=1)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_drawing_leaves_no_figure_open(tmp_path):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    draw_learning_curves(tmp_path / "curves.png", ROWS, "f1", best_epoch=1)
    assert pyplot.get_fignums() == before
