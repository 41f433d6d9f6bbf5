import numpy as np
import pytest
import tensorflow as tf

import rnn_apps
from rnn_apps.config import TrainingConfig
from rnn_apps.errors import DataError
from rnn_apps.layers import GRU, Bidirectional, Embedding
from rnn_apps.progress import Reporter
from rnn_apps.training import pretraining
from rnn_apps.training.checkpoint import save_checkpoint
from rnn_apps.training.pretraining import LanguageMetrics, Vocabulary, language_model, pretrain, sampled_loss

WORDS, WIDTH = 12, 6
CONFIG = TrainingConfig(epochs=3, batch_size=8, learning_rate=0.05, checkpoint_seconds=0.0)


def build_layers():
    return Embedding(WORDS, WIDTH, mask_zero=True), Bidirectional(GRU(8, return_sequences=True))


def texts(count, seed):
    """Texts in which each token follows from the one before: they count up, with jumps."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        jumps = rng.random(rng.integers(10, 30)) < 0.1
        steps = np.where(jumps, rng.integers(1, WORDS - 1, len(jumps)), 1)
        yield {"tokens": (1 + np.cumsum(steps) % (WORDS - 1)).astype(np.int32)}


@pytest.fixture
def learn(tmp_path):
    def call(folder="language", build=build_layers, reporter=None):
        reporter = reporter or Reporter(enabled=False)
        return pretrain(build, texts(40, 0), texts(9, 1), CONFIG, 3, tmp_path / folder, reporter)

    return call


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary(np.arange(WORDS) * 10)


@pytest.fixture(scope="module")
def layers():
    return build_layers()


@pytest.fixture(scope="module")
def model(layers, vocabulary):
    return language_model(*layers, vocabulary)


def test_no_direction_sees_what_it_is_to_predict(model):
    tokens = np.array([[3, 4, 5, 6, 7, 8]], np.int32)
    before = model({"tokens": tokens})
    for place in range(1, 5):
        changed = tokens.copy()
        changed[0, place] = 11
        after = model({"tokens": changed})
        np.testing.assert_array_equal(before["next"][:, :place], after["next"][:, :place])
        np.testing.assert_array_equal(before["previous"][:, place + 1 :], after["previous"][:, place + 1 :])
        assert (before["next"][:, place].numpy() != after["next"][:, place].numpy()).any()
        assert (before["previous"][:, place].numpy() != after["previous"][:, place].numpy()).any()


@pytest.fixture
def batch(model):
    tokens = np.array([[3, 4, 5, 6, 7], [8, 9, 10, 0, 0]], np.int32)
    return {"tokens": tokens}, dict(model({"tokens": tokens}))


def by_hand(batch, outputs, table, vocabulary):
    """The loss over all tokens and both directions, word by word."""
    losses = []
    for tokens, following, preceding in zip(batch["tokens"], outputs["next"], outputs["previous"], strict=True):
        real = [token for token in tokens if token]
        for place in range(len(real) - 1):
            for state, target in ((following[place], real[place + 1]), (preceding[place + 1], real[place])):
                logits = table @ np.asarray(state, np.float64) + vocabulary.log_share
                losses.append(np.log(np.exp(logits).sum()) - logits[target])
    return losses


def test_the_measured_loss_is_that_of_the_whole_vocabulary(batch, layers, vocabulary):
    tokens, outputs = batch
    table = layers[0].embeddings.numpy()
    metrics = LanguageMetrics(table, vocabulary)
    metrics.update({name: value.numpy() for name, value in outputs.items()}, tokens)
    assert metrics.result()["loss"] == pytest.approx(np.mean(by_hand(tokens, outputs, table, vocabulary)), rel=1e-5)


def test_rows_that_are_padded_further_have_the_same_loss(model, layers, vocabulary):
    tokens = np.array([[3, 4, 5, 6, 7], [8, 9, 10, 0, 0]], np.int32)
    wider = np.pad(tokens, ((0, 2), (0, 4)))
    losses = []
    for batch in (tokens, wider):
        outputs = dict(model({"tokens": batch})) | {"sampled": tf.range(1, WORDS)}
        losses.append(sampled_loss(outputs, tf.constant(batch), layers[0].embeddings.value, vocabulary))
    assert int(losses[0][1]) == int(losses[1][1])
    assert float(losses[0][0]) == pytest.approx(float(losses[1][0]), rel=1e-5)


def test_tokens_are_drawn_as_often_as_they_should_be(model, vocabulary):
    drawn = np.concatenate([model({"tokens": np.ones((1, 2), np.int32)})["sampled"].numpy() for _ in range(50)])
    shares = np.bincount(drawn, minlength=WORDS) / len(drawn)
    np.testing.assert_allclose(shares, np.exp(vocabulary.log_draw), atol=0.01)


def test_what_follows_from_the_text_is_learnt(learn):
    found = learn()
    embedding, bidirectional = build_layers()
    bidirectional.build((None, None, WIDTH))
    embedding.build((None, None))
    shapes = [tuple(weight.shape) for layer in (embedding, bidirectional) for weight in layer.weights]
    assert [weight.shape for weight in found.weights] == shapes
    assert found.loss < 0.9 * np.log(WORDS - 1)
    assert found.seconds > 0


def test_a_pretraining_that_was_killed_goes_on_to_the_same_result_and_is_not_repeated(learn, monkeypatch):
    class Killed(BaseException):
        pass

    expected = learn("undisturbed")
    calls = []

    def save(*arguments):
        calls.append(1)
        if len(calls) == 9:
            raise Killed
        save_checkpoint(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr("rnn_apps.training.trainer.save_checkpoint", save)
        with pytest.raises(Killed):
            learn("killed")
    found = learn("killed")
    assert found.loss == expected.loss
    for weight, value in zip(found.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, value)

    def never():
        raise AssertionError

    again = learn("killed", build=never)
    assert (again.loss, again.seconds) == (found.loss, found.seconds)


def test_texts_are_cut_into_windows_and_short_rests_left_out():
    lengths = [5, pretraining.SHORTEST, pretraining.WINDOW + 3, 2 * pretraining.WINDOW]
    rows = [{"tokens": np.arange(length), "letters": np.zeros((length, 4)), "label": 1} for length in lengths]
    windows = list(pretraining._windows(rows, ("tokens", "letters")))
    window = pretraining.WINDOW
    assert [len(row["tokens"]) for row in windows] == [pretraining.SHORTEST, window, window, window]
    assert all(row.keys() == {"tokens", "letters"} and len(row["letters"]) == len(row["tokens"]) for row in windows)


def test_texts_that_are_too_short_are_told(tmp_path):
    short = [{"tokens": np.array([1, 2, 3], np.int32)}]
    with pytest.raises(DataError, match="Expected texts of 10 tokens and more to learn the language from"):
        pretrain(build_layers, short, short, CONFIG, 3, tmp_path / "language", Reporter(enabled=False))


SMALL = {
    "model": {"units": 4, "layers": 1, "embedding": 4},
    "training": {"epochs": 1, "learning_rate": 1e-12},
    "pretraining": {"epochs": 1},
    "data": {"vocabulary_size": 300},
    "half_precision": False,
}


def test_a_model_starts_from_what_was_learnt(reviews, tmp_path, monkeypatch, files_below):
    known = [line.partition("\t")[2] for line in reviews.read_text().splitlines()]
    new = [f"a text that nobody has seen before, and its number is {n}" for n in range(30)]
    (tmp_path / "texts.txt").write_text("\n".join([*known, "<br />", "\x07", "", *new]) + "\n")
    learnt, seen = [], []
    original = pretraining.pretrain

    def spy(build_layers, texts, *others):
        learnt.append(
            original(build_layers, (seen.append(text["tokens"].tobytes()) or text for text in texts), *others)
        )
        return learnt[0]

    monkeypatch.setattr(pretraining, "pretrain", spy)
    model = rnn_apps.train(
        "sentiment", reviews, unlabelled=tmp_path / "texts.txt", config=SMALL, output=tmp_path / "m", progress=False
    )
    keras_model = model.keras_model()
    layers = model.task.new_network().language_layers(keras_model)
    weights = [weight.numpy() for layer in layers for weight in layer.weights]
    for weight, value in zip(weights, learnt[0].weights, strict=True):
        np.testing.assert_allclose(weight, value, atol=1e-6)
    assert model.bundle.manifest["data"]["unlabelled"] == "texts.txt"
    held_out = model.bundle.manifest["data"]["validation_examples"]
    assert held_out == 24
    # the training texts, then the unlabelled ones, of which those of the validation part are left out
    assert len(seen) == (240 - held_out) + (240 - held_out) + len(new)
    assert files_below(tmp_path)[0] == "m"
