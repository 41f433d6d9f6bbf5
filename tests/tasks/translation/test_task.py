"""The task's doors: datasets, settings, the sample, and how translations are measured."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.config import load_config
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.layers import generic_path
from rnn_apps.tasks.translation import sample
from rnn_apps.tasks.translation.config import TranslationConfig
from rnn_apps.tasks.translation.metrics import TranslationMetrics
from rnn_apps.tasks.translation.processor import TranslationProcessor
from rnn_apps.tasks.translation.task import TranslationTask, text_features
from rnn_apps.training.losses import sequence_cross_entropy


class Dataset:
    """What `TFDSDataset` gives of a translation dataset."""

    name = "ted_hrlr_translate/ru_to_en"
    features = {"en": "text", "ru": "text"}  # noqa: RUF012

    def records(self, split):
        yield {"en": "hello .", "ru": "привет ."}
        yield {"en": "", "ru": "пока ."}


def test_tfds():
    (pair,) = TranslationTask().read_tfds(Dataset(), "train")
    assert (pair.source, pair.target, pair.where) == ("привет .", "hello .", "train, record 1")


@pytest.mark.parametrize(
    ("name", "features", "expected"),
    [
        ("ted_hrlr_translate/pt_to_en", ("en", "pt"), ("pt", "en")),
        ("wmt14_translate/de-en:1.0.0", ("en", "de"), ("de", "en")),
    ],
)
def test_which_language_is_translated(name, features, expected):
    assert text_features(name, dict.fromkeys(features, "text")) == expected


@pytest.mark.parametrize("features", [{"text": "text", "label": "label"}, {"en": "text", "fr": "text"}])
def test_datasets_that_do_not_say_it(features):
    with pytest.raises(DataError, match="Expected a dataset of two texts"):
        text_features("imdb_reviews/plain_text", features)


def test_the_same_language_twice():
    with pytest.raises(ConfigError, match="source and target are both 'en'"):
        load_config(TranslationConfig, settings=["data.source_language=en", "data.target_language=en"])


@pytest.mark.parametrize("path", [generic_path, contextlib.nullcontext], ids=["plain operations", "compiled"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_counts_real_tokens_only(path, smoothing):
    rng = np.random.default_rng(6)
    logits = tf.constant(rng.normal(size=(2, 4, 5)), tf.float32)
    targets = np.array([[1, 4, 2, 0], [3, 0, 0, 0]], np.int32)
    real = tf.boolean_mask(logits, targets != 0)
    with path():
        total, count = sequence_cross_entropy(real, targets, smoothing)
        padded = sequence_cross_entropy(real, np.pad(targets, [(0, 0), (0, 3)]).astype(np.int64), smoothing)
    expected = 0.0
    for row, place in [(0, 0), (0, 1), (0, 2), (1, 0)]:
        scores = log_softmax(logits.numpy()[row, place])
        expected -= (1 - smoothing) * scores[targets[row, place]] + smoothing * scores.mean()
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    assert count == 4
    np.testing.assert_allclose(padded, [total, 4])


@pytest.fixture(scope="module")
def processor():
    config = load_config(TranslationConfig, settings=["data.vocabulary_size=300", "data.bleu_tokenize=none"])
    return TranslationProcessor.fit(sample.pairs()[:300], config)


def batch_of(processor, pairs):
    from rnn_apps.data.batching import pad_batch

    return pad_batch(processor.encode(pairs))


def test_bleu_is_that_of_the_texts(processor):
    pairs = sample.pairs()[:20]
    batch = batch_of(processor, pairs)
    metrics = TranslationMetrics(processor)
    aligned = np.zeros_like(batch["target_out"])
    scores = np.zeros(len(aligned), np.float32)
    metrics.update({"tokens": batch["target_out"], "aligned": aligned, "score": scores}, batch)
    assert metrics.translations == [pair.target for pair in pairs]
    assert metrics.result() == pytest.approx({"bleu": 100.0, "chrf": 100.0})
    worse = TranslationMetrics(processor)
    worse.update({"tokens": batch["target_out"][::-1], "aligned": aligned, "score": scores}, batch)
    assert worse.result()["bleu"] < 30


def test_nats_and_accuracy_of_the_right_tokens(processor):
    batch = batch_of(processor, sample.pairs()[:3])
    targets = batch["target_out"]
    right = targets[targets != 0]
    logits = np.zeros((len(right), processor.target.vocabulary_size), np.float32)
    metrics = TranslationMetrics(processor)
    metrics.update({"logits": logits}, batch)
    assert metrics.result()["nll"] == pytest.approx(np.log(processor.target.vocabulary_size))
    np.put_along_axis(logits, right[:, None], 50.0, axis=1)
    metrics = TranslationMetrics(processor)
    metrics.update({"logits": logits}, batch)
    assert metrics.result() == pytest.approx({"nll": 0.0, "accuracy": 1.0}, abs=1e-6)


class TestSample:
    """The bilingual grammar."""

    def test_it_is_the_same_every_time_and_never_repeats(self):
        pairs = sample.pairs()
        sample.pairs.cache_clear()
        assert sample.pairs() == pairs
        assert len({pair.source for pair in pairs}) == len(pairs) == sample.COUNT
        assert not {pair.source for pair in pairs} & set(sample.EXAMPLES)

    def test_french_grammar(self):
        french = {pair.source: pair.target for pair in sample.pairs()}
        texts = " ".join(french.values()).lower()
        for wrong in ("le ami", "la école", "le hôtel", "ma église", "ce homme", "ne aime", "ne est ", " de les "):
            assert wrong not in texts
        for right in ("l'ami", "mon église", "cet homme", "n'aime pas", "n'est pas"):
            assert right in texts

    def test_word_by_word_fails(self):
        """Even with the best word for each, most sentences have other numbers of words or another order."""
        equal = sum(len(pair.source.split()) == len(pair.target.split()) for pair in sample.pairs())
        assert equal < 0.7 * sample.COUNT
        black = [pair for pair in sample.pairs() if "black cat" in pair.source]
        assert black
        assert all("noir" in pair.target.split("chat", 1)[1] for pair in black)
