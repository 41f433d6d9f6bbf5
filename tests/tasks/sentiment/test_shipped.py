from pathlib import Path

import pytest

import rnn_apps

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.mark.parametrize(
    ("name", "texts", "least"), [("sentiment", "short.tsv", 60), ("sentiment-zh", "short-zh.tsv", 50)]
)
def test_short_denials_are_understood(name, texts, least):
    rows = [line.split("\t") for line in (BENCHMARKS / texts).read_text(encoding="utf-8").splitlines()]
    answers = rnn_apps.load(name).predict([text for _, text in rows])
    assert sum(answer.label == label for answer, (label, _) in zip(answers, rows, strict=True)) >= least


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("not bad", "positive"),
        ("I hate it", "negative"),
        ("The film was not dull.", "positive"),
        ("I expected more.", "negative"),
        ("Arrived on time, works perfectly.", "positive"),
    ],
)
def test_what_one_types_first(text, label):
    (answer,) = rnn_apps.load("sentiment").predict([text])
    assert (answer.label, answer.warnings) == (label, [])


@pytest.mark.parametrize("text", ["C'est nul", "Das ist schlecht", "Muy buena película", "Film był okropny"])
def test_a_short_text_in_another_language_is_warned_of(text):
    (answer,) = rnn_apps.load("sentiment").predict([text])
    assert "perhaps in another language" in answer.warnings[0]
