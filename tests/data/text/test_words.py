"""A vocabulary from counted words is the one that the library learns from the texts."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from rnn_apps.data.parts import Mapped
from rnn_apps.data.text import words
from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.words import count_words, with_subwords

any_texts = st.lists(st.text(st.sampled_from("aab'sß 12\u00a0 ﬁ-.你好\n"), max_size=12), min_size=1, max_size=8)


def plain():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return tokenizer


def trainer():
    return trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<pad>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )


@given(any_texts)
def test_what_is_learnt_of_counted_words_is_learnt_of_the_texts(texts):
    texts = [text for text in map(clean, texts) if text]
    learnt = with_subwords(plain(), count_words(plain(), texts), trainer())
    own = plain()
    own.train_from_iterator(texts, trainer())
    assert json.loads(learnt.to_str()) == json.loads(own.to_str())


def test_of_each_part_as_many_characters_are_counted(monkeypatch, in_parts):
    monkeypatch.setattr(words, "VOCABULARY_CHARACTERS", 30)
    counts = count_words(plain(), in_parts([["one"] * 10, ["two"] * 10, ["six"] * 10]))
    assert counts == {"Ġone": 4, "Ġtwo": 4, "Ġsix": 4}
    assert count_words(plain(), Mapped(lambda own: own, ["one"] * 100)) == Counter({"Ġone": 10})
