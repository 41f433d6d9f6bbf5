"""Sentence pairs to numbers and back: teacher forcing, cuts, unknown words, scripts."""

import numpy as np
import pytest

from rnn_apps.config import load_config
from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.errors import DataError
from rnn_apps.tasks.translation.config import TranslationConfig
from rnn_apps.tasks.translation.processor import END, START, UNKNOWN, TranslationProcessor, to_bytes, to_text

PAIRS = [SentencePair("The dog sees Anna.", "Le chien voit Anna."), SentencePair("A cat!", "Un chat !")] * 3


SETTINGS = {"vocabulary_size": 150, "source_language": "en", "target_language": "fr"}
CONFIG = load_config(TranslationConfig, values={"data": SETTINGS})


def fitted(pairs=PAIRS, **settings):
    return TranslationProcessor.fit(pairs, load_config(TranslationConfig, values={"data": SETTINGS | settings}))


@pytest.fixture(scope="module")
def processor():
    return fitted()


NAMES = [first + second for first in ("Bal", "Cor", "Dun", "Fen", "Gar") for second in ("mora", "tesk", "vill", "wyn")]


def with_names(called):
    """Pairs with a name each, and what it is called in the target."""
    return [SentencePair(f"we saw {name} and Pella.", f"nous vîmes {called(name)} et Pella.") for name in NAMES]


@pytest.mark.parametrize(
    ("called", "copied"), [(lambda name: name, True), (str.lower, False)], ids=["names", "nouns with a capital"]
)
def test_what_the_targets_make_of_rare_names_decides_whether_others_are_copied(called, copied, tmp_path):
    processor = fitted(with_names(called))
    processor.save(tmp_path)
    for own in (processor, TranslationProcessor.load(tmp_path), processor.extended(PAIRS, CONFIG)[0]):
        assert own.is_unknown("Balwyntesk") == copied
        assert not own.is_unknown("Pella")  # it stands in more than four


def test_a_word_of_a_name_may_be_met_elsewhere(processor):
    facts = processor.facts | {"known_words": ["Hadwick"], "name_pieces": 2}
    processor = TranslationProcessor(processor.source, processor.target, facts)
    assert (processor.is_unknown("Hadwick"), processor.is_unknown("Hadwick", beside_a_name=True)) == (False, True)
    assert processor.word_cost("Anna")[0] == 1
    assert not processor.is_unknown("Anna", beside_a_name=True)


def test_the_target_goes_in_behind_a_start_and_comes_out_before_an_end(processor):
    (row,) = processor.encode(PAIRS[:1], training=True)
    assert set(row) == {"source", "target_in", "target_out"}
    assert row["target_in"][0] == START
    assert row["target_out"][-1] == END
    np.testing.assert_array_equal(row["target_in"][1:], row["target_out"][:-1])
    assert processor.decode(row["target_out"]) == "Le chien voit Anna."
    assert row["source"][-1] == END
    assert {array.dtype for array in row.values()} == {np.dtype(np.int32)}


def test_texts_to_measure_with_stand_beside(processor):
    (row,) = processor.encode(PAIRS[:1])
    assert to_text(row["source_text"]) == "The dog sees Anna."
    assert to_text(row["reference"]) == "Le chien voit Anna."


@pytest.mark.parametrize("text", ["", "été 你好 🙂", "a\tb"])
def test_texts_as_arrays(text):
    assert to_text(np.concatenate([to_bytes(text), np.zeros(3, np.uint8)])) == text


def test_a_line_of_5000_words_is_cut_and_its_target_has_no_end():
    processor = fitted(max_training_tokens=20, max_tokens=30)
    long = SentencePair("dog " * 5000, "chien " * 5000)
    (row,) = processor.encode([long], training=True)
    assert [len(row[name]) for name in ("source", "target_in", "target_out")] == [20, 20, 20]
    assert row["source"][-1] == END
    assert END not in row["target_out"]
    assert len(processor.encode_inputs([long.source])[0]["source"]) == 30


def test_some_words_of_both_sides_are_unknown_in_training():
    """So a model learns to write an unknown subword where it reads one; the same pairs in each run."""
    places = ("home", "sea", "work")
    pairs = [
        SentencePair(f"{n % 9} dogs see Tom{' now' * (n // 9)} at {places[n % 3]}.", f"{n % 9} chiens voient Tom.")
        for n in range(300)
    ]
    processor = fitted(pairs)
    rows = processor.encode(pairs, training=True)
    hidden = [row for row in rows if UNKNOWN in row["source"]]
    assert 0.05 < len(hidden) / len(pairs) < 0.2
    for row in rows:
        assert np.sum(row["target_out"] == UNKNOWN) == np.sum(row["source"] == UNKNOWN) <= 1
    read = processor.encode_inputs(["3 dogs see Анна at home."])[0]["source"]
    assert processor.source.tokens(hidden[0]["source"])[1:4] == processor.source.tokens(read)[1:4]
    again = processor.encode(pairs, training=True)
    assert all(np.array_equal(a["source"], b["source"]) for a, b in zip(rows, again, strict=True))
    assert not any(UNKNOWN in row["source"] for row in processor.encode(pairs))


def test_nothing_is_hidden_where_the_sides_share_only_short_words():
    pairs = [SentencePair(f"{n} in", f"in {n}") for n in range(10)] * 10
    assert not any(UNKNOWN in row["source"] for row in fitted(pairs).encode(pairs, training=True))


def test_unknown_words_are_copied_from_where_the_attention_looked(processor):
    text = "The dog sees Борис."
    ids, spans = processor.source.offsets(text)
    place = next(n for n, (start, end) in enumerate(spans) if text[start:end] == "Борис")
    assert ids[place] == UNKNOWN
    tokens = [*processor.target.encode_batch(["Le chien voit"])[0], UNKNOWN, END]
    aligned = [0] * (len(tokens) - 2) + [place, 0]
    assert processor.decode(tokens, aligned, text) == "Le chien voitБорис"
    blank = processor.target.encode_batch(["Борис."])[0]  # the blank before it is a piece of its own
    tokens = [*tokens[:-2], *blank, END]
    assert processor.decode(tokens, [*aligned[:-2], place, place, place, 0], text) == "Le chien voit Борис."
    assert processor.decode(tokens) == "Le chien voit ."
    assert processor.decode([UNKNOWN], [99], text) == ""


@pytest.mark.parametrize(
    ("text", "looked_at", "copied"),
    [
        ("The dog sees 北京.", "北", "北京"),  # each sign is unknown by itself
        ("The dog sees Łanna!", "Ł", "Łanna"),  # known in part
        ("The dog sees 🙂.", "🙂", "🙂"),
        ("Борис sees Анна.", "Анна", "Анна"),
    ],
)
def test_words_are_copied_whole(processor, text, looked_at, copied):
    _, spans = processor.source.offsets(text)
    place = next(n for n, (start, end) in enumerate(spans) if text[start:end] == looked_at)
    assert processor.decode([UNKNOWN], [place], text) == copied
    # unknown subwords one behind the other that look at one word
    assert processor.decode([UNKNOWN] * 3, [place] * 3, text) == copied
    blank, unknown = processor.target.encode_batch(["Борис"])[0]
    assert unknown == UNKNOWN
    assert processor.decode([UNKNOWN, blank, UNKNOWN], [place] * 3, text) == copied


def test_a_word_that_stands_twice_is_copied_twice(processor):
    text = "Борис Борис"
    blank, _ = processor.target.encode_batch(["Борис"])[0]
    _, spans = processor.source.offsets(text)
    first, second = (n for n, (start, end) in enumerate(spans) if text[start:end] == "Борис")
    assert processor.decode([UNKNOWN, blank, UNKNOWN], [first, first, second], text) == text


def test_one_vocabulary_where_the_letters_are_the_same():
    chinese = [
        SentencePair("狗看见猫。", "The dog sees the cat."),
        SentencePair("猫看见狗。", "The cat sees the dog."),
    ] * 3
    assert fitted().joint
    assert not fitted(chinese).joint
    assert not fitted(vocabulary="separate").joint
    assert fitted(chinese, vocabulary="joint").joint


def test_scripts_never_seen(processor):
    assert processor.unseen_scripts("The dog, 3 4 !") == []
    assert processor.unseen_scripts("Борис 狗 dog") == ["CJK", "CYRILLIC"]


@pytest.mark.parametrize("vocabulary", ["joint", "separate"])
def test_saving(tmp_path, vocabulary):
    processor = fitted(vocabulary=vocabulary, lowercase=True, bleu_tokenize="none")
    processor.save(tmp_path)
    again = TranslationProcessor.load(tmp_path)
    assert again.facts == processor.facts
    assert again.joint == processor.joint
    for row, other in zip(processor.encode(PAIRS), again.encode(PAIRS), strict=True):
        for name, array in row.items():
            np.testing.assert_array_equal(array, other[name])


def test_inputs_that_are_no_text(processor):
    with pytest.raises(DataError, match="Input 2 is of the type int"):
        processor.encode_inputs(["a", 3])


@pytest.mark.parametrize("vocabulary", ["joint", "separate"])
def test_another_language_adds_its_pieces_behind_those_that_were_known(vocabulary):
    first = fitted(vocabulary=vocabulary)
    german = [SentencePair("The dog sees Anna.", "Der schöne Hund sieht Anna."), SentencePair("A cat!", "Größe!")] * 4
    config = load_config(TranslationConfig, values={"data": {"source_language": "en", "target_language": "de"}})
    second, news = first.extended(german, config)
    assert "subwords, such as" in news
    assert (second.source_language, second.target_language) == ("en", "de")
    assert second.joint == first.joint
    (row,) = second.encode(german[:1])
    assert second.decode(row["target_out"]) == "Der schöne Hund sieht Anna."
    assert UNKNOWN in first.encode(german[:1])[0]["target_out"]
    old, new = (own.target._tokenizer.get_vocab() for own in (first, second))
    assert old.items() <= new.items()
