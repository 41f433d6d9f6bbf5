import json
from dataclasses import replace

import numpy as np
import pytest

import rnn_apps
from rnn_apps.config import load_config
from rnn_apps.errors import DataError
from rnn_apps.task import find_task
from rnn_apps.tasks.digits.processor import LabelledImage
from rnn_apps.views import Bars


@pytest.fixture(scope="module")
def task():
    return find_task("digits")


@pytest.fixture(scope="module")
def processor(task):
    return task.processor.fit(task.sample(), task.Config())


def test_the_defaults_reach_the_accuracy_that_is_promised(tmp_path):
    metrics = rnn_apps.train("digits", output=tmp_path / "digits", progress=False).bundle.manifest["metrics"]
    assert metrics["accuracy"] >= 0.97
    assert metrics["ece"] < 0.05


def test_the_sample_is_scikit_learns(task):
    examples = task.sample()
    assert len(examples) == 1797
    assert {example.label for example in examples} == set("0123456789")
    assert {example.image.shape for example in examples} == {(8, 8)}


def test_images_are_scaled_by_the_ink_of_the_training_images(processor):
    assert processor.full_ink == 16
    row = processor.encode([LabelledImage("3", np.full((8, 8), 8), "")])[0]
    assert row["image"].dtype == np.float32
    assert row["image"].tolist() == [[0.5] * 8] * 8
    assert (row["label"].dtype, row["label"].item()) == (np.int32, 3)


def test_examples_and_inputs_are_encoded_alike(processor):
    image = np.arange(64).reshape(8, 8)
    (example,), (given,) = processor.encode([LabelledImage("0", image, "")]), processor.encode_inputs([image.tolist()])
    np.testing.assert_array_equal(example["image"], given["image"])


def test_a_label_that_training_never_saw_is_told(processor):
    with pytest.raises(DataError, match=r"image 4: the label 'x' was not in the training data"):
        processor.encode([LabelledImage("x", np.zeros((8, 8)), "image 4")])


def test_files_give_labels_and_places(task, tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array(["b", "a"]))
    examples = list(task.read([tmp_path / "a.npz"]))
    assert [example.label for example in examples] == ["b", "a"]
    assert examples[1].where == f"{tmp_path / 'a.npz'}, image 2"
    np.testing.assert_array_equal(examples[1].image, images[1])


@pytest.mark.parametrize("cell", ["dense", "lstm", "gru", "simple_rnn"])
def test_every_cell_builds_a_network(task, processor, cell):
    model = task.new_network().build(
        load_config(task.Config, settings=[f"model.cell={cell}", "model.units=4"]), processor
    )
    assert model({"image": np.zeros((2, 8, 8), np.float32)})["logits"].shape == (2, 10)


def test_an_image_is_shown_in_characters(task, digits_model):
    predictor = rnn_apps.load(digits_model).predictor
    image = predictor.examples[0]
    picture, bars = predictor.terminal_views(image, predictor.predict([image])[0])
    lines = picture.text.splitlines()
    assert [len(line) for line in lines] == [16] * 8
    assert "@@" in lines[1]
    assert isinstance(bars, Bars)


def test_an_image_can_be_typed_as_json(digits_model):
    predictor = rnn_apps.load(digits_model).predictor
    assert predictor.parse("[[1, 2], [3, 4]]") == [[1, 2], [3, 4]]
    assert json.loads(predictor.example_argument.strip("'")) == predictor.examples[0].tolist()


def test_a_model_for_other_images_has_no_examples(digits_model):
    predictor = rnn_apps.load(digits_model).predictor
    predictor.images.image_shape = (28, 28)
    assert list(predictor.examples) == []


@pytest.mark.parametrize("change", [lambda image: image / 16, lambda image: 16 - image, lambda image: 0 * image])
def test_an_image_unlike_those_of_the_training_is_told(change):
    predictor = rnn_apps.load("digits").predictor
    usual = predictor.predict(predictor.examples)
    assert [own.warnings for own in usual] == [[]] * len(usual)
    odd = predictor.predict([change(image) for image in predictor.examples])
    assert all("is it empty, scaled otherwise, or light on dark?" in own.warnings[0] for own in odd)
    assert "full ink" in predictor.views(predictor.examples[0], odd[0])[-1].text
    assert list(usual[0].model_dump()) == ["label", "probability", "probabilities"]


def test_data_of_another_scale_is_told(task, capfd):
    examples = [replace(example, image=example.image / 16) for example in task.sample()[:50]]
    rnn_apps.load("digits").evaluate(examples)
    told = capfd.readouterr().err
    assert "warning: most of the first inputs are none for digits; of 50 in 50 inputs it says: A pixel" in told


def test_examples_that_are_none_are_told(digits_model):
    with pytest.raises(DataError, match=r"Expected examples of the task 'digits', .* Received: tuple"):
        rnn_apps.load(digits_model).evaluate([("3", np.zeros((8, 8)))])
