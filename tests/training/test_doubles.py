"""What is told of inputs that stand in the data of a run more than once."""

import json

import pytest

from rnn_apps.config import load_config
from rnn_apps.progress import Reporter
from rnn_apps.sources import file_source
from rnn_apps.task import find_task
from rnn_apps.training.prepare import Preparation

CONFIG = {"data": {"vocabulary_size": 300, "validation_fraction": 0.25}}


class Notes(Reporter):
    def __init__(self):
        super().__init__(False)
        self.warnings = []

    def note(self, text):
        if text.startswith("warning: "):
            self.warnings.append(text)


@pytest.fixture
def prepared(tmp_path):
    def call(train, valid=None, task="sentiment", **data):
        """Prepares rows of files of JSON lines; returns the data, and what was told."""

        def source(name, parts):
            (tmp_path / name).mkdir()
            for number, rows in enumerate(parts):
                text = "".join(json.dumps(row) + "\n" for row in rows)
                (tmp_path / name / f"{number}.jsonl").write_text(text)
            return file_source(found, [tmp_path / name])

        found = find_task(task)
        config = load_config(found.Config, values={"data": {**CONFIG["data"], **data}})
        found, notes = found.adapted(config.model_dump()), Notes()
        (tmp_path / "work").mkdir()
        sources = source("train", train), valid and source("valid", valid)
        return Preparation(found, config, *sources, tmp_path / "work", notes).run(), notes.warnings

    return call


def rows(texts, label="good"):
    return [{"text": text, "label": label} for text in texts]


def films(first, last):
    return [f"film {number}" for number in range(first, last)]


def test_nothing_is_told_where_each_stands_once(prepared):
    data, told = prepared([rows(films(0, 20)) + rows(films(20, 40), "bad")])
    assert (data.seen, told) == (0, [])


@pytest.mark.parametrize("parts", [1, 4])
def test_held_out_inputs_that_are_trained_on(prepared, parts):
    data, told = prepared([rows(films(0, 20)) + rows(films(20, 40), "bad")] * parts)
    held_out = [example.text for example in data.chosen[1]]
    trained = {example.text for example in data.chosen[0]}
    assert data.seen == sum(text in trained for text in held_out)
    assert (data.seen > 0) == (parts > 1)
    if parts > 1:
        assert f"{data.seen:,} of {len(held_out)} validation examples" in told[0]


@pytest.mark.parametrize("parts", [1, 2])
def test_validation_data_that_is_trained_on(prepared, parts):
    valid = [rows(films(15, 25), "bad")] * parts
    data, (told,) = prepared([rows(films(0, 20)), rows(films(30, 50), "bad")], valid)
    assert data.seen == 5 * parts
    assert told.startswith(f"warning: {5 * parts} of {10 * parts} validation examples (50%) have an input that is")


def test_a_few_are_told_in_the_card_alone(prepared):
    data, told = prepared([rows(films(0, 200)) + rows(films(300, 500), "bad")], [rows(films(199, 299))])
    assert (data.seen, told) == (1, [])


def test_an_input_with_two_classes(prepared):
    known = rows(films(0, 20)) + rows(films(20, 40), "bad")
    _, told = prepared([known, [*rows(["film 3", "film 4"]), *rows(["film 4"], "bad")]], [rows(["another"])])
    (told,) = told
    assert told.startswith("warning: 1 input stands in the data more than once and with different classes, such as ")
    assert "1.jsonl, line 2 ('good') and " in told
    assert "1.jsonl, line 3 ('bad'): no model can learn both." in told


def test_two_labels_of_one_class_are_no_contradiction(prepared):
    known = [*rows(films(0, 20)), *rows(films(0, 20), "Good"), *rows(films(20, 40), "bad")]
    assert len(prepared([known], [rows(["another"])], class_names={"Good": "good"})[1]) == 0


def test_sources_of_pairs_are_inputs_too(prepared):
    pairs = [{"en": f"film {number}", "fr": f"le film {number}"} for number in range(20)]
    data, (told,) = prepared([pairs], [pairs[:5] * 2], task="translation")
    assert data.seen == 10
    assert "10 of 10 validation examples (100%)" in told
