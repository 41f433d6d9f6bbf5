"""Terms stand as a glossary has them, through every door."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.errors import ConfigError, DataError
from rnn_apps.model import load
from rnn_apps.tasks.translation.glossary import Glossary, glossary_of, read_glossary
from rnn_apps.tasks.translation.placeholders import hide

TERMS = {"house": "demeure", "red wine": "vin rouge", "book": "bouquin", "dog": "toutou"}
NOUNS = ("house", "red wine", "book", "dog")
SENTENCES = [
    frame.format(noun)
    for noun in NOUNS
    for frame in (
        "I like the {}.",
        "Where is your {}?",
        "He has a {}.",
        "The {} is here.",
        "We talked about the {}.",
        "Do you want my {}?",
        "This is not a {}.",
        "She gave me the {}.",
        "I have never seen this {}.",
        "Is the {} good?",
    )
]


@pytest.fixture(scope="module")
def model():
    return load("translation")


def test_terms_are_whole_words_in_any_case_the_longest_first():
    glossary = Glossary({"red wine": "X", "wine": "Y", "art": "Z"})
    hidden = hide("Red  Wine, wine, winery, art, party, ART!", glossary)
    assert list(hidden.originals.values()) == ["X", "Y", "Z", "Z"]
    assert hidden.show(hidden.text) == "X, Y, winery, Z, party, Z!"


def test_a_script_without_blanks_has_no_borders():
    hidden = hide("我们去上海吧。", Glossary({"上海": "Shanghai"}))
    assert hidden.show(hidden.text) == "我们去Shanghai吧。"


@given(
    st.text(max_size=60),
    st.dictionaries(st.text(min_size=1, max_size=6).filter(str.strip), st.just("TERM"), min_size=1, max_size=4),
)
def test_what_is_no_term_stays(text, terms):
    glossary = Glossary(terms)
    hidden = hide(text, glossary)
    own = {character: original for character, original in hidden.originals.items() if original == "TERM"}
    for character in own:
        assert hidden.text.count(character) == 1
    if not own and "TERM" not in text:
        assert hidden.show(hidden.text) == text


def test_terms_stand_in_the_translation(model):
    wanted = [TERMS[noun] for noun in NOUNS for _ in range(10)]
    found = [own.translation for own in model.predict(SENTENCES, glossary=TERMS)]
    kept = [term in text for term, text in zip(wanted, found, strict=True)]
    assert sum(kept) >= 0.95 * len(kept)
    assert not any("\ue000" <= sign <= "\uf8ff" for text in found for sign in text)


def test_a_term_that_is_a_time_of_day_is_a_term():
    found = load("translation").predict(
        ["We met at half past six, not at half past seven."], glossary={"half past six": "dix-huit heures trente"}
    )
    assert "dix-huit heures trente" in found[0].translation
    assert "7:30" in found[0].translation


def test_every_door_takes_it(model, rnnapps, tmp_path):
    (tmp_path / "terms.tsv").write_text("house\tdemeure\n\nred wine\tvin rouge\n", encoding="utf-8")
    (direct,) = model.predict(["I like the house."], glossary={"house": "demeure"})
    assert "demeure" in direct.translation
    result = rnnapps("predict", "translation", "I like the house.", "--glossary", "terms.tsv", "--json")
    assert json.loads(result.stdout)[0]["translation"] == direct.translation
    *_, last = model.stream("I like the house.", glossary={"house": "demeure"})
    assert last.translation == direct.translation
    model.predictor.client_options({"glossary": {"house": "demeure"}})
    with pytest.raises(ConfigError):
        model.predictor.client_options({"glossary": "terms.tsv"})  # whoever sends it is not at this machine


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("house demeure\n", "line 1: expected a term, a tab"),
        ("house\t\n", "line 1"),
        ("a\tb\tc\n", "line 1"),
        ("", "1 to"),
    ],
)
def test_a_file_that_is_no_glossary_is_refused(tmp_path, content, message):
    path = tmp_path / "terms.tsv"
    path.write_text(content)
    with pytest.raises((DataError, ConfigError), match=message):
        read_glossary(path)


@pytest.mark.parametrize("given", [7, [("a", "b")], {"a": 1}, {"": "b"}, {}])
def test_what_is_no_glossary_is_refused(given):
    with pytest.raises(ConfigError):
        glossary_of(given)


def test_a_file_that_is_not_there_is_named(fails):
    assert "terms.tsv cannot be read" in fails("predict", "translation", "a", "--glossary", "terms.tsv")
