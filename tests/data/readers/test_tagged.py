"""Column files: every layout that is read, and every fault with its file and line."""

import gzip
import logging

import pytest

from rnn_apps.data.readers.tagged import read_conll
from rnn_apps.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(text, name="data.txt"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["data.txt", "data.conll.gz"])
def test_four_columns_documents_and_blank_lines(write, name):
    path = write(
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP I-ORG\nrejects VBZ B-VP O\n\n\n-DOCSTART- -X- O O\n\nPeter NNP B-NP I-PER",
        name,
    )
    first, second = read_conll(path)
    assert (first.tokens, first.tags) == (("EU", "rejects"), ("B-ORG", "O"))
    assert second.tags == ("B-PER",)
    assert second.where(0) == f"{path}, line 9"


def test_tabs_keep_blanks_in_tokens(write):
    (sentence,) = read_conll(write("New York\tB-LOC\r\n\u3000\tO\r\n"))
    assert sentence.tokens == ("New York", "\u3000")


def test_iob1_and_bmes_become_bio(write):
    (sentence,) = read_conll(write("a I-X\nb B-X\nc O\n", "iob1.txt"))
    assert sentence.tags == ("B-X", "B-X", "O")
    (sentence,) = read_conll(write("a B-X\nb M-X\nc E-X\nd S-X\n", "bmes.txt"))
    assert sentence.tags == ("B-X", "I-X", "I-X", "B-X")


def test_repairs_are_counted_and_said_once(write, caplog):
    path = write("a B-X\nb O\nc I-X\n\nd I-Y\n")
    with caplog.at_level(logging.WARNING):
        assert [sentence.tags for sentence in read_conll(path)] == [("B-X", "O", "B-X"), ("B-Y",)]
        list(read_conll(path))
    assert [record.message for record in caplog.records] == [
        f"{path}: 2 tags do not follow the scheme BIO, such as an I- without a B- before it; read as conlleval does."
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a N O\nb O\n", "line 2: expected 3 columns, as line 1 has. Received 2: 'b O'"),
        ("a O\nb\n", "line 2: expected a token and its tag"),
        ("a B-X\n\nb PER\n", "line 3: expected a tag such as O, B-PER or I-PER"),
        ("a O\nb O\n", "has no entity: all 2 tags are O"),
        ("\n\n", "has no sentence"),
        ("", "is empty"),
        ("\tO\n", "line 1: the token is empty"),
    ],
)
def test_faults_are_named_with_their_line(write, text, message):
    with pytest.raises(DataError) as error:
        list(read_conll(write(text)))
    assert message in str(error.value)
    assert "data.txt" in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="no file"):
        list(read_conll(tmp_path / "nothing.txt"))
