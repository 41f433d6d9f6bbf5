"""The built-in sample: fair, free of duplicates, and out of reach for a bag of words."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from rnn_apps.tasks.sentiment.sample import EXAMPLES, examples


def words(text):
    return re.findall(r"\w+", text.lower())


@pytest.fixture(scope="module")
def sample():
    return examples()


def test_balanced_and_without_duplicates(sample):
    assert Counter(label for label, _ in sample) == {"positive": 2040, "negative": 2040}
    assert len({text for _, text in sample}) == len(sample)


def test_the_same_at_every_call_and_in_every_process(sample):
    assert examples() == sample
    code = f"from rnn_apps.tasks.sentiment.sample import examples; print(examples() == {sample!r})"
    assert subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True).stdout == "True\n"


def test_texts_read_like_short_reviews(sample):
    for _, text in sample:
        assert 4 <= len(words(text)) <= 30
        assert re.fullmatch(r"([A-Z][A-Za-z ,]*[a-z]\. ?)+(?<! )", text), text


def test_words_of_one_polarity_occur_under_both_labels(sample):
    counts = {label: Counter() for label in ("positive", "negative")}
    for label, text in sample:
        counts[label].update(words(text))
    for word in counts["positive"] | counts["negative"]:
        total = counts["positive"][word] + counts["negative"][word]
        assert abs(counts["positive"][word] - counts["negative"][word]) <= total / 2, word


def test_more_than_half_of_the_texts_have_a_twin_of_the_other_label(sample):
    bags = {label: Counter() for label in ("positive", "negative")}
    for label, text in sample:
        bags[label][tuple(sorted(words(text)))] += 1
    assert (bags["positive"] & bags["negative"]).total() >= 1200


def test_a_bag_of_words_stays_at_chance(sample):
    text_features = pytest.importorskip("sklearn.feature_extraction.text")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    held_out = len(sample) // 5
    labels, texts = zip(*sample, strict=True)
    for features in (text_features.CountVectorizer(), text_features.TfidfVectorizer()):
        model = make_pipeline(features, LogisticRegression(max_iter=1000))
        model.fit(texts[held_out:], labels[held_out:])
        assert model.score(texts[:held_out], labels[:held_out]) < 0.6


def test_examples_use_words_of_the_sample(sample):
    vocabulary = {word for _, text in sample for word in words(text)}
    assert len(EXAMPLES) == 3
    for text in EXAMPLES:
        assert vocabulary.issuperset(words(text))
