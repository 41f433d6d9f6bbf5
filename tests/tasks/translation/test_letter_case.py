"""Capitals say nothing about the words: the same translation, in the same capitals."""

import pytest

import rnn_apps
from rnn_apps.tasks.translation.letter_case import LetterCase, as_usual, case_of

KNOWN = {"the": 1, "dog": 1, "sees": 1, "Anna": 1, "NASA": 2, "I": 1, "am": 1, "very": 1, "happy": 1, "a": 1}


def cost(word):
    return (KNOWN.get(word, 4),)


@pytest.mark.parametrize(
    ("sentence", "case"),
    [
        ("THE DOG SEES ANNA.", LetterCase.CAPITALS),
        ("STOP!", LetterCase.CAPITALS),
        ("tHe dOg sEEs Anna", LetterCase.MIXED),
        ("The Dog Sees Little Anna", LetterCase.HEADING),
        ("The President of the United States", LetterCase.HEADING),
        ("The President of the United States is in Japan.", LetterCase.USUAL),
        ("Yesterday was Thursday.", LetterCase.USUAL),
        ("The dog", LetterCase.USUAL),
        ("Dog", LetterCase.BEGUN),
        ("Dog,", LetterCase.BEGUN),
        ("Dog.", LetterCase.USUAL),
        ("The Dog", LetterCase.HEADING),
        ("她喜欢Anna和Tom", LetterCase.USUAL),
        ("Happy Dogs", LetterCase.HEADING),
        ("the dog", LetterCase.USUAL),
        ("The dog!", LetterCase.USUAL),
        ("The dog sees Anna and me", LetterCase.USUAL),
        ("I use an iPhone and GitHub all day.", LetterCase.USUAL),
        ("CD已经取代了唱片。", LetterCase.USUAL),
        ("这是一只狗。", LetterCase.USUAL),
        ("I.", LetterCase.USUAL),
        ("", LetterCase.USUAL),
    ],
)
def test_how_a_sentence_is_written(sentence, case):
    assert case_of(sentence) is case


def test_each_word_gets_the_form_that_is_known_best():
    assert as_usual("THE DOG SEES ANNA.", LetterCase.CAPITALS, cost) == "The dog sees Anna."
    assert as_usual("tHe dOg", LetterCase.MIXED, cost) == "The dog"
    assert as_usual("I AM NASA", LetterCase.CAPITALS, cost) == "I am NASA"
    assert as_usual("I am VERY happy, says NASA.", LetterCase.USUAL, cost) == "I am very happy, says NASA."


def test_a_word_alone_is_read_without_the_capital_of_a_beginning():
    assert as_usual("Dog", LetterCase.BEGUN, cost) == "dog"
    assert as_usual("DOG", LetterCase.CAPITALS, cost) == "dog"
    assert as_usual("Anna", LetterCase.BEGUN, cost) == "Anna"
    assert as_usual("The dog.", LetterCase.USUAL, cost) == "The dog."


def test_a_translation_gets_the_capitals_again():
    assert LetterCase.CAPITALS.restore("Le chien voit Anna.") == "LE CHIEN VOIT ANNA."
    assert LetterCase.HEADING.restore("le chien de la maison") == "Le Chien de la Maison"
    assert LetterCase.BEGUN.restore("chien") == "Chien"
    assert LetterCase.MIXED.restore("Le chien") == LetterCase.USUAL.restore("Le chien") == "Le chien"


def test_a_text_in_capitals_is_translated_as_the_same_in_small_letters():
    model = rnn_apps.load("translation")
    for text in ("I live in Paris and I love it.", "The train is late."):
        usual, loud, odd = (own.translation for own in model.predict([text, text.upper(), text.swapcase()]))
        assert loud == usual.upper()
        assert odd == usual.upper() or odd == usual
