import json

import numpy as np
import pytest

import rnn_apps
from rnn_apps.config import load_config
from rnn_apps.data.examples import LabelledText
from rnn_apps.errors import DataError
from rnn_apps.task import find_task
from rnn_apps.tasks.sentiment.processor import SentimentProcessor

EXAMPLES = [
    LabelledText(label, f"{text} number {n}", f"line {n}")
    for n, (label, text) in enumerate([("1", "a fine film"), ("0", "a dull film"), ("2", "it runs two hours")] * 5)
]


@pytest.fixture(scope="module")
def task():
    return find_task("sentiment")


@pytest.fixture
def fit(task):
    def fit(*settings, examples=EXAMPLES):
        return task.processor.fit(examples, load_config(task.Config, settings=["data.vocabulary_size=300", *settings]))

    return fit


def test_any_number_of_classes_is_learnt_in_alphabetical_order(fit):
    processor = fit()
    assert processor.target.names == ("0", "1", "2")
    assert [row["label"].item() for row in processor.encode(EXAMPLES[:3])] == [1, 0, 2]


def test_classes_can_be_named(fit, tmp_path):
    processor = fit('data.class_names={"1"="good","0"="bad","2"="bad"}')
    assert processor.target.names == ("bad", "good")
    processor.save(tmp_path)
    loaded = SentimentProcessor.load(tmp_path)
    for which in (processor, loaded):
        assert [row["label"].item() for row in which.encode(EXAMPLES[:3])] == [1, 0, 0]
        assert which.encode([LabelledText("good", "fine")])[0]["label"] == 1


def test_encoded_examples_have_the_promised_types(fit):
    for row in fit().encode(EXAMPLES):
        assert row.keys() == {"tokens", "label"}
        assert (row["tokens"].dtype, row["tokens"].ndim) == (np.int32, 1)
        assert (row["label"].dtype, row["label"].ndim) == (np.int32, 0)


def test_long_texts_keep_both_ends_and_are_shorter_in_training(fit):
    processor = fit("data.max_tokens=20", "data.max_training_tokens=10")
    long = LabelledText("1", "start " + "x " * 500 + "finish")
    whole = processor.tokenizer.encode(long.text)
    trained, tested = processor.encode([long], training=True)[0]["tokens"], processor.encode([long])[0]["tokens"]
    answered = next(processor.encode_inputs([long.text]))["tokens"]
    assert (len(trained), len(tested)) == (10, 20)
    assert tested.tolist() == answered.tolist() == [*whole[:5], *whole[-15:]]
    assert trained.tolist() == [*whole[:2], *whole[-8:]]


def test_examples_and_inputs_are_encoded_alike(fit):
    processor = fit()
    text = "A Fine<br />film\x00"
    example = processor.encode([LabelledText("1", text)])[0]["tokens"]
    for inputs in ([text], [text, "more"]):
        assert next(processor.encode_inputs(inputs))["tokens"].tolist() == example.tolist()


def test_a_label_that_training_never_saw_is_told_with_its_place(fit):
    with pytest.raises(
        DataError, match=r"line 7: the label 'x' was not in the training data\. The model knows: 0, 1, 2\."
    ):
        fit().encode([LabelledText("x", "fine", "line 7")])


def test_the_vocabulary_has_the_size_that_was_asked_for(fit):
    assert fit().tokenizer.vocabulary_size <= 300


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_every_cell_builds_a_network_of_the_settings(task, fit, cell):
    config = load_config(task.Config, settings=[f"model.cell={cell}", "model.units=3", "model.layers=3"])
    model = task.new_network().build(config, fit())
    layers = model.get_layer("encoder").layers
    assert [layer.forward_layer.units for layer in layers] == [3, 3, 3]
    assert {type(layer.forward_layer).__name__.lower() for layer in layers} == {cell.replace("_", "")}
    tokens = np.array([[5, 6, 7], [8, 0, 0]], np.int32)
    assert model({"tokens": tokens})["logits"].shape == (2, 3)


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_padding_is_inert_in_the_network(task, fit, cell):
    model = task.new_network().build(load_config(task.Config, settings=[f"model.cell={cell}", "model.units=5"]), fit())
    rng = np.random.default_rng(0)
    lengths = [9, 4, 1]
    rows = [rng.integers(3, 300, length).astype(np.int32) for length in lengths]
    padded = np.zeros((3, 14), np.int32)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    together = model({"tokens": padded})["logits"].numpy()
    for row, logits in zip(rows, together, strict=True):
        np.testing.assert_allclose(model({"tokens": row[None]})["logits"][0], logits, atol=1e-6)


def test_the_default_network_is_small(task, fit):
    model = task.new_network().build(task.Config(), fit())
    assert model.count_params() + 16_000 * task.Config().model.embedding < 5_000_000


def test_the_processor_is_plain_json(fit, tmp_path):
    fit().save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["processor.json", "tokenizer.json"]
    assert json.loads((tmp_path / "processor.json").read_text())["class_names"] == ["0", "1", "2"]


@pytest.mark.parametrize(("text", "warned"), [("👎👎", True), ("10/10!", True), ("Awful 👎", False), ("难看", False)])
def test_signs_alone_are_told(text, warned):
    (found,) = rnn_apps.load("sentiment-zh" if text == "难看" else "sentiment").predict([text])
    assert any("no word" in warning for warning in found.warnings) == warned
