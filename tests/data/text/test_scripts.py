"""A model says when it cannot read what it is given."""

import csv

import pytest

from rnn_apps.data.text.scripts import known_scripts, warnings_of
from rnn_apps.model import load


def test_a_few_letters_make_no_script_known():
    assert known_scripts(["abc", "défg", "αβ"]) == {"LATIN"}


def test_both_ways_of_writing_chinese_are_told_apart():
    simplified, traditional = "汉语学习这个", "漢語學習這個"
    both = "我很好去北京"
    assert known_scripts([simplified, both]) == {"CJK", "SIMPLIFIED"}
    assert known_scripts([traditional, both]) == {"CJK", "TRADITIONAL"}
    assert known_scripts([simplified, traditional]) == {"CJK", "SIMPLIFIED", "TRADITIONAL"}
    assert known_scripts([both]) == {"CJK"}
    for known, strange in ((simplified, traditional), (traditional, simplified)):
        scripts = known_scripts([known, both])
        assert warnings_of(known + both, scripts) == []
        assert warnings_of(f"{known}{strange[0]}", scripts) == []  # a name, a quotation
        (said,) = warnings_of(both + strange, scripts)
        assert "Chinese characters, and the model has learnt from others" in said
        assert warnings_of(both + strange, known_scripts([simplified, traditional])) == []
        assert warnings_of(both + strange, {"CJK"}) == []  # a model saved before does not say


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", None),
        ("123 🙂 !", None),
        ("Plain text.", None),
        ("Naïve café", None),
        ("Ｆｕｌｌ ｗｉｄｔｈ, 𝐛𝐨𝐥𝐝 and ﬁne", None),
        ("A long English sentence with one letter, π.", None),
        ("Привет", "CYRILLIC"),
        ("שלום עולם", "HEBREW"),
        ("ολα και все", "CYRILLIC and GREEK"),
    ],
)
def test_scripts_that_are_not_known_are_named(text, named):
    expected = [f"The model has never seen text written in {named}: do not trust what it says of it."]
    assert warnings_of(text, {"LATIN"}) == (expected if named else [])


def test_latin_is_known_only_where_it_was_seen():
    assert "LATIN" in warnings_of("Plain text.", {"CJK"})[0]


@pytest.mark.parametrize(
    ("name", "known", "unknown"),
    [
        ("sentiment", "A fine café film.", "Хороший фильм."),
        ("sentiment-zh", "酒店很好 WiFi", "Хороший отель."),
        ("ner", "Zoë lives in Łódź.", "Иван живёт в Москве."),
        ("ner-zh", "李华在 Paris", "ホテルはきれい"),
        ("translation", "A fine film.", "Хороший фильм."),
        ("translation-zh-en", "我喜欢汉语。", "Хороший фильм."),
    ],
)
def test_every_text_task_warns(name, known, unknown):
    model = load(name)
    first, second = model.predict([known, unknown])
    assert first.warnings == []
    assert "has never seen text written in" in second.warnings[0]
    assert any("never seen" in getattr(view, "text", "") for view in model.predictor.views(unknown, second))


@pytest.mark.parametrize("name", ["sentiment-zh", "ner-zh", "translation-zh-en"])
def test_chinese_models_warn_of_the_other_way_of_writing(name):
    first, second = load(name).predict(["我喜欢学习汉语。", "我喜歡學習漢語。"])
    assert not any("Chinese" in own for own in first.warnings)
    assert "traditional chinese" in second.warnings[0].lower()


def test_the_command_line_shows_it(rnnapps):
    assert "has never seen text written in CYRILLIC" in rnnapps("predict", "sentiment", "Хороший фильм.").stdout


def test_a_table_has_a_column_only_where_there_is_something_to_say(rnnapps, tmp_path):
    for name, text in (("plain.csv", "fine"), ("other.csv", "Хороший фильм")):
        (tmp_path / name).write_text(f"text\nfine\n{text}\n", encoding="utf-8")
        assert rnnapps("predict", "sentiment", "--data", name, "--output", f"answers-{name}").status == 0
    plain, other = map(rows_of, ("answers-plain.csv", "answers-other.csv"))
    assert "warnings" not in plain[0]
    assert (other[0]["warnings"], "CYRILLIC" in other[1]["warnings"]) == ("", True)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
