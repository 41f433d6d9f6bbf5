"""Going on from a saved model: what it knows is kept, what is new is added, what does not fit is refused."""

import keras
import numpy as np
import pytest

import rnn_apps
from rnn_apps.errors import ConfigError
from rnn_apps.training.optimizer import AdamW
from rnn_apps.training.transfer import rate_factors
from training.small import build_model

SETTINGS = {"training": {"epochs": 1, "batch_size": 32, "learning_rate": 1e-6, "checkpoint_seconds": 0.0}}


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    """Reviews with a third class."""
    path = tmp_path_factory.mktemp("more") / "more.tsv"
    rows = [
        f"{label}\t{text} {number}\n"
        for number in range(12)
        for label, text in (("positive", "a fine film"), ("negative", "a dull film"), ("unsure", "a film"))
    ]
    path.write_text("".join(rows), encoding="utf-8")
    return path


def values(weight):
    return keras.ops.convert_to_numpy(weight).copy()


def went_on(model, data, output, config=SETTINGS, **more):
    return rnn_apps.train("sentiment", data, config=config, start=model, output=output, progress=False, **more)


def test_what_was_known_is_kept_and_a_new_class_gets_a_row(sentiment_model, more, tmp_path):
    first = rnn_apps.load(sentiment_model)
    model = went_on(sentiment_model, more, tmp_path / "on")
    assert model.predictor.class_names == (*first.predictor.class_names, "unsure")
    old, new = first.keras_model(), model.keras_model()
    for one, other in zip(old.weights, new.weights, strict=True):
        before, after = values(one), values(other)
        kept = after[tuple(slice(size) for size in before.shape)]
        np.testing.assert_allclose(kept, before, atol=2e-3)
    tokens = np.array([[5, 6, 7, 8]], np.int32)
    logits = [np.array(own({"tokens": tokens})["logits"])[0] for own in (old, new)]
    assert logits[1].shape == (3,)
    np.testing.assert_allclose(logits[1][:2], logits[0], atol=0.05)
    assert model.bundle.manifest["start"]["model"] == first.bundle.name
    assert f"gone on from: the model `{first.bundle.name}`" in (tmp_path / "on" / "README.md").read_text()


def test_what_is_forgotten_is_measured(sentiment_model, more, reviews, tmp_path):
    config = {"training": {**SETTINGS["training"], "epochs": 8, "learning_rate": 0.05}}
    model = went_on(sentiment_model, more, tmp_path / "on", config, old_data=reviews)
    facts = model.bundle.manifest["start"]
    assert facts["before"]["accuracy"] == rnn_apps.load(sentiment_model).evaluate(source(reviews))[1]["accuracy"]
    assert facts["after"]["accuracy"] == model.evaluate(source(reviews))[1]["accuracy"]
    assert f"accuracy {facts['before']['accuracy']:.4f} →" in (tmp_path / "on" / "README.md").read_text()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_share_of_the_old_weights_is_kept(sentiment_model, more, tmp_path, share):
    training = {**SETTINGS["training"], "epochs": 4, "learning_rate": 0.05}
    models = (
        rnn_apps.load(sentiment_model),
        went_on(sentiment_model, more, tmp_path / "alone", {"training": training}),
        went_on(sentiment_model, more, tmp_path / "kept", {"training": {**training, "keep": share}}),
    )
    found = zip(*([values(weight) for weight in model.keras_model().weights] for model in models), strict=True)
    alike = [(old, new, mean) for old, new, mean in found if old.shape == new.shape]  # the others have grown
    assert max(np.abs(new - old).max() for old, new, _ in alike) > 0.01
    for old, new, mean in alike:
        np.testing.assert_allclose(mean, share * old + (1 - share) * new, atol=2e-3)


def source(path):
    from rnn_apps.sources import file_source
    from rnn_apps.task import find_task

    return file_source(find_task("sentiment"), [path])


@pytest.mark.parametrize(("frozen", "changed"), [("embedding", "encoder"), ("encoder", "embedding")])
def test_frozen_layers_stay_as_they_are(sentiment_model, more, tmp_path, frozen, changed):
    config = {"training": {**SETTINGS["training"], "epochs": 3, "learning_rate": 0.05, "freeze": [frozen]}}
    model = went_on(sentiment_model, more, tmp_path / "on", config)
    old, new = (rnn_apps.load(folder).keras_model() for folder in (sentiment_model, model.bundle.folder))

    def moved(name):
        pairs = zip(old.get_layer(name).weights, new.get_layer(name).weights, strict=True)
        # new subwords stand behind those that were known
        return max(float(np.abs(values(one) - values(other)[: one.shape[0]]).max()) for one, other in pairs)

    assert moved(frozen) == 0
    assert moved(changed) > 1e-3


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Reviews, and texts without labels, that are long enough to learn a language from."""
    folder = tmp_path_factory.mktemp("long")
    rows = [
        (label, f"a {word} film with number {number} of many good and bad actors in it")
        for number in range(24)
        for label, word in (("positive", "fine"), ("negative", "dull"))
    ]
    (folder / "long.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in rows), encoding="utf-8")
    (folder / "texts.txt").write_text("".join(f"{text}\n" for _, text in rows), encoding="utf-8")
    return folder / "long.tsv", folder / "texts.txt"


@pytest.mark.parametrize("frozen", [[], ["embedding"]])
def test_a_language_is_learnt_on_from_what_was_known(sentiment_model, long, tmp_path, frozen):
    data, texts = long
    config = {
        "training": {**SETTINGS["training"], "freeze": frozen},
        "pretraining": {"epochs": 2, "learning_rate": 0.003},
    }
    model = went_on(sentiment_model, data, tmp_path / "on", config, unlabelled=texts)
    old, new = rnn_apps.load(sentiment_model).keras_model(), model.keras_model()

    def moved(name):
        pairs = zip(old.get_layer(name).weights, new.get_layer(name).weights, strict=True)
        return max(float(np.abs(values(one) - values(other)[: one.shape[0]]).max()) for one, other in pairs)

    # halves of a number are saved: what only the training moved, and by a millionth, is as it was
    assert (moved("embedding") < 2e-3) == bool(frozen)
    assert 2e-3 < moved("encoder") < 2e-2  # from where it was: from new weights it would be 0.05 away
    assert moved("logits") < 2e-3


def test_layers_below_learn_more_slowly():
    model = build_model()
    factors = rate_factors(model, 0.5)
    names = [variable.path.split("/")[0] for variable in model.trainable_variables]
    by_layer = dict(zip(names, factors, strict=True))
    assert sorted(by_layer.values()) == [0.25, 0.5, 1.0]
    assert by_layer[names[0]] == 0.25
    assert by_layer[names[-1]] == 1.0
    optimizer = AdamW(0.1)
    optimizer.build(model.trainable_variables)
    optimizer.rate_factors = factors
    before = [values(variable) for variable in model.trainable_variables]
    optimizer.apply([np.ones_like(value) for value in before], model.trainable_variables)
    for value, variable, factor in zip(before, model.trainable_variables, factors, strict=True):
        np.testing.assert_allclose(value - values(variable), 0.1 * factor, rtol=2e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": {"model": {"cell": "gru"}}}, "model.cell is 'lstm' there and 'gru' here"),
        ({"config": {"model": {"units": 9}}}, "model.units is 8 there and 9 here"),
        ({"config": {"model": {"dropout": 0.1}, "training": {"epochs": 1}}}, None),
    ],
)
def test_another_network_is_refused_with_both_values(sentiment_model, more, tmp_path, arguments, message):
    if message is None:
        assert went_on(sentiment_model, more, tmp_path / "on", **arguments)
        return
    with pytest.raises(ConfigError) as caught:
        went_on(sentiment_model, more, tmp_path / "on", **arguments)
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_bad_starts_are_refused_in_a_line(fails, sentiment_model, digits_model, more):
    arguments = "run", "sentiment", "--data", more, "--output", "new"
    assert "solves 'digits'" in fails(*arguments, "--from", digits_model)
    assert "There is no saved model" in fails(*arguments, "--from", "nothing")
    assert "Say from which with --from" in fails(*arguments, "--freeze", "encoder")
    assert "Say which with --from" in fails(*arguments, "--old-data", more)
    assert "leave training.keep out" in fails(*arguments, "--set", "training.keep=0.5")
    frozen = "--freeze", "encoder", "--freeze", "embedding", "--unlabelled", more
    assert "Leave --unlabelled or one of them out" in fails(*arguments, "--from", sentiment_model, *frozen)
    assert "is not one of" in fails(*arguments, "--from", sentiment_model, "--freeze", "everything")
