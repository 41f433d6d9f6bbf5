"""Word vectors in text files: both formats, and faults with their line."""

import gzip

import numpy as np
import pytest

from rnn_apps.data.text.vectors import read_vectors
from rnn_apps.errors import DataError


def test_glove_and_word2vec(tmp_path):
    glove, word2vec = tmp_path / "glove.txt", tmp_path / "w2v.txt.gz"
    glove.write_text("the 0.5 1\nParis -1 2e-1\n")
    word2vec.write_bytes(gzip.compress(b"2 2\nthe 0.5 1 \nParis -1 0.2 \n"))
    for path in (glove, word2vec):
        found = dict(read_vectors(path))
        assert list(found) == ["the", "Paris"]
        np.testing.assert_allclose(found["Paris"], [-1, 0.2])


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_the_binary_format(tmp_path, packed):
    vectors = np.array([[0.5, 1], [-1, 0.2]], "<f4")
    content = b"2 2\n" + b"\n".join(
        w.encode() + b" " + v.tobytes() for w, v in zip(["the", "Zoë"], vectors, strict=True)
    )
    path = tmp_path / f"vectors.bin{packed}"
    path.write_bytes(gzip.compress(content) if packed else content)
    found = dict(read_vectors(path))
    assert list(found) == ["the", "Zoë"]
    np.testing.assert_array_equal(list(found.values()), vectors)
    (tmp_path / "cut.bin").write_bytes(content[:-3])
    with pytest.raises(DataError, match="is cut off: its vector 2 of 2 is not whole"):
        list(read_vectors(tmp_path / "cut.bin"))


@pytest.mark.parametrize("header", ["", "4 2\n"])
def test_words_may_hold_blanks(tmp_path, header):
    path = tmp_path / "vectors.txt"
    path.write_text(header + ". . . 1 2\nNew York 3 4\na\u00a0b\t5 6\nthe 7 8\n", encoding="utf-8")
    assert [word for word, _ in read_vectors(path)] == [". . .", "New York", "a\u00a0b", "the"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb 1 2 3\n", "line 2: expected 2 numbers, as the first vector has. Received 3, behind 'b'"),
        ("a 1 2\nb 1 x\n", "line 2: expected numbers behind 'b'"),
        ("a 1 2\nb\n", "line 2: expected a word and its vector"),
        ("2 3\na 1 2 3\nb 1 2\n", "line 3: expected 3 numbers"),
        ("a 1 2\nb 1 nan\n", "line 2: expected numbers behind 'b'"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, message):
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        list(read_vectors(path))
    assert f"{path}, {message}" in str(error.value)
