"""Trials side by side: the same book, and the best of them is an ordinary model."""

import csv

import pytest

pytest.importorskip("ray", reason='needs the extra "cluster"')
pytest.importorskip("optuna")

SPACE = "[training.learning_rate]\nlow = 0.001\nhigh = 0.05\nlog = true\n[model.units]\nchoices = [4, 8]\n"


def trials(folder):
    with (folder / "best.tuning" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_two_workers_search_as_one_process_does_and_the_search_goes_on(
    reviews, sentiment_settings, rnnapps, files_below, tmp_path
):
    (tmp_path / "space.toml").write_text(SPACE)
    asked = ["tune", "sentiment", "--data", reviews, *sentiment_settings, "--space", "space.toml", "--output", "best"]
    result = rnnapps(*asked, "--trials", 3, "--workers", 2)
    assert result.status == 0, result.stderr
    found = trials(tmp_path)
    assert [row["state"] for row in found] == ["complete"] * 3
    assert (found[0]["training.learning_rate"], found[0]["model.units"]) == ("0.01", "8")  # the settings as they are
    best = max(float(row["accuracy"]) for row in found)
    assert f"best of 3 trials: accuracy {best:.4f}" in result.stderr
    assert rnnapps("predict", "best", "good film", "--json").status == 0
    assert not any("engine" in name for name in files_below(tmp_path))

    more = rnnapps(*asked, "--trials", 4, "--overwrite")  # alone, and from the same book
    assert more.status == 0, more.stderr
    assert [row["state"] for row in trials(tmp_path)] == ["complete"] * 4
    assert trials(tmp_path)[:3] == found


def test_what_cannot_be_searched_side_by_side_is_refused(reviews, sentiment_settings, rnnapps):
    asked = ["tune", "sentiment", "--data", reviews, *sentiment_settings, "--output", "best"]
    logged = rnnapps(*asked, "--workers", 2, "--tensorboard")
    assert (logged.status, "Workers keep no logs" in logged.stderr) == (2, True)
    result = rnnapps(*asked, "--trials", 2, "--workers", 64)
    assert (result.status, "64 workers need 64 cores" in result.stderr) == (2, True)
