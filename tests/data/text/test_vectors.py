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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb 1 2 3\n", "line 2: expected 2 numbers, as the first vector has. Received 3, behind 'b'"),
        ("a 1 2\nb 1 x\n", "line 2: expected numbers behind 'b'"),
        ("a 1 2\nb\n", "line 2: expected a word and its vector"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, message):
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        list(read_vectors(path))
    assert f"{path}, {message}" in str(error.value)
