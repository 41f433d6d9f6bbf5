"""Several labels, classes that have an order, and numbers: through every door, and what cannot be read."""

import csv
import json
import random

import numpy as np
import pytest
from conftest import SENTIMENT_SETTINGS

import rnn_apps
from rnn_apps.config import load_config
from rnn_apps.data.examples import LabelledText
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.task import find_task
from rnn_apps.tasks.sentiment.targets import Labels, Number, OrderedClasses

THINGS = {"food": ("soup", "bread", "salad"), "price": ("bill", "sum", "cost"), "staff": ("waiter", "cook", "host")}
TARGETS = ("labels", "ordered", "number")
TEXT = "the soup and the bill"


def rows(count=300, seed=1):
    """(labels, stars, number, text): what is mentioned, how much of it, and two and a half times that."""
    rng = random.Random(seed)
    for _ in range(count):
        labels = [name for name in THINGS if rng.random() < 0.4]
        words = [rng.choice(THINGS[name]) for name in labels] + rng.choices(["fine", "there", "today", "we"], k=4)
        rng.shuffle(words)
        yield labels, len(labels) + 1, round(2.5 * len(labels) + rng.gauss(0, 0.2), 2), " ".join(words)


def write(folder):
    with (folder / "labels.jsonl").open("w") as file:
        file.writelines(json.dumps({"text": text, "labels": labels}) + "\n" for labels, _, _, text in rows())
    for name, column in (("ordered", 1), ("number", 2)):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([("text", "label"), *((row[3], row[column]) for row in rows())])
    return {name: folder / f"{name}.{'jsonl' if name == 'labels' else 'csv'}" for name in TARGETS}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="module")
def models(files, trained_once):
    def train(name):
        settings = {**SENTIMENT_SETTINGS, "data": {"vocabulary_size": 300}}
        if name != "labels":  # a list says it by itself
            settings["data"]["target"] = name
        settings["training"] = {"epochs": 6, "batch_size": 16, "learning_rate": 0.02}
        return lambda output: rnn_apps.train("sentiment", files[name], config=settings, output=output, progress=False)

    return {name: trained_once(f"target-{name}", train(name)) for name in TARGETS}


def test_each_learns_what_it_is_given(models):
    metrics = {name: model.bundle.manifest["metrics"] for name, model in models.items()}
    assert metrics["labels"]["micro_f1"] > 0.9
    assert metrics["ordered"]["kappa"] > 0.8
    assert metrics["ordered"]["mae"] < 0.4
    assert metrics["number"]["mae"] < 1.0
    assert metrics["number"]["coverage"] >= 0.9
    assert models["labels"].bundle.manifest["config"]["data"]["target"] == "labels"


def test_answers_say_all_there_is_to_say(models):
    (labels,) = models["labels"].predict([TEXT])
    assert set(labels.labels) == {"food", "price"}
    assert labels.probabilities.keys() == THINGS.keys()
    assert labels.labels == sorted(labels.labels, key=lambda name: -labels.probabilities[name])
    assert models["labels"].predict(["we there today fine"])[0].labels == []
    (stars,) = models["ordered"].predict([TEXT])
    assert list(stars.probabilities) == ["1", "2", "3", "4"]
    assert sum(stars.probabilities.values()) == pytest.approx(1)
    (number,) = models["number"].predict([TEXT])
    assert number.low < number.number < number.high
    assert models["number"].predict([]) == []


@pytest.mark.parametrize("name", TARGETS)
def test_every_door_gives_the_same(name, models, files, rnnapps, tmp_path):
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    from rnn_apps.serving.app import create_app
    from rnn_apps.serving.settings import Settings

    model, folder = models[name], models[name].bundle.folder
    expected = model.predict([TEXT])[0].model_dump()
    done = rnnapps("predict", folder, TEXT, "--json")
    assert json.loads(done.stdout) == [expected]
    with TestClient(create_app(Settings((str(folder),), demo=False))) as client:
        answer = client.post(f"/v1/models/{folder.name}:predict", json={"instances": [TEXT]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == [expected]
    done = rnnapps("evaluate", folder, "--data", files[name], "--json")
    count, metrics = model.evaluate(find_task("sentiment").adapted(model.bundle.manifest["config"]).read([files[name]]))
    assert (json.loads(done.stdout)["examples"], json.loads(done.stdout)["metrics"]) == (count, metrics)
    table = tmp_path / "answers.jsonl"
    assert rnnapps("predict", folder, "--data", files[name], "--output", table).status == 0
    first = json.loads(table.read_text().splitlines()[0])
    assert next(iter(expected)) in first or f"predicted_{next(iter(expected))}" in first


@pytest.mark.parametrize("name", TARGETS)
def test_it_can_be_looked_into_and_reported(name, models, files, rnnapps, tmp_path):
    folder = models[name].bundle.folder
    done = rnnapps("inspect", folder, TEXT, "--view", "gates", "--view", "leave-one-out")
    assert done.status == 0, done.stderr
    done = rnnapps("evaluate", folder, "--data", files[name], "--details", "--report", tmp_path / "report.html")
    assert done.status == 0, done.stderr
    assert "sure" in done.stdout or "worst" in done.stdout
    page = (tmp_path / "report.html").read_text()
    assert ("Confusion" in page) == (name == "ordered")
    assert ("Reliability" in page) == (name != "number")


def test_two_models_of_numbers_are_compared_the_right_way_round(models, files):
    from rnn_apps.evaluation import Comparison, compare, evaluate_in_detail

    own = evaluate_in_detail(models["number"], models["number"].task.read([files["number"]]))
    same = compare(own, own)
    assert same.less_is_better
    assert same.scores[0] == pytest.approx(own.metrics["mae"])
    worse = Comparison("good", "bad", "MAE", (1.0, 2.0), (0.5, 1.5), 0.001, {}, (9, 1), less_is_better=True)
    assert "good is better" in worse.views()[1].text


def test_going_on_adds_labels_and_keeps_the_order(models, files, tmp_path):
    more = tmp_path / "more.jsonl"
    lines = files["labels"].read_text().splitlines()[:60]
    lines += [json.dumps({"text": f"the view of the sea {n}", "labels": ["view"]}) for n in range(20)]
    more.write_text("\n".join(lines))
    model = rnn_apps.train(
        "sentiment", more, start=models["labels"].bundle.folder, output=tmp_path / "on", progress=False
    )
    assert model.predictor.label_names == ("food", "price", "staff", "view")
    with pytest.raises(ConfigError, match=r"was trained for data\.target=labels, and here it is number"):
        rnn_apps.train(
            "sentiment",
            files["number"],
            start=models["labels"].bundle.folder,
            config={"data": {"target": "number"}},
            output=tmp_path / "other",
            progress=False,
        )
    with pytest.raises(DataError, match="the label '9' was not in the training data"):
        models["ordered"].measure()[0].extended([LabelledText("9", "fine")], None)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a|b", ("a", "b")),
        ("a | b|a", ("a", "b")),
        ("", ()),
        ("['a', 'b c']", ("a", "b c")),
        ('["a"]', ("a",)),
        ("[]", ()),
        ("[half a list", ("[half a list",)),
        ("[1, 2.0]", ("1", "2")),
        ("a,b", ("a,b",)),
    ],
)
def test_a_cell_of_several_labels(cell, expected, tmp_path):
    path = tmp_path / "cells.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), ("fine", cell), ("good", "a")])
    task = find_task("sentiment").adapted({"data": {"target": "labels", "label_separator": "|"}})
    assert next(task.read([path])).labels == expected


def settled(path, **data):
    task = find_task("sentiment")
    return task.settled(load_config(task.Config, values={"data": data}), [path], rnn_apps.Columns()).data.target


def test_lists_say_by_themselves_that_there_are_several(files, tmp_path):
    assert settled(files["labels"]) == "labels"
    assert settled(files["ordered"]) == "class"
    assert settled(files["ordered"], target="ordered") == "ordered"
    (tmp_path / "lists.csv").write_text("text,label\nfine,\"['a', 'b']\"\n")
    assert settled(tmp_path / "lists.csv") == "labels"


def test_what_does_not_fit_is_said_in_a_line(files, tmp_path):
    def fails(path, error, message, **settings):
        with pytest.raises(error, match=message):
            rnn_apps.train("sentiment", path, config=settings, output=tmp_path / "new", progress=False)
        assert not (tmp_path / "new").exists()

    words = tmp_path / "words.csv"
    words.write_text("text,label\n" + "nothing,bad\nfine,good\nso so,fair\n" * 3)
    fails(
        words,
        DataError,
        r"line 2: expected a number such as 3 or 2.5 as the label. Received: bad",
        data={"target": "number"},
    )
    fails(words, ConfigError, "Which class is lower than 'bad'", data={"target": "ordered"})
    fails(words, ConfigError, "order is for data.target=ordered, and here it is class", data={"order": ["bad", "good"]})
    fails(words, ConfigError, "label_separator is for data.target=labels", data={"label_separator": ";"})
    named = {"class_names": {"Bad": "worse"}}
    fails(words, ConfigError, "names the label 'Bad', which is not in the data.* Did you mean 'bad'", data=named)
    fails(words, ConfigError, "class_names is for data.target=class or", data={"target": "number", **named})
    order = {"target": "ordered", "order": ["bad", "good"]}
    fails(words, ConfigError, "data.order leaves out the class 'fair'", data=order)
    same = tmp_path / "same.csv"
    same.write_text("text,label\n" + "fine,3\n" * 9)
    fails(same, DataError, "two different numbers to learn from. All are 3", data={"target": "number"})
    fails(files["number"], DataError, r"are they numbers to be learnt \(--set data.target=number\)")
    weights = {"class_weights": "balanced"}
    fails(files["labels"], ConfigError, "Classes are weighted where each text has one", training=weights)
    none = tmp_path / "none.jsonl"
    none.write_text('{"text": "fine", "labels": []}\n' * 9)
    fails(none, DataError, "at least one label. No example has any")
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text('{"text": "fine", "label": "a"}\n{"text": "good", "label": ["a", "b"]}\n')
    fails(mixed, DataError, "line 2: expected a label: .* It is a list")


def test_a_separator_that_was_not_said_is_asked_for(tmp_path):
    path = tmp_path / "commas.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *([("fine", "a,b"), ("good", "a")] * 3)])
    task = find_task("sentiment").adapted({"data": {"target": "labels", "label_separator": "|"}})
    (warning,) = task.survey([path]).warnings
    assert "If it stands between labels, say --set 'data.label_separator=,'" in warning


def test_targets_encode_what_they_say():
    settings = find_task("sentiment").Config
    named = load_config(settings, values={"data": {"class_names": {"x": "food"}}}).data
    config = load_config(settings).data
    labels = Labels.fit([LabelledText("", "t", labels=("x", "b")), LabelledText("", "t", labels=())], named)
    assert labels.names == ("b", "food")
    np.testing.assert_array_equal(labels.encode(LabelledText("", "t", labels=("food",))), [0, 1])
    ordered = OrderedClasses.fit([LabelledText(label, "t") for label in ("10", "9", "2.5") * 2], config)
    assert ordered.names == ("2.5", "9", "10")
    number = Number.fit([LabelledText("1", "t"), LabelledText("3", "t")], config)
    assert number.encode(LabelledText("3", "t")) == 1.0
    for target in (labels, ordered, number):
        assert type(target).load(json.loads(json.dumps(target.facts))) == target


def test_a_classifier_of_scikit_learn_picks_one_class():
    from rnn_apps.sklearn import TextClassifier

    with pytest.raises(ConfigError, match="picks one class"):
        TextClassifier({"data": {"target": "labels"}}).fit(["a", "b"], ["x", "y"])
