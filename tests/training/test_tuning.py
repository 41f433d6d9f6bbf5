"""A search for settings: its space, that it goes on, that the best model is kept."""

import csv

import pytest

import rnn_apps
from rnn_apps.config import load_config
from rnn_apps.errors import ConfigError
from rnn_apps.tasks.sentiment.config import SentimentConfig
from rnn_apps.training.tuning import Choice, built_in_space, read_space

optuna = pytest.importorskip("optuna")

SPACE = """
[training.learning_rate]
low = 0.001
high = 0.05
log = true
[model.units]
choices = [4, 8]
"""


@pytest.fixture
def arguments(reviews, sentiment_settings, tmp_path):
    (tmp_path / "space.toml").write_text(SPACE)
    return ["tune", "sentiment", "--data", reviews, *sentiment_settings, "--space", "space.toml", "--output", "best"]


def trials(tmp_path):
    with (tmp_path / "best.tuning" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_task_has_a_space_that_holds_its_own_settings():
    for name in ("sentiment", "ner", "translation", "music", "digits"):
        from rnn_apps.task import find_task

        config = find_task(name).Config()
        space = built_in_space(config)
        assert {"training.learning_rate", "training.batch_size", "model.units"} <= {choice.name for choice in space}
        for choice in space:
            for value in choice.choices or (choice.low, choice.high):
                load_config(type(config), values=nested(choice.name, value))


def nested(name, value):
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def test_a_space_is_read(tmp_path):
    (tmp_path / "space.toml").write_text(SPACE)
    assert read_space(tmp_path / "space.toml") == [
        Choice("training.learning_rate", 0.001, 0.05, True),
        Choice("model.units", choices=(4, 8)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no setting"),
        ("x = 1", "Expected a table for each setting"),
        ("[model.units]\nlow = 5\nhigh = 3", "low < high"),
        ("[model.units]\nlow = 0\nhigh = 3\nlog = true", "above 0 with log"),
        ("[model.units]\nchoices = []", "a list of choices"),
        ("[model.units]\nchoices = [1]\nsteps = 2", "Received: steps"),
        ("[model", "cannot be read"),
    ],
)
def test_a_space_that_cannot_be_used_is_refused(tmp_path, text, message):
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_space(path)


def test_a_setting_that_does_not_exist_is_refused_before_anything_runs(fails, reviews, tmp_path):
    (tmp_path / "space.toml").write_text("[model.unit]\nchoices = [4]\n")
    arguments = "tune", "sentiment", "--data", reviews, "--space", tmp_path / "space.toml", "--output", "best"
    assert "There is no setting 'model.unit'. Did you mean 'units'?" in fails(*arguments)


def test_the_best_of_the_trials_is_an_ordinary_model(rnnapps, arguments, tmp_path):
    result = rnnapps(*arguments, "--trials", "3")
    assert result.status == 0, result.stderr
    model = rnn_apps.load(tmp_path / "best")
    assert model.predict(["good food"])[0].label in ("positive", "negative")
    rows = trials(tmp_path)
    assert len(rows) == 3
    first = SentimentConfig(**model.bundle.manifest["config"])
    assert float(rows[0]["training.learning_rate"]) == 0.01  # the settings as they are
    best = max(rows, key=lambda row: float(row["accuracy"] or 0))
    assert first.model.units == int(best["model.units"])
    assert first.training.learning_rate == pytest.approx(float(best["training.learning_rate"]))
    assert (tmp_path / "best.tuning" / "history.png").read_bytes()[:4] == b"\x89PNG"
    assert len([path for path in (tmp_path / "best.tuning").iterdir() if path.is_dir()]) == 1  # the best one


def test_a_search_that_was_killed_goes_on(rnnapps, arguments, tmp_path, monkeypatch):
    from rnn_apps.training import tuning

    class Killed(BaseException):
        pass

    calls = []
    own = tuning._best_value

    def dies(model, run):
        calls.append(run.output)
        if len(calls) == 2:
            raise Killed
        return own(model, run)

    monkeypatch.setattr(tuning, "_best_value", dies)
    with pytest.raises(Killed):
        rnnapps(*arguments, "--trials", "3")
    result = rnnapps(*arguments, "--trials", "3")
    assert result.status == 0, result.stderr
    assert calls[2] == calls[1]  # the same settings again, and its run was not lost
    assert len([row for row in trials(tmp_path) if row["state"] != "fail"]) == 3


def test_a_trial_that_gets_nowhere_is_ended(rnnapps, arguments, tmp_path, monkeypatch):
    pruned = []

    def should_prune(self):
        pruned.append(self.number)
        return self.number == 1

    monkeypatch.setattr(optuna.Trial, "should_prune", should_prune)
    result = rnnapps(*arguments, "--trials", "3")
    assert result.status == 0, result.stderr
    assert [row["state"] for row in trials(tmp_path)] == ["complete", "pruned", "complete"]
    assert pruned.count(1) == 1  # after its first epoch
    assert len([path for path in (tmp_path / "best.tuning").iterdir() if path.is_dir()]) == 1  # the best one
