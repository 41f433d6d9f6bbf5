"""A model in detail, and two side by side."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import rnn_apps
from rnn_apps.data.text.tags import legal_transitions
from rnn_apps.errors import ConfigError
from rnn_apps.evaluation import Evaluation, compare, evaluate_in_detail, report_page
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.inference.crf import ILLEGAL
from rnn_apps.inference.entities import EntityMetrics
from rnn_apps.inference.metrics import Judgement
from rnn_apps.sources import file_source
from rnn_apps.task import find_task


@pytest.fixture(scope="module")
def seen(sentiment_model, reviews):
    source = file_source(find_task("sentiment"), [reviews])
    return evaluate_in_detail(rnn_apps.load(sentiment_model), source), list(source)


def test_judgements_are_the_predictions_in_the_order_of_the_examples(seen, sentiment_model):
    found, examples = seen
    predictions = rnn_apps.load(sentiment_model).predict([example.text for example in examples])
    assert found.inputs == [example.text for example in examples]
    assert [own.right for own in found.judgements] == [example.label for example in examples]
    assert [own.said for own in found.judgements] == [own.label for own in predictions]
    np.testing.assert_allclose(
        [own.certainty for own in found.judgements], [own.probability for own in predictions], atol=1e-5
    )
    assert found.metrics == rnn_apps.load(sentiment_model).evaluate(examples)[1]


def test_classes_are_measured_as_scikit_learn_does(seen):
    from sklearn.metrics import classification_report, confusion_matrix

    found, _ = seen
    said, right = ([getattr(own, name) for own in found.judgements] for name in ("said", "right"))
    expected = classification_report(right, said, output_dict=True, zero_division=0)
    facts = found.as_dict()
    for name, own in facts["classes"].items():
        for ours, theirs in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score"), ("support",) * 2):
            assert own[ours] == pytest.approx(expected[name][theirs])
    names = list(facts["classes"])
    counts = {(pair["right"], pair["said"]): pair["count"] for pair in facts["confusion"]}
    for row, name in zip(confusion_matrix(right, said, labels=names), names, strict=True):
        assert [counts.get((name, other), 0) for other in names] == row.tolist()


def test_entities_are_measured_as_seqeval_does():
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOBES

    tags = ["O", *(f"{prefix}-{kind}" for kind in ("LOC", "PER") for prefix in "BIES")]
    metrics = EntityMetrics(tags)
    rng = np.random.default_rng(0)
    rows, time = 30, 8
    legal = [
        ["S-PER", "O", "B-LOC", "E-LOC", "O", "S-LOC", "O", "O"],
        ["O", "B-PER", "I-PER", "E-PER", "O", "O", "S-LOC", "O"],
    ]
    right = [legal[number % 2] for number in range(rows)]
    emissions = rng.normal(0, 2, (rows, time, len(tags))).astype(np.float32)
    for row, own in enumerate(right):
        for step, tag in enumerate(own):
            emissions[row, step, tags.index(tag)] += 3
    transitions = np.where(legal_transitions(tags), 0, ILLEGAL).astype(np.float32)[None].repeat(rows, axis=0)
    batch = {
        "tokens": np.ones((rows, time), np.int32),
        "tags": np.array([[tags.index(t) for t in own] for own in right]),
    }
    outputs = {"emissions": emissions, "transitions": transitions}
    metrics.update(outputs, batch)
    judged = metrics.judge(outputs, batch)
    assert metrics.score(np.sum([own.parts for own in judged], axis=0).tolist()) == pytest.approx(
        metrics.result()["f1"]
    )
    groups = metrics.groups(judged)
    assert sum(own[2] for own in groups.values()) == 15 * 3 + 15 * 2
    said = [[tags[n] for n in row] for row in metrics._batches[0].paths]
    expected = classification_report(right, said, output_dict=True, mode="strict", scheme=IOBES, zero_division=0)
    for kind, (hits, _, support) in groups.items():
        assert support == expected[kind]["support"]
        assert hits / support == pytest.approx(expected[kind]["recall"])


def made(name, correct):
    judged = [Judgement("a" if own else "b", "a", float(own), 0.9, (float(own), 1.0)) for own in correct]
    measure = ClassificationMetrics(1.0, ("a", "b"))
    return Evaluation(
        name,
        len(judged),
        {"accuracy": float(np.mean(correct))},
        "accuracy",
        {},
        judged,
        [""] * len(judged),
        None,
        measure,
    )


def test_a_difference_that_chance_makes_is_told_from_one_that_it_does_not():
    rng = np.random.default_rng(0)
    right = rng.random(600) < 0.8
    worse = right & (rng.random(600) < 0.9)
    other = rng.random(600) < 0.8
    clear, chance, none = (compare(made("one", right), made("two", own)) for own in (worse, other, right))
    assert clear.p_value < 0.001
    assert clear.interval[1] < 0
    assert chance.p_value > 0.05
    assert chance.interval[0] < chance.scores[1] - chance.scores[0] < chance.interval[1]
    assert none.p_value == 1.0
    assert clear.disagreements == (int((right & ~worse).sum()), 0)
    assert "no difference that chance would not make" in chance.views()[1].text
    assert "one is better" in clear.views()[1].text


def test_the_bootstrap_says_what_the_normal_distribution_says():
    rng = np.random.default_rng(1)
    first, second = rng.random(800) < 0.80, rng.random(800) < 0.84
    found = compare(made("one", first), made("two", second))
    difference = second.astype(float) - first
    error = difference.std() / np.sqrt(800)
    assert found.interval[0] == pytest.approx(difference.mean() - 1.96 * error, abs=0.004)
    assert found.interval[1] == pytest.approx(difference.mean() + 1.96 * error, abs=0.004)


def test_other_examples_are_not_compared():
    with pytest.raises(ConfigError, match="the same examples"):
        compare(made("one", [True] * 5), made("two", [True] * 6))


def test_the_page_holds_everything(seen):
    found, _ = seen
    page = report_page("A report", [found], compare(found, found))
    for part in (
        "By class",
        "Confusion",
        "confusion.csv",
        "data:image/png",
        "The mistakes that were surest",
        "Comparison",
    ):
        assert part in page
    assert "http" not in page.replace("data:", "")


def test_the_command_shows_and_writes_it(rnnapps, sentiment_model, reviews):
    result = rnnapps("evaluate", sentiment_model, "--data", reviews, "--details", "--report", "all.html")
    assert result.status == 0, result.stderr
    assert "macro mean" in result.stdout
    assert result.stdout.endswith("all.html\n")
    assert Path("all.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    facts = json.loads(rnnapps("evaluate", sentiment_model, "--data", reviews, "--details", "--json").stdout)
    assert facts["classes"].keys() == {"negative", "positive"}


def test_two_models_side_by_side(rnnapps, sentiment_model, reviews):
    arguments = "evaluate", sentiment_model, "--data", reviews, "--compare", "sentiment"
    result = rnnapps(*arguments)
    assert result.status == 0, result.stderr
    assert "paired bootstrap" in result.stdout.replace("\n", " ")
    facts = json.loads(rnnapps(*arguments, "--json").stdout)
    assert facts["other"]["model"] == "sentiment"
    assert 0 < facts["compared"]["p_value"] <= 1


def test_translations_are_judged_sentence_by_sentence(rnnapps, tmp_path):
    pairs = [("I have a book.", "J'ai un livre."), ("We went home.", "Nous sommes rentrés chez nous.")]
    for number, name in enumerate(("train.en", "train.fr")):
        (tmp_path / name).write_text("".join(pair[number] + "\n" for pair in pairs), encoding="utf-8")
    result = rnnapps("evaluate", "translation", "--data", "train.en", "--data", "train.fr", "--details")
    assert result.status == 0, result.stderr
    assert "By the length of the reference" in result.stdout


def test_bad_reports_are_refused(fails, sentiment_model, digits_model, reviews, tmp_path):
    arguments = "evaluate", sentiment_model, "--data", reviews
    assert "ends in .html" in fails(*arguments, "--report", "a.pdf")
    assert "there is no folder" in fails(*arguments, "--report", "no/a.html")
    assert "solves 'digits'" in fails(*arguments, "--compare", digits_model)
    assert "There is no saved model" in fails(*arguments, "--compare", "nothing")


def test_translations_are_compared_as_sacrebleu_does():
    import sacrebleu

    from rnn_apps.tasks.translation.metrics import TranslationMetrics

    metrics = TranslationMetrics(SimpleNamespace(bleu_tokenize="13a", lowercase=False))
    right = [f"the {animal} sat on the {thing} today" for animal in ("cat", "dog", "cow") for thing in ("mat", "sofa")]
    better = [text.replace("today", "now") for text in right]
    worse = [text.split(" on ")[0] for text in right]
    judged = [
        [Judgement(said, own, 0.5, 1.0, (0.5, 1.0)) for said, own in zip(texts, right, strict=True)]
        for texts in (worse, better)
    ]
    chrf, bleu = metrics.paired_tests(*judged)
    assert (chrf.metric, bleu.metric) == ("chrF2", "BLEU")
    assert chrf.scores == pytest.approx([sacrebleu.corpus_chrf(own, [right]).score for own in (worse, better)])
    assert bleu.scores == pytest.approx([sacrebleu.corpus_bleu(own, [right]).score for own in (worse, better)])
    assert max(chrf.p_value, bleu.p_value) < 0.01
    assert [own.p_value for own in metrics.paired_tests(judged[0], judged[0])] == [1.0, 1.0]
    first, second = (Evaluation("a", 6, {}, "chrF", {}, own, right, None, metrics) for own in judged)
    found = compare(first, second)
    assert found.p_value == chrf.p_value
    assert found.views()[-1].title == "Paired tests"
