"""Several models as one: its answers are the means of theirs, through every door."""

import json
from pathlib import Path

import numpy as np
import pytest

import rnn_apps
from rnn_apps.data.readers.labelled import read_labelled_texts
from rnn_apps.errors import ConfigError, NotFoundError
from rnn_apps.joining import join

TEXTS = ["The food was good.", "A dull and noisy room.", "never boring"]


@pytest.fixture(scope="module")
def joined(sentiment_model, tmp_path_factory):
    models = [rnn_apps.load(sentiment_model), rnn_apps.load("sentiment")]
    return join(models, tmp_path_factory.mktemp("joined") / "both"), models


def test_an_answer_is_the_mean_of_the_answers(joined):
    model, members = joined
    answers = [member.predict(TEXTS) for member in members]
    for own, *others in zip(model.predict(TEXTS), *answers, strict=True):
        for name, share in own.probabilities.items():
            assert share == pytest.approx(np.mean([other.probabilities[name] for other in others]))
        assert own.probability == max(own.probabilities.values())
        assert sum(own.probabilities.values()) == pytest.approx(1)


def test_what_any_of_them_warns_of_is_told(tmp_path):
    members = [rnn_apps.load("sentiment"), rnn_apps.load("sentiment-zh")]
    model = join(members, tmp_path / "both")
    english, chinese = "A dull and noisy room, and the staff were not friendly at all.", "房间又小又吵,服务员也不友好。"
    for text in (english, chinese):
        told = [warning for member in members for warning in member.predict([text])[0].warnings]
        assert told
        assert model.predict([text])[0].warnings == told


def test_its_metrics_are_those_of_its_answers(joined, reviews, rnnapps):
    model, _ = joined
    examples = list(read_labelled_texts(reviews))
    predictions = model.predict([example.text for example in examples])
    right = [own.label == example.label for own, example in zip(predictions, examples, strict=True)]
    count, metrics = model.evaluate(examples)
    assert count == len(examples)
    assert metrics["accuracy"] == pytest.approx(np.mean(right))
    nats = [-np.log(own.probabilities[example.label]) for own, example in zip(predictions, examples, strict=True)]
    assert metrics["loss"] == pytest.approx(np.mean(nats), rel=1e-4)
    result = rnnapps("evaluate", model.bundle.folder, "--data", reviews, "--details", "--json")
    assert json.loads(result.stdout)["metrics"]["accuracy"] == pytest.approx(np.mean(right))


def test_it_is_a_bundle_like_any_other(joined, rnnapps):
    model, members = joined
    result = rnnapps("predict", model.bundle.folder, *TEXTS, "--json")
    found = [own["label"] for own in json.loads(result.stdout)]
    assert found == [own.label for own in model.predict(TEXTS)]
    assert model.bundle.manifest["parameters"] == sum(own.bundle.manifest["parameters"] for own in members)
    assert not list(model.bundle.folder.rglob("model.keras"))
    with pytest.raises(NotFoundError, match="is joined"):
        model.keras_model()
    (weight,) = (model.bundle.folder / "members" / "0").glob("model.onnx")
    weight.write_bytes(weight.read_bytes()[:-1] + b"x")
    assert "was changed" in rnnapps("predict", model.bundle.folder, "a").stderr


def test_the_command_says_what_it_costs(rnnapps, sentiment_model):
    result = rnnapps("join", sentiment_model, "sentiment", "--output", "both")
    assert result.status == 0, result.stderr
    assert "an answer takes" in result.stderr
    assert "2 models as one" in Path("both/README.md").read_text()


def test_what_does_not_go_together_is_refused(fails, sentiment_model, digits_model, joined):
    assert "two models or more" in fails("join", sentiment_model, "--output", "new")
    assert "Expected models of one task" in fails("join", sentiment_model, digits_model, "--output", "new")
    assert "Models that pick one class" in fails("join", "ner", "ner-zh", "--output", "new")


def test_a_joined_model_is_not_joined_again(joined, tmp_path):
    model, members = joined
    with pytest.raises(ConfigError, match="is joined itself"):
        join([members[1], model], tmp_path / "new")
