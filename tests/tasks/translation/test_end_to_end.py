"""The whole way by the command line: train on the sample, translate what was never seen, measure; and bad data."""

import json

import pytest

from rnn_apps.bundle import read_bundle
from rnn_apps.tasks.translation import sample

TINY = (
    *("--set", "model.units=4", "--set", "model.embedding=4", "--set", "model.attention_units=4"),
    *("--set", "training.epochs=1", "--set", "data.vocabulary_size=200", "--set", "data.max_tokens=40"),
)


def test_unseen_sentences_are_translated_by_their_grammar(translation_run):
    folder, shown = translation_run
    assert "Le chat noir ne voit pas les petits oiseaux." in shown
    facts = read_bundle(folder).manifest
    assert facts["metrics"]["bleu"] > 80
    assert facts["metrics"]["chrf"] > 90


def test_the_bundle(translation_model):
    bundle = read_bundle(translation_model)
    assert {"encoder.onnx", "step.onnx", "weights.bin", "model.keras", "pieces.json"} <= set(bundle.manifest["files"])
    assert "model.onnx" not in bundle.manifest["files"]
    card = (bundle.folder / "README.md").read_text()
    assert "| bleu |" in card


def test_evaluating_files(translation_model, command, tmp_path):
    pairs = sample.pairs()[:60]
    (tmp_path / "a.en").write_text("".join(f"{pair.source}\n" for pair in pairs), encoding="utf-8")
    (tmp_path / "a.fr").write_text("".join(f"{pair.target}\n" for pair in pairs), encoding="utf-8")
    result = command("evaluate", translation_model, "--data", "a.en", "--data", "a.fr", "--json", cwd=tmp_path)
    measured = json.loads(result.stdout)
    assert measured["examples"] == 60
    assert measured["metrics"]["bleu"] > 80


def write(folder, **contents):
    for name, lines in contents.items():
        (folder / name.replace("_", ".")).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_a_pair_with_an_empty_side_and_a_very_long_line_do_not_stop_training(rnnapps, tmp_path):
    pairs = sample.pairs()[:80]
    source = [*(pair.source for pair in pairs), "", "dog " * 5000]
    target = [*(pair.target for pair in pairs), "vide", "chien " * 5000]
    write(tmp_path, a_en=source, a_fr=target)
    result = rnnapps("train", "translation", "--data", "a.en", "--data", "a.fr", *TINY, "--output", "out")
    assert result.status == 0, result.stderr
    facts = json.loads((tmp_path / "out" / "bundle.json").read_text())
    assert facts["data"]["training_examples"] + facts["data"]["validation_examples"] == 81


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"a_en": ["1", "2", "3"], "a_fr": ["un", "deux"]}, "a.en has 3, "),
        ({"a_en": ["1", "2"], "a_fr": ["1", "2"]}, "Is it the same language twice?"),
    ],
)
def test_files_that_do_not_belong_together(rnnapps, tmp_path, files_below, contents, message):
    write(tmp_path, **contents)
    before = files_below(tmp_path)
    result = rnnapps("train", "translation", "--data", "a.en", "--data", "a.fr", *TINY, "--output", "out")
    assert result.status == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert files_below(tmp_path) == before


def test_one_language_for_both(rnnapps):
    settings = ("--set", "data.source_language=fr", "--set", "data.target_language=fr")
    result = rnnapps("train", "translation", *settings)
    assert result.status == 2
    assert "source and target are both 'fr'" in result.stderr
