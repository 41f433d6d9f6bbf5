"""Tagged sentences: every dialect that is read, how it is said, and every fault with its file and line."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.data.readers.columns import Columns
from rnn_apps.data.readers.tagged import read_tagged, survey_tagged
from rnn_apps.data.text.tags import read_spans, write_tags
from rnn_apps.errors import ConfigError, DataError


@pytest.fixture
def write(tmp_path):
    def write(text, name="data.txt"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def content(path, columns=Columns()):  # noqa: B008 (frozen)
    return [(" ".join(sentence.tokens), " ".join(sentence.tags)) for sentence in read_tagged(path, columns)]


def complaint_about(path):
    try:
        survey_tagged(path)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ["data.txt", "data.conll.gz"])
def test_four_columns_documents_and_blank_lines(write, name):
    path = write(
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP I-ORG\nrejects VBZ B-VP O\n\n\n-DOCSTART- -X- O O\n\nPeter NNP B-NP I-PER",
        name,
    )
    first, second = read_tagged(path)
    assert (first.tokens, first.tags) == (("EU", "rejects"), ("B-ORG", "O"))
    assert second.tags == ("B-PER",)
    assert second.where(0) == f"{path}, line 9"


ANNA = [("Anna likes Oslo", "B-PER O B-LOC")]
DIALECTS = {
    "blanks around the token": ("Anna \t B-PER\nlikes\t O \n Oslo\tB-LOC\n", "token in column 1, tag in column 2 of 2"),
    "blanks, several": ("Anna   B-PER\nlikes  O\nOslo   B-LOC\n", "tag in column 2 of 2"),
    "comments": ("# id 0000\tdomain=en\n# text = Anna likes O\nAnna B-PER\nlikes O\nOslo B-LOC\n", "column 2 of 2"),
    "dummy columns": ("Anna _ _ B-PER\nlikes _ _ O\nOslo _ _ B-LOC\n", "tag in column 4 of 4"),
    "CoNLL-U": (
        "# sent_id = 1\n1-2\tAnnalikes\t_\t_\tO\n1\tAnna\ta\t_\tB-PER\n2\tlikes\tb\t_\tO\n2.1\tx\t_\t_\tO\n"
        "3\tOslo\tc\t_\tB-LOC\n",
        "token in column 2, tag in column 5 of 5",
    ),
    "an index from 0": ("0\tAnna\tB-PER\n1\tlikes\tO\n2\tOslo\tB-LOC\n", "token in column 2, tag in column 3 of 3"),
    "a heading": ("token\tner_tags\nAnna\tB-PER\nlikes\tO\nOslo\tB-LOC\n", "token in column 1"),
    "tags before": ("Anna\tB-PER\tNNP\nlikes\tO\tVBZ\nOslo\tB-LOC\tNNP\n", "tag in column 2 of 3"),
    "IO": ("Anna PER\nlikes O\nOslo LOC\n", "(IO)"),
    "IOB1": ("Anna I-PER\nlikes O\nOslo I-LOC\n", "(IOB1)"),
    "BIOES": ("Anna S-PER\nlikes O\nOslo S-LOC\n", "(BIOES)"),
    "underlines and small letters": ("Anna b_PER\nlikes o\nOslo b_LOC\n", "(BIO)"),
    "line ends of a Mac": ("Anna B-PER\rlikes O\rOslo B-LOC\r", "(BIO)"),
    "documents alone": ("-DOCSTART- O\nAnna B-PER\nlikes O\nOslo B-LOC\n-DOCSTART- O\n", "1 sentence,"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_read_alike_and_said(write, name):
    text, said = DIALECTS[name]
    path = write(text)
    assert content(path) == ANNA
    assert said in survey_tagged(path).reading
    assert "2 entities of 2 types (LOC, PER)" in survey_tagged(path).reading


def test_documents_without_empty_lines_are_sentences_of_their_own(write):
    path = write("-DOCSTART- O\nAnna B-PER\n-DOCSTART- O\nOslo B-LOC\n")
    assert content(path) == [("Anna", "B-PER"), ("Oslo", "B-LOC")]


def test_a_token_may_begin_with_the_sign_of_comments(write):
    path = write("#\tO\n@anna\tB-PER\n#oslo\tB-LOC\n# \tO\n")
    assert content(path) == [("# @anna #oslo #", "O B-PER B-LOC O")]
    assert content(write("#x=1 B-X\nis O\n", "other.txt")) == [("#x=1 is", "B-X O")]


def test_columns_are_said(write):
    path = write("B-X B-Y Anna 7\nO O likes 8\n")
    assert content(path, Columns(token="3", tag="1")) == [("Anna likes", "B-X O")]
    for columns, message in (
        (Columns(token="9"), "has 4 columns"),
        (Columns(tag="tag"), "number of a column"),
        (Columns(token="1", tag="1"), "both in column 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            content(path, columns)


def test_an_old_encoding(tmp_path):
    path = tmp_path / "data.txt"
    path.write_bytes("Zoë B-PER\n".encode("latin-1"))
    assert content(path, Columns(encoding="latin-1")) == [("Zoë", "B-PER")]
    with pytest.raises(DataError, match=r"line 1: expected UTF-8.*--encoding"):
        content(path)


def test_tabs_keep_blanks_in_tokens(write):
    (sentence,) = read_tagged(write("New York\tB-LOC\r\n\u3000\tO\r\n"))
    assert sentence.tokens == ("New York", "\u3000")


def test_iob1_and_bmes_become_bio(write):
    (sentence,) = read_tagged(write("a I-X\nb B-X\nc O\n", "iob1.txt"))
    assert sentence.tags == ("B-X", "B-X", "O")
    (sentence,) = read_tagged(write("a B-X\nb M-X\nc E-X\nd S-X\n", "bmes.txt"))
    assert sentence.tags == ("B-X", "I-X", "I-X", "B-X")


def test_repairs_are_counted_and_said(write):
    path = write("a B-X\nb O\nc I-X\n\nd I-Y\n")
    assert [sentence.tags for sentence in read_tagged(path)] == [("B-X", "O", "B-X"), ("B-Y",)]
    assert survey_tagged(path).warnings == (
        "2 tags do not follow the scheme BIO, such as an I- without a B- before it; read as conlleval does.",
    )


def test_types_that_look_alike_are_said(write):
    path = write("a B-PER\nb B-Per\n\nc B-PER\nd B-LOC\n")
    (told,) = survey_tagged(path).warnings
    assert told.startswith("the types 'PER', 'Per' differ in case or in what joins their words alone")


def test_sentences_that_are_not_set_apart_are_said(write):
    lines = "Anna B-PER\nlives O\nhere O\n" * 100
    survey = survey_tagged(write(lines))
    assert "1 sentence, 300 tokens" in survey.reading
    (told,) = survey.warnings
    assert "300 tokens on average" in told
    assert survey_tagged(write(lines.replace("here O\n", "here O\n\n"))).warnings == ()


def test_a_file_without_entities_is_read_and_said(write):
    path = write("a O\nb O\n")
    assert content(path) == [("a b", "O O")]
    assert "has no entity" in survey_tagged(path).warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a N O\nc N B-X\nb O\n", "line 3: expected 3 columns, as the others have. Received 2: 'b O'"),
        ("a O\nc B-X\nb\n", "line 3: expected 2 columns"),
        ("a\nb\n", "line 1: expected a token and its tag"),
        ("a B-X\nc O\n\nb PER\n", "line 4: expected a tag such as O, B-PER or I-PER"),
        ("\n\n", "has no sentence"),
        ("", "is empty"),
        ("\tO\nx\tB-X\n", "line 1: the token is empty"),
    ],
)
def test_faults_are_named_with_their_line(write, text, message):
    path = write(text)
    with pytest.raises(DataError) as error:
        survey_tagged(path)
    assert message in str(error.value)
    assert "data.txt" in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="no file"):
        list(read_tagged(tmp_path / "nothing.txt"))


@pytest.mark.parametrize("ending", ["spacy", "csv", "parquet"])
def test_what_is_not_read_says_what_to_do(tmp_path, ending):
    (tmp_path / f"data.{ending}").write_bytes(b"x")
    with pytest.raises(DataError, match=rf"A \.{ending} file is not read: write "):
        list(read_tagged(tmp_path / f"data.{ending}"))


# Dialects made at random

WORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=6).filter(
    lambda word: not word.startswith(("#", "-DOCSTART-")) and not word.isdecimal()
)
TYPES = st.sampled_from(["PER", "LOC", "ORG"])


@st.composite
def sentences(draw):
    found = []
    for _ in range(draw(st.integers(1, 4))):
        tokens = draw(st.lists(WORDS, min_size=1, max_size=6))
        tags, place = ["O"] * len(tokens), 0
        while place < len(tokens):
            if draw(st.booleans()):
                kind = draw(TYPES)
                length = draw(st.integers(1, min(3, len(tokens) - place)))
                tags[place : place + length] = [f"B-{kind}", *[f"I-{kind}"] * (length - 1)]
                place += length
            place += 1
        found.append((tokens, tags))
    # a file says how it is written only if something in it is an entity
    return [(["Anna", "x"], ["B-PER", "O"]), *found]


@settings(max_examples=200)
@given(
    sentences(),
    st.sampled_from(["BIO", "BIOES"]),
    st.sampled_from(["\t", " ", " \t", "  "]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(["", "# id 7\n", "# text = a B-X\n", "-DOCSTART- -X- O\n\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_dialect_is_read_as_it_was_written(
    tmp_path_factory, written, scheme, between, end, dummies, indexed, before, encoding
):
    lines = []
    for tokens, tags in written:
        lines.append(before)
        renamed = write_tags(read_spans(tags), len(tags), scheme)
        for number, (token, tag) in enumerate(zip(tokens, renamed, strict=True), 1):
            cells = [*([str(number)] if indexed else []), token, *["_"] * (dummies + indexed), tag]
            lines.append(between.join(cells) + "\n")
        lines.append("\n")
    path = tmp_path_factory.mktemp("conll") / "data.conll"
    path.write_bytes("".join(lines).replace("\n", end).encode(encoding))
    found = [(list(sentence.tokens), list(sentence.tags)) for sentence in read_tagged(path)]
    assert found == [(tokens, write_tags(read_spans(tags), len(tags), "BIO")) for tokens, tags in written]


@settings(max_examples=200)
@given(st.binary(max_size=120), st.sampled_from(["conll", "txt", "jsonl", "json", "tsv", "conll.gz"]))
def test_any_bytes_give_sentences_or_a_data_error(tmp_path_factory, data, ending):
    path = tmp_path_factory.mktemp("conll") / f"data.{ending}"
    path.write_bytes(data)
    complaint = complaint_about(path)
    assert complaint is None or str(path) in complaint


# Texts with spans

TEXT = "Anna lives in New York."
SPANS = {
    "doccano": {"text": TEXT, "label": [[0, 4, "PER"], [14, 22, "LOC"]]},
    "doccano's objects": {
        "text": TEXT,
        "entities": [
            {"id": 1, "start_offset": 0, "end_offset": 4, "label": "PER"},
            {"id": 2, "start_offset": 14, "end_offset": 22, "label": "LOC"},
        ],
    },
    "Prodigy": {
        "text": TEXT,
        "spans": [{"start": 14, "end": 22, "label": "LOC"}, {"start": 0, "end": 4, "label": "PER"}],
    },
    "spaCy": [TEXT, {"entities": [[0, 4, "PER"], [14, 22, "LOC"]]}],
    "Label Studio": {
        "data": {"text": TEXT},
        "annotations": [
            {
                "result": [
                    {"value": {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}},
                    {"value": {"start": 14, "end": 22, "text": "New York", "labels": ["LOC"]}},
                ]
            }
        ],
    },
}


@pytest.mark.parametrize("tool", SPANS)
@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_spans_of_every_tool(write, tool, ending):
    text = json.dumps(SPANS[tool]) if ending == "jsonl" else json.dumps([SPANS[tool]])
    path = write(text + "\n", f"data.{ending}")
    assert content(path) == [("Anna lives in New York .", "B-PER O O B-LOC I-LOC O")]


def test_spans_that_do_not_fit_are_counted_with_their_line(write):
    rows = [
        {"text": "Anna", "spans": [[0, 4, "PER"]]},
        {"text": "Annabel lives", "spans": [[0, 4, "PER"]]},
        {"text": "New York", "spans": [[0, 8, "LOC"], [4, 8, "ORG"]]},
    ]
    path = write("".join(json.dumps(row) + "\n" for row in rows), "data.jsonl")
    assert [tags for _, tags in content(path)] == ["B-PER", "B-PER O", "B-LOC I-LOC"]
    cut, nested = survey_tagged(path).warnings
    assert "1 spans cut a token, the first in line 2" in cut
    assert "1 spans overlap others, the first in line 3" in nested


def test_places_that_count_utf16_are_told_by_their_text(write):
    row = {"text": "🙂 Anna", "spans": [{"start": 3, "end": 7, "label": "PER", "text": "Anna"}]}
    assert content(write(json.dumps(row), "data.jsonl")) == [("🙂 Anna", "O B-PER")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "Anna"}, "expected a text with its spans"),
        ({"text": "Anna", "spans": [], "entities": []}, "could be in entities or spans"),
        ({"text": "Anna", "spans": [[0, 9, "PER"]]}, "not inside of its text of 4 characters"),
        ({"text": "Anna", "spans": [[0, 4]]}, "expected a span such as"),
        ({"text": "Anna", "spans": [[0, True, "PER"]]}, "expected a span such as"),
        ({"text": "a  b", "spans": [[1, 3, "PER"]]}, "nothing but blanks"),
        ({"text": "Anna", "spans": [{"start": 0, "end": 4, "label": "PER", "text": "Otto"}]}, "does not hold its text"),
    ],
)
def test_spans_that_make_no_sense_are_refused_with_their_line(write, row, message):
    good = json.dumps({"text": "Anna", "spans": []})
    with pytest.raises(DataError, match=r"data\.jsonl, line 2: ") as error:
        content(write(f"{good}\n{json.dumps(row)}\n", "data.jsonl"))
    assert message in str(error.value)
