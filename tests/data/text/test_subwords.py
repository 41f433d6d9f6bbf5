import unicodedata

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from rnn_apps.data.text import words
from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.subwords import SPECIAL_TOKENS, SubwordTokenizer, cut_middle

TEXTS = ["a film that was not dull, it was gripping.", "这家酒店的房间很干净。", "номер был чистый"] * 20

any_text = st.text(max_size=60)


def decode(tokenizer, ids):
    return tokenizer._tokenizer.decode(list(ids)).strip()


def tokens(tokenizer, ids):
    return [tokenizer._tokenizer.decode([int(i)], skip_special_tokens=False) for i in ids]


@pytest.fixture(scope="module")
def tokenizer():
    return SubwordTokenizer.train(TEXTS, 400, lowercase=True)


def normal(text):
    for _ in range(3):
        text = clean(unicodedata.normalize("NFKC", text).lower())
    return text


@given(st.text(st.characters(codec="utf-8"), max_size=60))
@example("🙂 so good 👍🏽")
@example("שלום עולם")
@example("非常好吃，下次还来！")
@example("straße naïve ﬁlm")
@example("<pad> and <s> and </s>")
def test_clean_lower_case_text_comes_back_from_its_numbers(tokenizer, text):
    text = normal(text)
    assume(text == normal(text))
    assert decode(tokenizer, tokenizer.encode(text)) == text


@given(any_text)
@example("a <pad> b")
@example("</s>")
def test_no_text_holds_special_tokens(tokenizer, text):
    assert not set(tokenizer.encode(clean(text)).tolist()) & set(range(len(SPECIAL_TOKENS)))


@given(st.lists(any_text, max_size=5))
def test_texts_together_are_encoded_as_each_alone(tokenizer, texts):
    texts = [clean(text) for text in texts]
    for alone, together in zip(map(tokenizer.encode, texts), tokenizer.encode_batch(texts), strict=True):
        assert alone.tolist() == together.tolist()
        assert alone.dtype == together.dtype == np.int32


def test_case_counts_only_if_it_is_asked_for():
    either, exact = (SubwordTokenizer.train(TEXTS, 400, lowercase=lowercase) for lowercase in (True, False))
    assert either.encode("FILM").tolist() == either.encode("film").tolist()
    assert exact.encode("FILM").tolist() != exact.encode("film").tolist()
    assert decode(exact, exact.encode("Film")) == "Film"


def test_a_saved_tokenizer_is_the_same(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = SubwordTokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.vocabulary_size == tokenizer.vocabulary_size
    for text in [*TEXTS, "a <pad> b"]:
        assert loaded.encode(text).tolist() == tokenizer.encode(text).tolist()


def test_the_vocabulary_keeps_its_limit_and_its_special_numbers(tokenizer):
    assert 256 < tokenizer.vocabulary_size <= 400
    assert tokens(tokenizer, [0, 1, 2]) == list(SPECIAL_TOKENS)
    assert tokenizer.encode("a film 这家").max() < tokenizer.vocabulary_size


def test_training_is_repeatable(tmp_path):
    for name in ("first", "second"):
        SubwordTokenizer.train(TEXTS, 350, lowercase=True).save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_frequent_words_become_one_subword(tokenizer):
    assert len(tokenizer.encode("gripping")) == 1
    assert tokens(tokenizer, tokenizer.encode("not dull")) == [" not", " dull"]


def test_the_vocabulary_is_learnt_from_a_bounded_part(monkeypatch):
    monkeypatch.setattr(words, "VOCABULARY_CHARACTERS", 100)
    taken = []
    SubwordTokenizer.train((taken.append(n) or "ten chars." for n in range(1000)), 300, lowercase=True)
    assert len(taken) == 10


@given(any_text)
@example("<br /><BR>a</p>")
@example("\ufeff\x00a\u200bb\ud800")
def test_cleaning_leaves_single_blanks_and_nothing_that_cannot_be_seen(text):
    cleaned = clean(text)
    assert cleaned == " ".join(cleaned.split())
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cleaned)
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Good.<br /><br/>Very <b>good</b> <i>indeed</i>!", "Good. Very good indeed !"),
        ('see <a href="x">here</a>', "see here"),
        ("I <3 it, and a < b", "I <3 it, and a < b"),
        ("tab\tand\nline", "tab and line"),
        ("  two   blanks ", "two blanks"),
        ("half \ud83d smile", "half \ufffd smile"),
        ("<br>", ""),
        ("👩‍👩‍👧 שלום", "👩‍👩‍👧 שלום"),
    ],
)
def test_cleaning_by_example(text, cleaned):
    assert clean(text) == cleaned


def test_a_megabyte_is_cleaned_and_encoded(tokenizer):
    text = clean("not dull <" * 100_000)
    assert len(text) > 900_000
    assert decode(tokenizer, tokenizer.encode(text)[:4]) == "not dull <"


@given(st.integers(0, 60), st.integers(1, 40))
def test_the_middle_is_cut_and_both_ends_stay(length, longest):
    ids = np.arange(length, dtype=np.int32)
    cut = cut_middle(ids, longest)
    assert len(cut) == min(length, longest)
    assert cut.dtype == np.int32
    if length <= longest:
        assert cut.tolist() == ids.tolist()
    else:
        head = longest // 4
        assert cut.tolist() == [*range(head), *range(length - (longest - head), length)]
