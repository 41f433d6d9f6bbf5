import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import rnn_apps
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.inference.search import Hypothesis
from rnn_apps.tasks.translation import sample
from rnn_apps.tasks.translation.processor import END, PADDING, START, UNKNOWN
from rnn_apps.tasks.translation.search import MAX_BEAM, TranslationOptions, Translator
from rnn_apps.views import Heatmap, Text

SENTENCES = [pair.source for pair in sample.pairs()[-40:]]
DOCUMENT = "The cat sees the dog. Anna is happy.\n\n   \nThe birds are small.\n"


@pytest.fixture(scope="module")
def model(translation_model):
    return rnn_apps.load(translation_model)


@pytest.fixture(scope="module")
def sources(model):
    return [row["source"] for row in model.predictor.processor.encode_inputs(SENTENCES)]


def test_a_translation_is_as_likely_as_the_trained_model_says(model, sources):
    keras_model = model.keras_model()
    found = model.predictor.translator.translate(sources[:6], TranslationOptions(nbest=2))
    for source, hypotheses in zip(sources, found, strict=False):
        for own in hypotheses:
            given = {"source": source[None], "target_in": np.array([[START, *own.tokens]], np.int32)}
            log_probabilities = log_softmax(np.asarray(keras_model(given)["logits"]))
            expected = log_probabilities[np.arange(len(own.tokens) + 1), [*own.tokens, END]].sum()
            assert own.log_probability == pytest.approx(expected, abs=1e-3)
            assert own.score == pytest.approx(own.log_probability / ((6 + len(own.tokens)) / 6), abs=1e-6)
            assert not {PADDING, START, END} & set(own.tokens.tolist())


def test_sentences_get_together_what_each_gets_alone(model):
    together = model.predict(SENTENCES)
    alone = [model.predict([sentence])[0] for sentence in SENTENCES]
    np.testing.assert_allclose([own.score for own in together], [own.score for own in alone], atol=1e-4)
    assert [own.translation for own in together] == [own.translation for own in alone]
    assert len({own.translation for own in together}) > 10


def test_a_wider_beam_finds_likelier_translations(model):
    totals = [
        sum(own.log_probability for own in model.predict(SENTENCES, beam=beam, length_penalty=0.0)) for beam in (1, 8)
    ]
    assert totals[1] > totals[0] - 1e-4  # it may find the same


def test_a_batch_is_run_as_it_is_predicted(model, translation_model, sources):
    from rnn_apps.data.batching import pad_batch

    outputs = Translator(translation_model).run(pad_batch([{"source": source} for source in sources]))
    assert {name: array.dtype for name, array in outputs.items()} == {
        "tokens": np.dtype(np.int32),
        "aligned": np.dtype(np.int32),
        "score": np.dtype(np.float32),
    }
    assert outputs["tokens"].shape == outputs["aligned"].shape
    predicted = model.predict(SENTENCES)
    np.testing.assert_allclose(outputs["score"], [own.score for own in predicted], atol=1e-4)
    decode = model.predictor.processor.decode
    assert [decode(tokens) for tokens in outputs["tokens"]] == [own.translation for own in predicted]


def test_a_document_is_translated_line_by_line(model):
    (whole,) = model.predict([DOCUMENT])
    parts = model.predict(["The cat sees the dog.", "Anna is happy.", "The birds are small."])
    texts = [part.translation for part in parts]
    assert whole.translation == f"{texts[0]} {texts[1]}\n\n\n{texts[2]}\n"
    assert whole.score == pytest.approx(sum(part.score for part in parts), abs=1e-4)
    assert whole.log_probability == pytest.approx(sum(part.log_probability for part in parts), abs=1e-4)
    assert len(whole.alignments) == 3


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\n\n"])
def test_nothing_is_translated_to_nothing(model, text):
    (found,) = model.predict([text])
    assert found.translation == "\n" * text.count("\n")
    assert (found.score, found.log_probability, found.warnings) == (0.0, 0.0, [])


def test_translations_can_be_compared(model):
    first, again, other = model.predict([SENTENCES[0]]) + model.predict([SENTENCES[0], SENTENCES[1]], beam=5)
    assert first != other
    assert replace(first) == first
    assert first.translation == again.translation


def test_no_input_no_translation(model):
    assert model.predict([]) == []


@pytest.mark.parametrize("text", [SENTENCES[0], DOCUMENT])
def test_alternatives_come_best_first(model, text):
    (found,) = model.predict([text], nbest=7)
    assert len(found.alternatives) == 7
    assert found.alternatives[0].model_dump().items() <= found.model_dump().items()
    scores = [own.score for own in found.alternatives]
    assert scores == sorted(scores, reverse=True)
    assert model.predict([text])[0].alternatives == []
    assert model.predict([text], nbest=7, beam=2)[0] == found


@pytest.mark.parametrize("options", [{}, {"beam": 1}, {"nbest": 2}, {"temperature": 0.7, "seed": 3}])
def test_a_stream_ends_with_the_prediction(model, options):
    *parts, last = model.stream(DOCUMENT, **options)
    if "temperature" not in options:  # a batch draws other numbers
        (whole,) = model.predict([DOCUMENT], **options)
        assert last.translation == whole.translation
        assert last.score == pytest.approx(whole.score, abs=1e-4)
        assert [own.translation for own in last.alternatives] == [own.translation for own in whole.alternatives]
    assert len(parts) > 5
    texts = [part.translation for part in parts]
    assert texts[0] != last.translation
    assert texts[-1] == last.translation.rstrip("\n")
    assert len(texts[0]) < len(texts[-1])


def test_a_greedy_stream_only_grows(model):
    texts = [part.translation for part in model.stream(SENTENCES[1], beam=1)]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))


def test_what_is_drawn_follows_from_the_seed(model):
    def draw(**options):
        return [own.translation for own in model.predict(SENTENCES[:8], temperature=1.0, **options)]

    assert draw(seed=1) == draw(seed=1) != draw(seed=2)
    assert draw(top_k=1) == [own.translation for own in model.predict(SENTENCES[:8], beam=1)]
    (several,) = model.predict(SENTENCES[:1], temperature=2.0, nbest=6)
    assert len({own.translation for own in several.alternatives}) > 1


def test_the_attention_is_shown_for_every_word(model):
    (found,) = model.predict(SENTENCES[:1])
    (heatmap,) = found.alignments
    assert heatmap.weights.shape == (len(heatmap.rows), len(heatmap.columns))
    words = re.findall(r"\w+|[^\w ]", SENTENCES[0])
    assert heatmap.columns == [*words, "</s>"]
    np.testing.assert_allclose(heatmap.weights.sum(axis=1), 1.0, atol=1e-5)
    assert "".join(heatmap.columns[:-1]) == SENTENCES[0].replace(" ", "")
    assert "".join(heatmap.rows[:-1]) == found.translation.replace(" ", "")
    (foreign,) = model.predict(["Anna sees 北京."])[0].alignments
    assert {"北", "京"} <= set("".join(foreign.columns))
    assert foreign.weights.shape[1] == len(foreign.columns)
    assert "<unk>" not in foreign.rows
    assert all("▁" not in row for row in foreign.rows)


def test_the_demo_page_shows_translation_alternatives_notes_and_attention(model):
    (plain,) = model.predict(SENTENCES[:1])
    (rich,) = model.predict(["Anna видит the dog."], nbest=3)
    plain = replace(plain, warnings=[])
    assert [type(view) for view in model.predictor.views(SENTENCES[0], plain)] == [Text, Heatmap]
    text, table, note, _ = model.predictor.views("", rich)
    assert text.text == rich.translation
    assert [row[1] for row in table.rows] == [own.translation for own in rich.alternatives]
    assert "CYRILLIC" in note.text


def test_an_unknown_token_is_copied_from_where_the_attention_looked(model, monkeypatch):
    predictor = model.predictor
    text = "the dog sees 雪."
    ids, spans = predictor.processor.source.offsets(text)
    (place,) = [number for number, (start, end) in enumerate(spans) if text[start:end] == "雪"]
    attention = np.full((2, len(ids) + 1), 0.01, np.float32)
    attention[0, place] = 0.5
    attention[0, -1] = 0.9  # the end sign of the source is never copied
    copied = Hypothesis(np.array([UNKNOWN], np.int32), -1.0, -1.0, attention)
    monkeypatch.setattr(predictor.translator, "translate", lambda sources, settings: [[copied]] * len(sources))
    assert model.predict([text])[0].translation == "雪"


def test_a_script_that_was_never_seen_is_warned_of(model):
    plain, foreign = model.predict(["Anna sees the dog.", "Anna видит the dog. 狗"])
    assert not any("has never seen" in warning for warning in plain.warnings)
    assert re.search("CJK and CYRILLIC: it translates what it can", foreign.warnings[0])
    assert foreign.translation


def test_a_sentence_of_5000_words_is_translated_in_parts(model):
    (found,) = model.predict(["the cat, " * 5000], beam=1)
    warning = found.warnings[0]
    assert re.fullmatch(r"A sentence has 1\d,\d\d\d subwords, more than 100: it is translated in \d+ parts.", warning)
    assert len(found.alignments) > 100
    assert max(len(heatmap.columns) for heatmap in found.alignments) <= 101


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 0}, "Expected beam to be a whole number of at least 1 and at most 100. Received: 0."),
        ({"beam": MAX_BEAM + 1}, f"at most {MAX_BEAM}. Received: {MAX_BEAM + 1}."),
        ({"beam": 0, "nbest": 3}, "Expected beam to be a whole number of at least 1 and at most 100. Received: 0."),
        ({"nbest": 0}, "Expected nbest to be a whole number of at least 1 and at most 100. Received: 0."),
        ({"nbest": "3"}, "Expected nbest to be a whole number"),
        ({"nbest": MAX_BEAM + 1, "temperature": 1.0}, f"at most {MAX_BEAM}. Received: {MAX_BEAM + 1}."),
        ({"length_penalty": -1}, "Expected length_penalty to be a number of at least 0."),
        ({"temperature": 0}, "Expected temperature to be a number above 0."),
        ({"beam": 3, "temperature": 1.0}, "Expected one of them."),
        ({"top_k": 3}, "Expected a temperature beside"),
        ({"temperature": 1.0, "seed": -1}, "Expected seed to be a whole number of at least 0. Received: -1."),
        ({"bream": 3}, "no option 'bream'. Did you mean 'beam'?"),
    ],
)
def test_options_that_cannot_be_used(model, options, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        model.predict(["Anna sleeps."], **options)


def test_what_is_no_text_is_refused(model):
    with pytest.raises(DataError, match="Input 2 is of the type int"):
        model.predict(["Anna sleeps.", 3])


def test_at_the_command_line(rnnapps, translation_model, model, tmp_path):
    text = SENTENCES[2]
    result = rnnapps("predict", translation_model, text, "", "--nbest", 2, "--json", "--attention", "out.png")
    assert (result.status, result.stderr) == (0, "")
    found, nothing = json.loads(result.stdout)
    assert list(found) == ["translation", "score", "log_probability", "confidence", "alternatives", "warnings"]
    assert found == model.predict([text], nbest=2)[0].model_dump()
    assert nothing["translation"] == ""
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    again = ("predict", translation_model, text, "--attention", "out.png")
    refused = rnnapps(*again)
    assert (refused.status, refused.stdout) == (2, "")
    assert "out.png exists. Choose another name, or give --overwrite to replace it." in refused.stderr
    assert rnnapps(*again, "--overwrite").status == 0
    shown = rnnapps("predict", translation_model, text, "Анна спит.", "--beam", 3).stdout
    assert text in shown
    assert model.predict([text], beam=3)[0].translation in shown
    assert "CYRILLIC" in shown


def test_lines_come_back_as_lines(rnnapps, translation_model):
    result = rnnapps("predict", translation_model, "-", "--json", stdin=b"Anna sleeps.\n\nThe dog sees the cat.\n")
    assert [bool(found["translation"]) for found in json.loads(result.stdout)] == [True, False, True]


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (("a", "--beam", 0), b"", "Expected beam to be a whole number of at least 1"),
        (("a", "--beam", 3, "--temperature", 1.5), b"", "Expected one of them"),
        (("a", "--attention", "out.txt"), b"", "Expected the name of a picture"),
        (("a", "--attention", "no/out.png"), b"", "there is no folder"),
        (("-",), b"fine\n\xff\xfe\n", "standard input, line 2: expected UTF-8"),
        (("", "--attention", "out.png"), b"", "There is no attention to draw"),
    ],
)
def test_wrong_use_of_the_command_line(rnnapps, translation_model, arguments, stdin, message):
    result = rnnapps("predict", translation_model, *arguments, stdin=stdin)
    assert result.status == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_it_translates_without_tensorflow(run_python, translation_model):
    code = (
        "import sys, rnn_apps; rnn_apps.load(sys.argv[1]).predict(['Anna sleeps.'], nbest=2); "
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    assert run_python(code, translation_model).stdout.strip() == "[]"


def test_a_sentence_with_nothing_to_copy_is_searched_once(model, monkeypatch):
    predictor, options, sentence = model.predictor, TranslationOptions(), "Anna sees the fox."
    (row,) = predictor.processor.encode_inputs([sentence])
    (hypothesis,) = predictor.translator.translate([row["source"]], options)[0]
    unsure = hypothesis._replace(tokens=np.full_like(hypothesis.tokens, UNKNOWN))  # it copies words that it knows
    for name in ("urged", "translate"):
        monkeypatch.setattr(predictor.translator, name, lambda *_: pytest.fail("it was searched again"))
    assert predictor._complete([unsure], row["source"], sentence, options) == [unsure]
