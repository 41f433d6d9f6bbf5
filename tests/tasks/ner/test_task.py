"""The task's doors: datasets, typed inputs, what is shown, and settings."""

import io

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

import rnn_apps
from rnn_apps.cli.terminal import draw
from rnn_apps.errors import DataError
from rnn_apps.tasks.ner.network import NerNetwork
from rnn_apps.tasks.ner.predictor import Entity, TaggedText, Tagging
from rnn_apps.tasks.ner.task import NerTask


class Dataset:
    """What `TFDSDataset` gives of a dataset like conll2003."""

    def __init__(self, **features):
        self.features = features

    def records(self, split):
        yield {"tokens": ["EU", "rejects", "German"], "ner": ["B-ORG", "O", "I-MISC"]}


def test_tfds():
    (sentence,) = NerTask().read_tfds(Dataset(tokens="other", ner="other", pos="other"), "train")
    assert sentence.tokens == ("EU", "rejects", "German")
    assert sentence.tags == ("B-ORG", "O", "B-MISC")
    assert sentence.where(2) == "train, record 1, token 3"
    with pytest.raises(DataError, match=r"features tokens and ner\. The dataset has: text, label"):
        list(NerTask().read_tfds(Dataset(text="text", label="label"), "train"))


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("Anna left.", "Anna left."),
        ('["Anna", "left"]', ["Anna", "left"]),
        ("[1] Anna", "[1] Anna"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_typed_inputs(typed, given):
    assert rnn_apps.load("ner").predictor.parse(typed) == given


def test_two_files_are_one_too_many(tmp_path):
    with pytest.raises(DataError, match="Expected one data file"):
        NerTask().read([tmp_path / "a", tmp_path / "b"])


def shown(given, prediction):
    views = rnn_apps.load("ner").predictor.views(given, prediction)
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system="standard")
    console.print(*draw(given, views), sep="\n")
    plain = Console(file=io.StringIO(), width=100)
    plain.print(*draw(given, views), sep="\n")
    return console.file.getvalue(), plain.file.getvalue()


def test_entities_are_shown_in_colour_inside_the_text():
    anna = Entity(text="Anna", type="PER", start=4, end=8, probability=0.987)
    alternatives = [
        Tagging(tags=["O", "B-PER", "O"], probability=0.9),
        Tagging(tags=["O", "O", "O"], probability=0.05),
    ]
    prediction = TaggedText(
        entities=[anna], tokens=["[b]", "Anna", "left"], tags=["O", "B-PER", "O"], alternatives=alternatives
    )
    colour, plain = shown("[b] Anna left", prediction)
    assert "\x1b[" in colour
    assert plain.splitlines() == ["[b] [Anna] PER 99% left", "  90.0%  Anna PER", "  5.0%  no entity"]
    assert shown(["[b]", "Anna", "left"], prediction)[1] == plain


def test_the_loss_is_summed_over_sentences_and_divided_by_nothing():
    rng = np.random.default_rng(2)
    outputs = {
        "emissions": tf.constant(rng.normal(size=(3, 4, 2)), tf.float32),
        "transitions": tf.tile(tf.constant(rng.normal(size=(1, 3, 3)), tf.float32), [3, 1, 1]),
    }
    batch = {"tokens": np.array([[5, 6, 7, 8], [5, 6, 0, 0], [0, 0, 0, 0]]), "tags": rng.integers(0, 2, (3, 4))}
    rows = [
        NerNetwork().loss({name: value[row] for name, value in outputs.items()}, {n: a[row] for n, a in batch.items()})
        for row in (slice(0, 3), slice(0, 1), slice(1, 2), slice(0, 0))
    ]
    losses, tokens = ([float(value) for value in column] for column in zip(*rows, strict=True))
    assert tokens == [6, 4, 2, 0]
    assert losses[0] == pytest.approx(losses[1] + losses[2], rel=1e-6)
    assert losses[3] == 0
