import gzip
import json

import pytest

import rnn_apps
from rnn_apps.data.readers.labelled import read_labelled_texts


def test_the_document_has_its_documented_form(rnnapps, sentiment_model, reviews):
    result = rnnapps("evaluate", sentiment_model, "--data", reviews, "--json")
    assert result.status == 0, result
    assert len(result.stdout.splitlines()) == 1
    document = json.loads(result.stdout)
    assert list(document) == ["task", "model", "examples", "metrics"]
    assert (document["task"], document["model"], document["examples"]) == ("sentiment", "opinion", 240)
    assert document["metrics"].keys() == {"accuracy", "loss", "ece"}


def test_the_metrics_are_those_of_the_predictions(rnnapps, sentiment_model, reviews):
    examples = list(read_labelled_texts(reviews))
    predictions = rnn_apps.load(sentiment_model).predict([example.text for example in examples])
    right = sum(p.label == e.label for p, e in zip(predictions, examples, strict=True))
    found = json.loads(rnnapps("evaluate", sentiment_model, "--data", reviews, "--json").stdout)["metrics"]
    assert found["accuracy"] == pytest.approx(right / len(examples))
    assert rnn_apps.load(sentiment_model).evaluate(examples) == (240, found)


def test_a_person_reads_a_line_a_metric(rnnapps, sentiment_model, reviews):
    lines = rnnapps("evaluate", sentiment_model, "--data", reviews).stdout.splitlines()
    assert lines[0] == "opinion on reviews.tsv (240 examples)"
    assert [line.split()[0] for line in lines[1:]] == ["accuracy", "loss", "ece"]


def test_the_file_may_be_gzipped(rnnapps, sentiment_model, reviews, tmp_path):
    (tmp_path / "reviews.tsv.gz").write_bytes(gzip.compress(reviews.read_bytes()))
    plain, packed = (
        json.loads(rnnapps("evaluate", sentiment_model, "--data", path, "--json").stdout)
        for path in (reviews, "reviews.tsv.gz")
    )
    assert plain == packed


def test_the_order_of_the_examples_does_not_matter(sentiment_model, reviews):
    examples = list(read_labelled_texts(reviews))
    model = rnn_apps.load(sentiment_model)
    assert model.evaluate(examples[::-1])[1] == pytest.approx(model.evaluate(examples)[1])


GERMAN = ("Der Film war von Anfang bis Ende spannend.", "Selten habe ich mich im Kino so sehr gelangweilt wie gestern.")


def test_texts_in_another_language_are_told(rnnapps, sentiment_model, reviews, tmp_path):
    (tmp_path / "german.tsv").write_text("".join(f"positive\t{text}\n" for text in GERMAN * 5), encoding="utf-8")
    foreign = rnnapps("evaluate", "sentiment", "--data", "german.tsv")
    assert foreign.status == 0
    assert (
        "warning: most of the first inputs are none for sentiment; of 2 in 2 parts of some 40 words" in foreign.stderr
    )
    own = rnnapps("evaluate", "sentiment", "--data", reviews)
    assert "none for" not in own.stderr


def test_sides_the_wrong_way_round_are_told(rnnapps, tmp_path):
    (tmp_path / "a.en").write_text("The cat is sleeping on the sofa.\nWhere did you buy that book?\n", encoding="utf-8")
    (tmp_path / "a.fr").write_text("Le chat dort sur le canapé.\nOù as-tu acheté ce livre ?\n", encoding="utf-8")
    right = rnnapps("evaluate", "translation", "--data", "a.en", "--data", "a.fr")
    wrong = rnnapps("evaluate", "translation", "--data", "a.fr", "--data", "a.en")
    assert (right.status, wrong.status) == (0, 0)
    assert "probably bad" not in right.stderr
    assert "translates from 'en' to 'fr': are the two sides of the data the right way round?" in wrong.stderr
