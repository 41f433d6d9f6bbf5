"""A small tagger from its training to its answers, through the command line and in Python."""

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

import rnn_apps
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.tasks.ner.sample import sentences
from rnn_apps.tasks.ner.task import NerTask

SETTINGS = {
    "model": {"units": 24, "embedding": 24, "letter_filters": 16, "letter_embedding": 12, "dropout": 0.1},
    "training": {"epochs": 4, "learning_rate": 0.02, "batch_size": 32, "patience": 9},
}
SENTENCE = "Anna Keller moved to Lisbon in May 2011. 😀 Shares of Apple fell!"


def write(path, chosen):
    blocks = ("\n".join(f"{token} {tag}" for token, tag in zip(s.tokens, s.tags, strict=True)) for s in chosen)
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ner")
    return write(folder / "train.txt", sentences()[:600]), write(folder / "valid.txt", sentences()[1200:1500])


@pytest.fixture(scope="module")
def model(files, tmp_path_factory):
    train, valid = files
    output = tmp_path_factory.mktemp("models") / "names"
    return rnn_apps.train("ner", train, valid=valid, config=SETTINGS, output=output, progress=False)


def test_quality_and_calibration(model):
    metrics = model.bundle.manifest["metrics"]
    assert metrics["f1"] > 0.8
    assert metrics["ece"] < 0.05
    assert list(metrics) == ["f1", "precision", "recall", "loss", "ece"]
    assert (model.bundle.folder / "reliability.png").exists()
    assert "reliability.png" in (model.bundle.folder / "README.md").read_text()


def test_f1_is_that_of_seqeval_in_strict_mode(model, files):
    held_out = list(NerTask().read([files[1]]))
    found = [prediction.tags for prediction in model.predict([list(s.tokens) for s in held_out])]
    expected = f1_score([list(s.tags) for s in held_out], found, mode="strict", scheme=IOB2)
    count, metrics = model.evaluate(iter(held_out))
    assert count == 300
    assert metrics["f1"] == pytest.approx(expected, abs=1e-12)
    assert metrics == pytest.approx(model.bundle.manifest["metrics"], abs=1e-4)


def test_offsets_are_those_of_the_text(model):
    (prediction,) = model.predict([SENTENCE])
    assert prediction.entities
    for entity in prediction.entities:
        assert SENTENCE[entity.start : entity.end] == entity.text
        assert 0 <= entity.probability <= 1
    assert prediction.entities[0].text == "Anna Keller"
    assert len(prediction.tokens) == len(prediction.tags)


ANY = st.text(max_size=20) | st.text(
    st.sampled_from("é ü\u0301\u0308\u200b\u200d\u00ad\ufeff👨सी가\ud83d"), max_size=12
)


@given(ANY, ANY)
def test_offsets_are_those_of_any_text_and_canonically_equal_texts_have_the_same_entities(model, before, behind):
    text = f"{before} Anna Keller moved to Lisbon {behind}"
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    found = model.predict([text, *forms])
    for given_text, prediction in zip([text, *forms], found, strict=True):
        assert all(given_text[entity.start : entity.end] == entity.text for entity in prediction.entities)
    first, second = ([(_nfc(own.text), own.type) for own in prediction.entities] for prediction in found[1:])
    assert first == second


def _nfc(text):
    return unicodedata.normalize("NFC", text)


def test_invisible_characters_and_full_width_letters_change_nothing(model):
    plain = "Anna Keller moved to Lisbon."
    for changed in (
        "\ufeffAnna Kel\u00adler moved\u200b to \u200cLisbon.\u200f",
        "Ａｎｎａ　Ｋｅｌｌｅｒ moved to Ｌｉｓｂｏｎ.",
    ):
        first, second = model.predict([plain, changed])
        assert [own.type for own in first.entities] == [own.type for own in second.entities]
        np.testing.assert_allclose(
            [own.probability for own in first.entities], [own.probability for own in second.entities], atol=1e-6
        )
        assert all(changed[own.start : own.end] == own.text for own in second.entities)


def test_a_long_document_is_as_good_as_its_sentences(model):
    given = [" ".join(sentence.tokens) for sentence in sentences()[1200:1400]]
    document, *alone = model.predict([" ".join(given), *given])
    start, expected = 0, []
    for text, prediction in zip(given, alone, strict=True):
        expected += [(own.start + start, own.end + start, own.type) for own in prediction.entities]
        start += len(text) + 1
    found = [(own.start, own.end, own.type) for own in document.entities]
    assert len(set(found) ^ set(expected)) <= 0.02 * len(expected)


def test_one_by_one_as_all_together(model):
    texts = [SENTENCE, "", "Ω", "Paris. " * 40, "May\nJune"]
    together = model.predict(texts)
    for text, prediction in zip(texts, together, strict=True):
        (alone,) = model.predict([text])
        assert alone.tags == prediction.tags
        np.testing.assert_allclose(
            [entity.probability for entity in alone.entities],
            [entity.probability for entity in prediction.entities],
            atol=1e-5,
        )
    assert together[1].model_dump() == {"entities": [], "tokens": [], "tags": [], "alternatives": []}


def test_a_sentence_of_ten_thousand_tokens(model):
    (prediction,) = model.predict([["Anna", "met", "Peter", "."] * 2500])
    assert len(prediction.tags) == 10_000


def test_nbest(model):
    (prediction,) = model.predict([SENTENCE], nbest=4)
    likely = [alternative.probability for alternative in prediction.alternatives]
    assert len(likely) == 4
    assert likely == sorted(likely, reverse=True)
    assert sum(likely) <= 1 + 1e-9
    assert prediction.alternatives[0].tags == prediction.tags
    assert len({tuple(alternative.tags) for alternative in prediction.alternatives}) == 4
    with pytest.raises(ConfigError, match="nbest to be a whole number"):
        model.predict(["a"], nbest="2")
    with pytest.raises(ConfigError, match=r"no option 'n_best'\. Did you mean 'nbest'"):
        model.predict(["a"], n_best=2)


def test_command_line(model, rnnapps):
    folder = model.bundle.folder
    result = rnnapps("predict", folder, SENTENCE, '["Anna", "left", "."]', "--json", "--nbest", 2)
    assert result.status == 0, result.stderr
    text, tokens = json.loads(result.stdout)
    assert text["entities"][0]["text"] == "Anna Keller"
    assert tokens["tokens"] == ["Anna", "left", "."]
    assert len(tokens["alternatives"]) == 2
    shown = rnnapps("predict", folder, "[b] Anna Keller left.")
    assert shown.stdout.startswith("[b] [Anna Keller] PER ")
    assert rnnapps("predict", folder, "Anna", "--nbest", 0).status == 2


def test_a_file_without_an_entity_is_evaluated_and_said(model, rnnapps, tmp_path):
    (tmp_path / "none.conll").write_text("it O\nrains O\n. O\n", encoding="utf-8")
    result = rnnapps("evaluate", model.bundle.folder, "--data", tmp_path / "none.conll", "--json")
    assert result.status == 0
    assert json.loads(result.stdout)["metrics"]["f1"] == 0
    assert "warning: none.conll has no entity: precision, recall and F1 are 0 or undefined." in result.stderr


def test_evaluation_names_unknown_types(model, rnnapps, tmp_path):
    data = tmp_path / "other.txt"
    data.write_text("Anna B-PER\nsings B-SONG\n")
    result = rnnapps("evaluate", model.bundle.folder, "--data", data)
    assert result.status == 2
    assert "other.txt, line 2: the type 'SONG' was not in the training data" in result.stderr


def test_no_tensorflow_to_predict(model, run_python):
    code = (
        "import sys, rnn_apps; rnn_apps.load(sys.argv[1]).predict(['Anna left.'], nbest=2); "
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    result = run_python(code, model.bundle.folder)
    assert result.stdout.strip() == "[]", result.stderr


def test_pretraining_vectors_and_chinese(tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(" ".join(s.tokens) for s in sentences()[1500:1700]))
    settings = {**SETTINGS, "training": {"epochs": 1}}
    train = write(tmp_path / "train.txt", sentences()[:200])
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("Anna 1 2 3\nLisbon 4 5 6\n")
    config = {**settings, "data": {"vectors": str(vectors)}, "model": {**SETTINGS["model"], "tune_vectors": False}}
    tuned = rnn_apps.train("ner", train, config=config, output=tmp_path / "vectors-model", progress=False)
    embedding = tuned.keras_model().get_layer("embedding")
    assert embedding.output_dim == 3
    numbers = [tuned.predictor.processor.words.index(word) + 2 for word in ("anna", "lisbon")]
    table = np.asarray(embedding.embeddings)[numbers]
    np.testing.assert_allclose(table[1] - table[0], (table[1, 0] - table[0, 0]) * np.ones(3), rtol=1e-2)
    assert table.std() == pytest.approx(0.5, rel=1e-2)

    vectors.unlink()  # a model that goes on from this one has the vectors
    folder = tmp_path / "vectors-model"
    frozen = {"training": {"epochs": 1, "freeze": ["embedding"]}}
    more = rnn_apps.train("ner", train, start=folder, config=frozen, output=tmp_path / "more", progress=False)
    np.testing.assert_array_equal(np.asarray(more.keras_model().get_layer("embedding").embeddings)[numbers], table)
    assert more.bundle.manifest["config"]["data"]["vectors"] == ""
    with pytest.raises(ConfigError, match=r"'vectors-model' has its own vectors; data.vectors \(other.txt\)"):
        rnn_apps.train("ner", train, start=folder, config={"data": {"vectors": "other.txt"}}, progress=False)

    chinese = tmp_path / "zh.txt"
    chinese.write_text("王\tB-PER\n小\tI-PER\n在\tO\n北\tB-LOC\n京\tI-LOC\n。\tO\n\n" * 30, encoding="utf-8")
    model = rnn_apps.train("ner", chinese, config=settings, output=tmp_path / "zh-model", progress=False)
    (prediction,) = model.predict(["a😀 王小在北京。"])
    assert prediction.tokens == ["a", "😀", "王", "小", "在", "北", "京", "。"]


def test_pretraining_on_plain_text(tmp_path, rnnapps):
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(" ".join(s.tokens) for s in sentences()[1500:1900]))
    train = write(tmp_path / "train.txt", sentences()[:200])
    small = [f"--set=model.{name}={value}" for name, value in SETTINGS["model"].items()]
    result = rnnapps(
        "train", "ner", "--data", train, "--unlabelled", texts, "--output", "m", "--set", "training.epochs=1", *small
    )
    assert result.status == 0, result.stderr
    assert "as a language model" in (tmp_path / "m" / "README.md").read_text()


def test_inputs_that_are_no_sentences(model):
    with pytest.raises(DataError, match=r"Expected a text or a list of tokens. Input 1"):
        model.predict([3])
    with pytest.raises(DataError, match="Input 2"):
        model.predict(["a", ["b", ""]])


def test_a_token_with_blanks_is_told():
    (texts, words) = rnn_apps.load("ner").predict([["Anna", "lives in Paris"], ["Anna", "lives", "in", "Paris"]])
    assert "'lives in Paris' is taken for one token" in texts.warnings[0]
    assert words.warnings == []


def test_many_taggings_cost_more_and_a_client_gets_a_hundred_at_most():
    predictor = rnn_apps.load("ner").predictor
    plain, many = (predictor.cost("Anna left. " * 100, predictor.Options(nbest=nbest)) for nbest in (None, 100))
    assert many > 10 * plain
    with pytest.raises(ConfigError, match="at most 100"):
        predictor.client_options({"nbest": 101})


def test_the_documentation_shows_what_the_shipped_model_says():
    page = (Path(__file__).parents[3] / "docs" / "ner.md").read_text(encoding="utf-8")
    shown = json.loads(re.search(r"```json\n(.*?)```", page, re.DOTALL).group(1))
    (answer,) = rnn_apps.load("ner").predict([shown["tokens"]])
    found = answer.model_dump()
    for entity in found["entities"]:
        entity["probability"] = round(entity["probability"], 2)
    assert found == shown
