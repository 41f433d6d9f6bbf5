import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.text.cleaning import clean
from rnn_apps.tasks.translation.documents import join_sentences, split_document, split_long


def without_blanks(text):
    return "".join(clean(text).split())


def test_a_document_is_split_into_lines_and_sentences():
    text = "It rained. We stayed at home.\n\n  \nMr. Smith left!\r\nHe said: “Why?” Nobody knew."
    document = split_document(text)
    assert document.groups == [
        ["It rained.", "We stayed at home."],
        ["Mr. Smith left!"],
        ["He said: “Why?”", "Nobody knew."],
    ]
    assert document.layout == ["", "\n\n\n", "\n", ""]


def test_chinese_needs_no_blanks():
    assert split_document("我很好。你呢？他也好！").sentences == ["我很好。", "你呢？", "他也好！"]


@given(st.text("ab .!?\n。é|()[]'*\ue000", max_size=60))
def test_nothing_is_lost_and_nothing_changes_its_place(text):
    document = split_document(text, {"\ue000"})
    assert len(document.layout) == len(document.groups) + 1
    assert all(document.groups)
    assert all(sentence == sentence.strip() != "" for sentence in document.sentences)
    assert not any(sentence.startswith("\ue000") or sentence.endswith("\ue000") for sentence in document.sentences)
    joined = document.join(document.sentences)
    assert [without_blanks(line) for line in joined.split("\n")] == [without_blanks(line) for line in text.split("\n")]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_every_translation_comes_to_its_line(counts):
    lines = [[f"s{row}.{n}" for n in range(count)] for row, count in enumerate(counts)]
    text = "\n".join(" ".join(f"S{row}.{n} a." for n in range(count)) for row, count in enumerate(counts))
    document = split_document(text)
    assert [len(group) for group in document.groups] == [count for count in counts if count]
    assert document.join([name for line in lines for name in line]) == "\n".join(" ".join(line) for line in lines)


@pytest.mark.parametrize(
    ("sentences", "text"),
    [
        (["Hello.", "How are you?"], "Hello. How are you?"),
        (["你好。", "我很好。"], "你好。我很好。"),
        (["", "One.", ""], "One."),
        ([], ""),
    ],
)
def test_sentences_are_joined_as_their_script_has_it(sentences, text):
    assert join_sentences(sentences) == text


def spans_of(sentence, size):
    """Pieces of at most `size` characters, none with a blank."""
    spans = []
    for place, character in enumerate(sentence):
        if character == " ":
            continue
        if spans and spans[-1][1] == place and place - spans[-1][0] < size and character.isalpha():
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return spans


@given(st.lists(st.text("ab,", min_size=1, max_size=9), min_size=1, max_size=30), st.integers(1, 3), st.integers(1, 12))
def test_a_long_sentence_is_cut_into_parts_that_are_all_of_it(words, size, longest):
    sentence = " ".join(words)
    parts = split_long(sentence, spans_of(sentence, size), longest)
    assert without_blanks("".join(parts)) == without_blanks(sentence)
    assert all(1 <= len(spans_of(part, 1)) <= longest * size for part in parts)


def test_a_long_sentence_is_cut_behind_a_comma_or_else_before_a_word():
    sentence = "one two three, four five six seven"
    assert split_long(sentence, spans_of(sentence, 9), 5) == ["one two three,", "four five six seven"]
    assert split_long("aa bb cccc", [(0, 2), (3, 5), (6, 8), (8, 10)], 3) == ["aa bb", "cccc"]
    assert split_long("aaaa", [(0, 1), (1, 2), (2, 3), (3, 4)], 3) == ["aaa", "a"]


@pytest.mark.parametrize(
    "margin",
    ["  ", "\t", "- ", "  * ", "• ", "1. ", "12) ", "(3) ", "a) ", "iv. ", "# ", "### ", "> ", "\u3000\u3000", "– "],
)
def test_what_makes_the_layout_of_a_line_stays(margin):
    text = f"{margin}It rained. We stayed.\n\n{margin}Nobody came."
    document = split_document(text)
    assert document.sentences == ["It rained.", "We stayed.", "Nobody came."]
    assert document.join(map(str.upper, document.sentences)) == f"{margin}IT RAINED. WE STAYED.\n\n{margin}NOBODY CAME."


@pytest.mark.parametrize(
    "text",
    ["1987 was cold.", "-5 degrees", "I am here.", "A dog barks.", "3.5 litres", "#tag it", "(one) or (two)", "'t was"],
)
def test_what_only_looks_like_layout_is_text(text):
    document = split_document(text)
    assert (document.sentences, document.layout) == ([text], ["", ""])


@pytest.mark.parametrize(
    "text",
    [
        "(It rained.)",
        "[It rained.]",
        "（It rained.）",
        "'It rained.'",
        "- [ ] It rained.",
        "- [x] (It rained.)",
        "| It rained. |",
        "\ue000It rained.\ue000",
        "(\ue000It rained.)",
    ],
)
def test_what_stands_around_a_sentence_is_layout(text):
    document = split_document(text, {"\ue000"})
    assert document.sentences == ["It rained."]
    assert document.join(["Il pleuvait."]) == text.replace("It rained.", "Il pleuvait.")


def test_cells_and_marked_sentences_stand_alone():
    assert split_document("| Day | It rained. | a|b |").sentences == ["Day", "It rained.", "a|b"]
    marked = split_document("\ue000Note: \ue000It rained. We \ue000stayed\ue000 at home.\ue000", {"\ue000"})
    assert marked.sentences == ["Note: \ue000It rained.", "We \ue000stayed\ue000 at home."]


@pytest.mark.parametrize(
    "text", ["1", "2024", "...", "00:00:01,000 --> 00:00:03,000", "|---|:-:|", "- 5", "100 %\n\n7"]
)
def test_what_has_no_letter_is_not_translated(text):
    document = split_document(text)
    assert (document.groups, document.join([])) == ([], text)


def test_a_long_line_of_brackets_is_split_at_once():
    assert split_document("(" * 20_000 + "a" + ")" * 20_000).sentences
