"""Sentences to arrays and back: vocabulary, letters, pairs, long sentences, vectors, and what cannot be encoded."""

import numpy as np
import pytest

import rnn_apps
from rnn_apps.data.readers.tagged import TaggedSentence
from rnn_apps.errors import DataError
from rnn_apps.tasks.ner.config import NerConfig
from rnn_apps.tasks.ner.processor import NerProcessor, normalize


def sentence(text, tags):
    return TaggedSentence(tuple(text.split()), tuple(tags.split()), "file.txt", tuple(range(1, len(text.split()) + 1)))


SENTENCES = [
    sentence("Anna met Anna in New York", "B-PER O B-PER O B-LOC I-LOC"),
    sentence("Anna met 12 in New Delhi", "B-PER O O O B-LOC I-LOC"),
]
CHINESE = [sentence("王 小 明 在 北 京", "B-PER I-PER I-PER O B-LOC I-LOC")] * 2


def fit(sentences, **data):
    return NerProcessor.fit(sentences, NerConfig(data=data))


def test_words_that_are_rare_are_unknown_and_spelled():
    processor = fit(SENTENCES)
    assert processor.words == ["anna", "met", "in", "new"]
    assert processor.tags == ["O", "B-LOC", "I-LOC", "E-LOC", "S-LOC", "B-PER", "I-PER", "E-PER", "S-PER"]
    (row,) = processor.encode_inputs(["Anna met Zoë"])
    assert row["tokens"].tolist() == [2, 3, processor.UNKNOWN]
    assert row["letters"].shape == (3, 4)
    assert (row["letters"][2] > 0).tolist() == [True, True, True, False]
    assert row["letters"][2, 0] == row["letters"][2, 2] == processor.UNKNOWN


def test_tags_are_learnt_as_bioes():
    (row, _) = fit(SENTENCES).encode(SENTENCES)
    names = [fit(SENTENCES).tags[number] for number in row["tags"]]
    assert names == ["S-PER", "O", "S-PER", "O", "B-LOC", "E-LOC"]


def test_chinese_is_read_by_characters_and_pairs():
    processor = fit(CHINESE)
    assert processor.single_characters
    (row,) = processor.encode_inputs(["王小王"])
    assert row["tokens"].tolist() == [2, 3, 2]
    assert row["pairs"].tolist() == [2, processor.UNKNOWN, processor.UNKNOWN]
    assert "letters" not in row
    assert not fit(CHINESE, token="words").single_characters


def test_long_training_sentences_are_cut_outside_entities():
    processor = fit(SENTENCES, max_training_tokens=2)
    text = " ".join(["Anna"] * 5)
    long = sentence(text, "O B-LOC I-LOC I-LOC O")
    rows = processor.encode([long], training=True)
    assert [len(row["tokens"]) for row in rows] == [1, 3, 1]
    assert len(processor.encode([long])) == 1


def test_long_words_keep_both_ends():
    processor = fit([sentence("abcdefgh abcdefgh", "B-X O")] * 2, longest_word=4)
    (row,) = processor.encode_inputs(["abcdefgh"])
    assert "".join(processor.letters[number - 2] for number in row["letters"][0]) == "abgh"


@pytest.mark.parametrize(
    ("token", "expected"), [("Paris", "paris"), ("1996-08", "0000-00"), ("ＡＢ１", "ab0"), ("Ⅳ", "iv")]
)
def test_normalize(token, expected):
    assert normalize(token) == expected


def test_texts_and_vectors_fill_the_vocabulary(tmp_path):
    processor = fit(SENTENCES, vocabulary_size=6)
    processor.learn_texts(["the film the film, <br />a film", "once"])
    assert processor.words == ["anna", "met", "in", "new", "film", "the"]
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("Anna 1 2\nanna 3 4\nParis 5 6\nLyon 7 8\n")
    processor = fit(SENTENCES, vocabulary_size=5, vectors=str(vectors))
    assert processor.words[-1] == "paris"
    assert processor.vector_size == 2
    found = processor.vectors(vectors)
    assert {number: vector.tolist() for number, vector in found.items()} == {2: [3, 4], 6: [5, 6]}


def test_saved_and_loaded_alike(tmp_path):
    processor = fit(SENTENCES)
    processor.save(tmp_path)
    again = NerProcessor.load(tmp_path)
    assert again.lowercased == processor.lowercased > 0
    for one, other in zip(processor.encode(SENTENCES), again.encode(SENTENCES), strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_what_cannot_be_encoded_is_named(tmp_path):
    processor = fit(SENTENCES)
    with pytest.raises(DataError, match=r"file.txt, line 2: the type 'ORG' was not in the training data.*LOC, PER"):
        processor.encode([sentence("at Acme", "O B-ORG")])
    with pytest.raises(DataError, match="Input 2 is '7'"):
        processor.encode_inputs(["a", 7])
    with pytest.raises(DataError, match="All tags of the training sentences are O"):
        fit([sentence("a b", "O O")])
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("zzz 1 2\n")
    with pytest.raises(DataError, match="no vector for any word"):
        processor.vectors(vectors)


def test_models_saved_before_say_units_for_token():
    assert not fit(CHINESE, units="words").single_characters


def test_an_extended_processor_adds_types_words_and_letters_behind_its_own():
    first = fit([sentence("Anna saw Rome . Anna saw Rome .", "S-PER O S-LOC O S-PER O S-LOC O")])
    second, news = first.extended([sentence("Žofie won Žofie won", "B-MISC O B-MISC O")], NerConfig())
    assert second.words[: len(first.words)] == first.words
    assert second.tags[: len(first.tags)] == first.tags
    assert set(second.tags) - set(first.tags) == {"B-MISC", "I-MISC", "E-MISC", "S-MISC"}
    assert "the types MISC" in news
    assert "2 words" in news
    old, new = (own.encode_tokens(["Anna", "won"])["tokens"] for own in (first, second))
    assert old[0] == new[0]
    assert old[1] == first.UNKNOWN != new[1]


def test_a_letter_that_stands_for_others_counts_as_those():
    first = NerProcessor.fit([sentence("Anna won", "B-PER O")] * 2, NerConfig())
    extended, _ = first.extended([sentence("ﬁx Anna ﬁx", "O B-PER O")], NerConfig())
    assert {"f", "i", "x"} <= set(extended.letters)


def test_pairs_are_added_as_far_as_there_is_room():
    first = fit(CHINESE, pairs=3)
    more = [sentence("张 三 在 广 州 在 广 州", "B-PER I-PER O B-LOC I-LOC O B-LOC I-LOC")] * 2
    assert first.extended(CHINESE, NerConfig(data={"pairs": 3}))[0].pairs == first.pairs
    assert first.extended(more, NerConfig(data={"pairs": 3}))[0].pairs == first.pairs
    extended, news = first.extended(more, NerConfig(data={"pairs": 5}))
    assert extended.pairs == [*first.pairs, "在广", "广州"], "the most frequent"
    assert "2 pairs" in news


def test_some_training_sentences_are_read_in_small_letters():
    processor = fit(SENTENCES, lowercased=0.5, min_count=1)
    written, small = (processor.encode_tokens(tokens) for tokens in (["Anna", "left"], ["anna", "left"]))
    assert (written["letters"] != small["letters"]).any()
    found = [processor.augment(written, np.random.default_rng(seed))["letters"].tolist() for seed in range(40)]
    assert {str(letters) for letters in found} == {str(own["letters"].tolist()) for own in (written, small)}
    assert written["letters"].tolist() == processor.encode_tokens(["Anna", "left"])["letters"].tolist()
    chinese = {"tokens": np.array([3]), "pairs": np.array([4])}
    assert processor.augment(chinese, np.random.default_rng(0)) is chinese


def test_the_shipped_model_finds_names_in_small_letters():
    (found,) = rnn_apps.load("ner").predict(["jordan moved to paris in may."])
    assert [(own.text, own.type) for own in found.entities] == [("jordan", "PER"), ("paris", "LOC")]


def test_words_in_letters_are_told_by_a_model_of_chinese_characters():
    model = rnn_apps.load("ner-zh")
    foreign, mixed, own = model.predict(
        [
            "She has worked for the University of Michigan for years.",
            "他去年加入了微软公司的AI部门工作。",
            "他住在北京。",
        ]
    )
    assert "another language" in foreign.warnings[0]
    assert (mixed.warnings, own.warnings) == ([], [])
