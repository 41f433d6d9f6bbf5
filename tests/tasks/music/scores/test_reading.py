import gzip
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
import scipy.io

from rnn_apps.errors import DataError
from rnn_apps.progress import tell_once
from rnn_apps.sources import file_source
from rnn_apps.task import find_task
from rnn_apps.tasks.music.scores.midi import midi_bytes
from rnn_apps.tasks.music.scores.piece import KEYS, Note, Piece, frames_of
from rnn_apps.tasks.music.scores.reading import read_pieces, read_split, splits


@pytest.fixture
def midi():
    """The bytes of a small MIDI file."""
    return midi_bytes(Piece("scale", frames_of([Note(60 + n, 4 * n, 4 * n + 4) for n in range(8)], 32), tempo=90.0))


def cell(rolls):
    array = np.empty((1, len(rolls)), object)
    for number, roll in enumerate(rolls):
        array[0, number] = roll
    return array


@pytest.fixture
def mat(tmp_path):
    rng = np.random.default_rng(0)
    rolls = {
        f"{part}data": cell([(rng.random((length, KEYS)) < 0.1).astype(np.uint8) for length in lengths])
        for part, lengths in (("test", (3,)), ("valid", (5, 2)), ("train", (4, 6, 7)))
    }
    scipy.io.savemat(tmp_path / "rolls.mat", rolls)
    return tmp_path / "rolls.mat", rolls


def test_the_benchmarks_piano_rolls(mat):
    path, rolls = mat
    assert splits(path) == ("traindata", "validdata", "testdata")
    for part in splits(path):
        pieces = list(read_split(path, part))
        assert [len(piece.frames) for piece in pieces] == [len(roll) for roll in rolls[part][0]]
        for piece, roll in zip(pieces, rolls[part][0], strict=True):
            np.testing.assert_array_equal(piece.frames, roll)
            assert not piece.articulated
    assert [piece.name for piece in read_pieces(path)] == [f"rolls.mat, traindata, piece {n}" for n in (1, 2, 3)]


def test_a_divided_file_brings_its_validation_part(mat):
    source = file_source(find_task("music"), [mat[0]])
    assert len(list(source)) == 3
    assert len(list(source.validation)) == 2
    assert len(list(file_source(find_task("music"), [mat[0]], "testdata"))) == 1
    with pytest.raises(DataError, match=r"has no part 'test'. It has: traindata, validdata, testdata"):
        file_source(find_task("music"), [mat[0]], "test")


@pytest.mark.parametrize(("name", "grid"), [("jsb-chorales-16th.json", 4), ("chorales-quarter.json.gz", 1)])
def test_chorales_as_json(tmp_path, name, grid):
    content = json.dumps({"valid": [[[60]]], "train": [[[60, 64.0], [-1], []], [[21, 108]]]}).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert splits(tmp_path / name) == ("train", "valid")
    first, second = read_pieces(tmp_path / name)
    assert first.frames.sum(axis=1).tolist() == [2, 0, 0]
    assert np.flatnonzero(first.frames[0]).tolist() == [39, 43]
    assert np.flatnonzero(second.frames[0]).tolist() == [0, 87]
    assert first.frames_per_quarter == grid


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_a_folder_and_its_archives(tmp_path, midi, kind, capsys):
    files = {"a/one.mid": midi, "two.MIDI": midi, "bad.mid": midi[:40], "notes.txt": b"no music", "three.abc": ABC}
    path = tmp_path / f"music.{kind}"
    if kind == "folder":
        for name, content in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        write_tar(path, files)
    tell_once.cache_clear()
    pieces = list(read_pieces(path))
    assert [piece.name for piece in pieces] == ["a/one.mid", "three.abc, tune 1", "two.MIDI"]
    assert pieces[0].tempo == pytest.approx(90.0, rel=1e-3)
    assert len(pieces[0].notes()) == 8
    told = capsys.readouterr().err
    assert "left out 1 that cannot be used" in told
    assert "bad.mid" in told
    list(read_pieces(path))
    assert capsys.readouterr().err == "", "told once"


ABC = b"X:1\nT:A scale\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|\n"


def write_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("name", ["../evil.mid", "/etc/evil.mid", "a/../../evil.mid", "..\\evil.mid"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_whose_paths_leave_it_is_refused(tmp_path, midi, name, kind):
    path = tmp_path / f"music.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(".good.mid", midi)
            archive.writestr(name, midi)
    else:
        write_tar(path, {".good.mid": midi, name: midi})
    with pytest.raises(DataError, match="a file whose path leaves the archive"):
        list(read_pieces(path))


BAD = {
    "no arrays": ("a.mat", lambda path: scipy.io.savemat(path, {"x": 1}), "expected traindata and, for validation"),
    "no .mat": ("a.mat", lambda path: path.write_bytes(b"MATLAB 5.0 no"), "a.mat cannot be read"),
    "other shape": (
        "a.mat",
        lambda path: scipy.io.savemat(path, {"traindata": cell([np.zeros((3, 87), np.uint8)])}),
        "traindata, piece 1: expected a piano roll",
    ),
    "no JSON": ("a.json", lambda path: path.write_bytes(b"{"), "a.json cannot be read"),
    "a JSON list": ("a.json", lambda path: path.write_bytes(b"[]"), "expected train and, for validation, valid"),
    "no chords": ("a.json", lambda path: path.write_bytes(b'{"train": [["x"]]}'), "expected a list of lists"),
    "a high pitch": ("a.json", lambda path: path.write_bytes(b'{"train": [[[109]]]}'), "step 1: the pitch 109 is out"),
    "text": ("a.txt", lambda path: path.write_bytes(b"x"), "Expected a folder or archive of MIDI"),
    "empty folder": ("a", lambda path: path.mkdir(), "Expected MIDI .* or ABC .* files"),
    "no archive": ("a.zip", lambda path: path.write_bytes(b"PK no"), "a.zip is a damaged archive"),
    "broken tar": ("a.tar.gz", lambda path: path.write_bytes(gzip.compress(b"x" * 600)[:-9]), "is a damaged archive"),
    "broken MIDI": ("a.mid", lambda path: path.write_bytes(b"MThd"), "no MIDI file"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read(tmp_path, case):
    name, write, message = BAD[case]
    write(tmp_path / name)
    with pytest.raises(DataError, match=message):
        list(read_pieces(tmp_path / name))
