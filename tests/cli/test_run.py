import json
import re
import shlex
import shutil

import numpy as np
import pytest

from rnn_apps.cli.main import COMMANDS

NOISE = ("oneDNN", "cuda", "absl", "WARNING", "I0000", "E0000", "Traceback", "DeprecationWarning")


@pytest.fixture(scope="module")
def sentiment_run(tmp_path_factory, command):
    folder = tmp_path_factory.mktemp("run")
    settings = ("training.epochs=1", "model.units=4", "model.layers=1", "model.embedding=4", "data.vocabulary_size=400")
    return folder, command("run", "sentiment", *(f"--set={setting}" for setting in settings), cwd=folder)


def check_story(result, folder, name, task):
    assert result.status == 0, result.stderr
    for stage in ("Data", "Training", "Saving"):
        assert re.search(rf"^{stage}  ", result.stderr, re.M), stage
    assert re.search(r"^  epoch 1/\d+  loss \d\.\d{4}  val_accuracy \d\.\d{4}", result.stderr, re.M)
    for noise in NOISE:
        assert noise not in result.stderr + result.stdout
    assert result.stdout.startswith("\nEvaluation  on ")
    assert re.search(r"^  accuracy   \d\.\d{4}$", result.stdout, re.M)
    assert "(the built-in sample: little data, to try the program on)" in result.stdout
    predictions = result.stdout.partition("Predictions")[2].partition("Saved")[0]
    assert predictions.count("%") >= 6
    assert str(folder / "saved_models" / name) in result.stdout
    assert (folder / "saved_models" / name / "bundle.json").exists()


def test_digits_from_data_to_answers(digits_run):
    folder, result = digits_run
    check_story(result, folder, "digits-sample", "digits")


def test_sentiment_from_data_to_answers(sentiment_run):
    folder, result = sentiment_run
    check_story(result, folder, "sentiment-sample", "sentiment")
    assert "built-in sample" in result.stderr.splitlines()[0]


@pytest.mark.parametrize("run", ["digits_run", "sentiment_run"])
def test_what_to_try_next_works(run, request, rnnapps, monkeypatch):
    folder, result = request.getfixturevalue(run)
    monkeypatch.chdir(folder)
    suggested = [shlex.split(line) for line in result.stdout.partition("Try next")[2].strip().splitlines()]
    assert [words[1] for words in suggested] == ["predict", "run", "evaluate"]
    assert {words[1] for words in suggested} <= COMMANDS.keys()
    answer = rnnapps(*suggested[0][1:])
    assert answer.status == 0, answer
    assert "%" in answer.stdout


def test_a_finished_run_is_loaded_and_shown(digits_run, digits_settings, command):
    folder, first = digits_run
    manifest = folder / "saved_models" / "digits-sample" / "bundle.json"
    before = manifest.stat().st_mtime_ns
    again = command("run", "digits", *digits_settings, cwd=folder)
    assert again.status == 0
    assert again.stdout == first.stdout
    assert again.stderr.startswith("Already trained  ")
    assert "Training  " not in again.stderr
    assert manifest.stat().st_mtime_ns == before


def test_other_settings_do_not_touch_a_finished_run(digits_run, rnnapps, monkeypatch, files_below):
    folder, _ = digits_run
    manifest = folder / "saved_models" / "digits-sample" / "bundle.json"
    monkeypatch.chdir(folder)
    before = files_below(folder), manifest.read_bytes()
    result = rnnapps("run", "digits", "--set", "training.epochs=9")
    assert (result.status, result.stdout) == (2, "")
    assert "exists, and not from these settings and data. Choose another --output, or train anew" in result.stderr
    assert (files_below(folder), manifest.read_bytes()) == before


def test_train_prints_the_folder_and_refuses_the_second_time(rnnapps, reviews, tmp_path):
    arguments = ("train", "sentiment", "--data", reviews, "--set", "training.epochs=1", "--set", "model.units=4")
    first = rnnapps(*arguments, "--set", "model.embedding=4", "--set", "data.vocabulary_size=300")
    assert first.status == 0, first
    assert first.stdout == f"{tmp_path / 'saved_models' / 'sentiment-reviews'}\n"
    second = rnnapps(*arguments, "--set", "model.embedding=4", "--set", "data.vocabulary_size=300")
    assert second.status == 2
    assert "exists. Choose another --output, or replace it with --overwrite" in second.stderr


def test_names_may_hold_brackets_blanks_and_emoji(rnnapps, tmp_path):
    rng = np.random.default_rng(0)
    data, output = "new [b]images 🙂.npz", "out [/red]*"
    np.savez(tmp_path / data, images=rng.uniform(size=(40, 4, 4)), labels=["[a]", "[/b]"] * 20)
    arguments = ("run", "digits", "--data", data, "--output", output, "--set=training.epochs=1")
    first = rnnapps(*arguments)
    assert first.status == 0, first
    assert data in first.stderr
    assert str(tmp_path / output) in first.stderr
    assert str(tmp_path / output) in first.stdout
    assert f"Predictions  for examples of {data}" in first.stdout
    assert "Already trained" in rnnapps(*arguments).stderr
    answer = rnnapps("predict", output, "[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]")
    assert answer.status == 0
    assert {line.split()[0] for line in answer.stdout.splitlines()[-2:]} == {"[a]", "[/b]"}


def test_options_reach_the_bundle(rnnapps, reviews, tmp_path):
    (tmp_path / "settings.toml").write_text("[model]\nunits = 4\nembedding = 5\nlayers = 1\n")
    shutil.copy(reviews, tmp_path / "valid.tsv")
    arguments = (
        *("train", "sentiment", "--data", reviews, "--valid", "valid.tsv", "--config", "settings.toml"),
        *("--set", "model.embedding=4", "--set", "training.epochs=1", "--set", "data.vocabulary_size=300"),
        *("--set", "model.cell=gru", "--set", "training.clipping.kind=adaptive", "--seed", "5"),
        *("--about", "Reviews of our own", "--output", "mine", "--tensorboard"),
    )
    pytest.importorskip("tensorboard")
    result = rnnapps(*arguments)
    assert result.status == 0, result
    facts = json.loads((tmp_path / "mine" / "bundle.json").read_text())
    assert facts["seed"] == facts["config"]["seed"] == 5
    assert (
        facts["config"]["model"] | {"units": 4, "embedding": 4, "layers": 1, "cell": "gru"} == facts["config"]["model"]
    )
    assert facts["config"]["training"]["clipping"]["kind"] == "adaptive"
    assert facts["data"]["validation"] == "valid.tsv"
    assert facts["data"]["training_examples"] == facts["data"]["validation_examples"] == 240
    assert facts["training"]["command"] == shlex.join(["rnnapps", *map(str, arguments)])
    assert "Reviews of our own" in (tmp_path / "mine" / "README.md").read_text()
    assert list((tmp_path / "logs" / "mine").rglob("events.out.tfevents*"))
    first = rnnapps("train", *arguments[1:])
    assert first.status == 2
    assert rnnapps(*arguments, "--overwrite").status == 0


OWN_DATA = {
    "sentiment": ("feelings.tsv", "glad\tWhat a day!\nsad\tIt rains again.\n" * 20, "It rains again."),
    "ner": ("towns.conll", "She O\nleft O\nOslo B-TOWN\n\nOslo B-TOWN\nsleeps O\n\n" * 20, "Oslo"),
    "translation": ("pairs.tsv", "one\teins\ntwo\tzwei\nthree\tdrei\n" * 10, "three"),
}


@pytest.mark.parametrize("task", OWN_DATA)
def test_what_is_shown_is_of_ones_own_data(rnnapps, tmp_path, task):
    name, content, shown = OWN_DATA[task]
    (tmp_path / name).write_text(content)
    settings = [f"--set={setting}" for setting in ("training.epochs=1", "model.units=4", "model.embedding=4")]
    result = rnnapps("run", task, "--data", name, *(settings if task == "sentiment" else settings[:2]))
    assert result.status == 0, result
    predictions = result.stdout.partition("Predictions")[2].partition("Saved")[0]
    assert predictions.startswith(f"  for examples of {name}\n")
    assert shown in predictions
    (words,) = re.findall(r"^  rnnapps (predict .*)$", result.stdout, re.M)
    assert rnnapps(*shlex.split(words)).status == 0
