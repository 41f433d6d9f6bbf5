"""The translators that ship: they translate, and copy what they cannot read."""

import pytest

import rnn_apps


@pytest.fixture(scope="module")
def translate():
    return lambda name, text: rnn_apps.load(name).predict([text])[0]


def test_from_english_to_french(translate):
    assert translate("translation", "Where is the station?").translation == "Où est la gare ?"


def test_from_chinese_to_english(translate):
    assert translate("translation-zh-en", "我喜欢音乐。").translation == "I like music."


@pytest.mark.parametrize(("text", "name"), [("Анна is happy.", "Анна"), ("Where is 北京?", "北京")])
def test_names_that_cannot_be_read_are_copied(translate, text, name):
    found = translate("translation", text)
    assert found.translation.split().count(name) == 1
    assert "has never seen text written in" in found.warnings[0]
