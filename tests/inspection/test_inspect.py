"""Every task can be looked into, with the models that ship, and its answers stay what they are."""

import json
import shutil

import numpy as np
import pytest

from rnn_apps.bundle import Bundle
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.search_tree import WatchedBeamSearch
from rnn_apps.inspection.page import MOST_BYTES, as_json, inspection_page
from rnn_apps.model import Model, load
from rnn_apps.views import Heatmap, Tree

TEXT = "A dull film with a brilliant ending."


@pytest.fixture(scope="module")
def sentiment(tmp_path_factory):
    """The shipped model, without what its training has recorded."""
    shipped = load("sentiment").bundle
    folder = shutil.copytree(shipped.folder, tmp_path_factory.mktemp("models") / "sentiment")
    (folder / "training.npz").unlink()
    return Model(Bundle(folder, shipped.manifest))


@pytest.fixture(scope="module")
def translation():
    return load("translation")


def test_nothing_of_it_needs_tensorflow(run_python):
    code = (
        "import sys, rnn_apps\n"
        "found = rnn_apps.load('sentiment').inspect('A dull film.')\n"
        "rnn_apps.load('ner').inspect('Anna Smith saw Paris.')\n"
        "assert found.looks[0].gates and found.looks[0].contributions\n"
        "print([name for name in ('tensorflow', 'keras', 'matplotlib', 'torch') if name in sys.modules])"
    )
    assert run_python(code) == (0, "[]\n", "")


def test_what_is_left_out_is_what_the_model_says_without_it(sentiment):
    (look,) = sentiment.inspect("a dull film.", ["leave-one-out"]).looks
    (found,) = look.contributions
    predictor = sentiment.predictor
    tokens = look.case.arrays["tokens"]
    whole = predictor.session.run({"tokens": tokens})["logits"][0]
    for step in range(tokens.shape[1]):
        logits = predictor.session.run({"tokens": np.delete(tokens, step, axis=1)})["logits"][0]
        for number, score in enumerate(found.scores):
            place = score.places[0][0]
            assert found.values[0][number, step] == pytest.approx(whole[place] - logits[place], abs=1e-4)
    assert [score.label for score in found.scores] == sorted(
        sentiment.predict("a dull film.")[0].probabilities,
        key=lambda name: -sentiment.predict("a dull film.")[0].probabilities[name],
    )


def test_a_long_text_is_left_out_in_windows(sentiment):
    (look,) = sentiment.inspect("a fine film , " * 100, ["leave-one-out"]).looks
    (found,) = look.contributions
    assert found.window > 1
    assert found.values[0].shape[1] == look.case.axes[0].length > 300
    inside = found.values[0][0, : found.window]
    assert np.ptp(inside) == 0


def test_steps_of_a_text_are_its_parts(sentiment):
    (look,) = sentiment.inspect(TEXT, ["gates"]).looks
    assert "".join(look.case.axes[0].steps).strip() == TEXT
    assert {layer.name for layer in look.gates} == {
        f"layer {number}, {way}" for number in (1, 2) for way in ("forward", "backward")
    }
    assert all(layer.values["forget"].shape == (look.case.axes[0].length, 160) for layer in look.gates)


def test_each_sentence_and_each_entity_is_looked_at():
    found = load("ner").inspect("Angela Merkel visited Paris. Nothing happened.", ["leave-one-out", "attention"])
    first, second = found.looks
    assert [score.label for score in first.case.scores] == ["Angela Merkel (PER)", "Paris (LOC)"]
    assert second.case.scores == ()
    contributions = first.contributions[0].values[0]
    steps = first.case.axes[0].steps
    assert steps[contributions[0].argmax()] in ("Angela", "Merkel")
    marginals, transitions = first.decoding
    np.testing.assert_allclose(marginals.weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(transitions.weights.sum(axis=1), 1, atol=1e-6)
    assert transitions.weights[transitions.rows.index("B-PER"), transitions.columns.index("O")] == 0  # illegal


def test_the_tree_of_a_search_holds_the_answer_and_what_was_cut(translation):
    (look,) = translation.inspect("I have never seen a film like this.", ["attention", "gates"]).looks
    attention, tree = look.decoding
    assert isinstance(attention, Heatmap)
    assert isinstance(tree, Tree)
    np.testing.assert_allclose(attention.weights.sum(axis=1), 1, atol=1e-3)
    best = [number for number, branch in enumerate(tree.branches) if branch.best]
    assert tree.branches[best[0]].parent == -1
    assert [tree.branches[number].parent for number in best[1:]] == best[:-1]
    assert tree.branches[best[-1]].label == "</s>"
    depth = {-1: 0}
    for number, branch in enumerate(tree.branches):
        assert branch.parent < number
        depth[number] = depth[branch.parent] + 1
        if branch.parent >= 0:
            assert tree.branches[branch.parent].kept
            assert branch.value <= tree.branches[branch.parent].value + 1e-6
    for level in range(1, max(depth.values()) + 1):
        own = [tree.branches[number] for number in depth if depth[number] == level]
        kept = [branch.value for branch in own if branch.kept]
        assert len(kept) <= 4
        cut = [branch.value for branch in own if not branch.kept]
        if kept and cut and len(kept) == 4:
            assert max(cut) <= min(kept) + 1e-6
    assert {layer.axis.name for layer in look.gates} == {"source", "target"}
    for layer in look.gates:
        assert len(layer.values["hidden"]) == layer.axis.length


def test_a_watched_search_finds_what_the_search_finds(translation):
    row = translation.predictor.processor.encode_inputs(["We went to the house by the sea."])[0]["source"][None]
    search = WatchedBeamSearch(translation.predictor.translator.decoder, {"source": row}, [40], 5)
    nodes = search.tree()
    path = [node.token for node in nodes if node.best][:-1]
    (found,) = translation.predict("We went to the house by the sea.")
    assert translation.predictor.processor.decode(path) == found.translation


def test_scores_of_a_translation_are_the_log_probabilities_that_were_found(translation):
    (look,) = translation.inspect("I saw a cat.", ["leave-one-out"]).looks
    (found,) = look.contributions
    assert found.totals.sum() == pytest.approx(look.case.prediction.log_probability, abs=1e-2)


def test_music_is_looked_into_note_by_note():
    pytest.importorskip("symusic")
    model = load("music")
    (piece,) = (given for given in model.predictor.examples[1:2])
    (look,) = model.inspect([piece], ["gates", "leave-one-out", "attention"]).looks
    tokens = look.case.arrays["targets"]
    assert len(look.case.scores) == ((tokens > 1) & (tokens < 90)).sum() > 0  # keys that are struck
    (found,) = look.contributions
    for number, score in enumerate(found.scores):
        assert not found.values[0][number, score.step :].any()  # what comes later says nothing
    plain, drawn = look.decoding
    assert plain.weights.shape == drawn.weights.shape
    assert plain.weights.max() <= 1
    assert look.gates[0].values["update"].shape[0] == look.case.axes[0].length


def test_digits_are_looked_into_where_they_have_recurrent_layers():
    model = load("digits")
    image = model.predictor.examples[0]
    (look,) = model.inspect([image]).looks
    assert look.gates == ()
    assert look.contributions[0].values[0].shape == (10, image.shape[0])
    with pytest.raises(ConfigError, match="no recurrent layer"):
        model.inspect([image], ["gates"])


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (["gate"], "There is no view 'gate'. Did you mean 'gates'?"),
        (["attention"], "no attention, no search and no CRF"),
        (["training"], "recorded nothing"),
    ],
)
def test_a_view_that_cannot_be_had_is_refused_in_a_line(sentiment, views, message):
    with pytest.raises(ConfigError) as caught:
        sentiment.inspect(TEXT, views)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_names_what_cannot_be_had_is_left_out(sentiment):
    found = sentiment.inspect(TEXT)
    assert found.looks[0].decoding == ()
    assert found.training is None
    assert found.remarks == ()


@pytest.mark.parametrize("given", ["", "   ", 7, None])
def test_an_input_that_cannot_be_used_is_refused(sentiment, given):
    with pytest.raises(DataError):
        sentiment.inspect([given])


def test_a_page_of_a_thousand_steps_is_small_and_has_its_words(sentiment):
    words = " ".join(f"word{number} is good" for number in range(400))
    found = sentiment.inspect(words)
    assert found.looks[0].case.axes[0].length > 1000
    page = inspection_page(found)
    assert len(page.encode()) < 5_000_000
    assert sum(layer.values["hidden"].size * 6 for layer in found.looks[0].gates) > MOST_BYTES


def test_a_page_holds_everything_and_fetches_nothing(sentiment):
    page = inspection_page(sentiment.inspect("<script>alert(1)</script> a </script> film"))
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 5
    for fetched in ('src="http', "src='http", 'href="http', "@import", "import("):
        assert fetched not in page.replace('href="data:', "")


def test_json_has_every_number(sentiment):
    found = sentiment.inspect(TEXT)
    facts = json.loads(as_json(found))
    layer = facts["inputs"][0]["gates"][2]
    np.testing.assert_allclose(layer["values"]["forget"], found.looks[0].gates[2].values["forget"], atol=1e-6)
    assert facts["inputs"][0]["contributions"][0]["method"] == "leave one out"


def test_a_notebook_shows_it(sentiment):
    shown = sentiment.inspect(TEXT)._repr_html_()
    assert "LSTM, layer 1, forward" in shown
    assert "Why negative?" in shown
