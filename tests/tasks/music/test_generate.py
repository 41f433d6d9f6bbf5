"""`rnnapps generate`: the files it writes, beside each other, and what it says when it cannot."""

import json
import wave

import numpy as np
import pytest

from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.midi import midi_bytes, read_midi
from rnn_apps.tasks.music.scores.piece import SILENT, Piece
from rnn_apps.tasks.music.sound import synthesis


@pytest.fixture(autouse=True)
def built_in_sound(monkeypatch):
    """The piano that is everywhere."""
    monkeypatch.setattr(synthesis, "find_soundfont", lambda: None)


@pytest.fixture
def generate(rnnapps, music_model):
    def call(*arguments):
        return rnnapps("generate", music_model.bundle.folder, *arguments)

    return call


@pytest.fixture
def tune(tmp_path):
    """A file of four bars, and the piece in it."""
    piece = next(piece for piece in pieces() if piece.name == "Korobeiniki")
    piece = Piece(piece.name, piece.frames[:64], piece.frames_per_quarter, piece.tempo, piece.metre)
    (tmp_path / "tune.mid").write_bytes(midi_bytes(piece))
    return tmp_path / "tune.mid", piece


def piece_in(path):
    return read_midi(path.read_bytes(), path.name).piece


def test_a_piece_is_written_sounded_and_drawn(generate, tmp_path):
    result = generate("--seconds", 6, "--temperature", 0.9, "--top-p", 0.95, "--seed", 7, "--output", "new/out.mid")
    assert (result.status, result.stderr) == (0, "")
    files = [name for name in result.stdout.splitlines() if not name.endswith(".musicxml")]  # where it has voices
    assert files == ["new/out.mid", "new/out.png", "new/out.wav"]
    piece = piece_in(tmp_path / "new" / "out.mid")
    assert 0 < len(piece.frames) * piece.seconds_per_frame <= 6.1
    with wave.open(str(tmp_path / "new" / "out.wav")) as wav:
        assert 6 < wav.getnframes() / wav.getframerate() < 7
    assert (tmp_path / "new" / "out.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_files_and_another_others(generate, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert generate("--seconds", 4, "--seed", seed, "--output", name).status == 0
    first, second, third = ([(tmp_path / f"{name}.{e}").read_bytes() for e in ("mid", "wav", "png")] for name in "abc")
    assert first == second
    assert all(one != other for one, other in zip(first, third, strict=True))


def test_several_pieces_take_the_seeds_that_follow(generate, tmp_path, music_model):
    answers = json.loads(generate("--seconds", 3, "--pieces", 2, "--seed", 5, "--json").stdout)
    name = music_model.bundle.name
    assert [answer["seed"] for answer in answers] == [5, 6]
    files = [own for own in answers[1]["files"] if not own.endswith(".musicxml")]
    assert files == [f"{name}-2.mid", f"{name}-2.png", f"{name}-2.wav"]
    assert generate("--seconds", 3, "--seed", 6, "--output", "alone.mid").status == 0
    assert (tmp_path / "alone.mid").read_bytes() == (tmp_path / f"{name}-2.mid").read_bytes()
    pitches = sorted(note["pitch"] for note in answers[1]["notes"])
    assert pitches == sorted(note.pitch for note in piece_in(tmp_path / "alone.mid").notes())


def test_a_primer_is_continued(generate, tune, tmp_path):
    path, primer = tune
    assert generate("--primer", path, "--seconds", 9, "--output", "longer").status == 0
    piece = piece_in(tmp_path / "longer.mid")
    np.testing.assert_array_equal(piece.frames[:64], primer.frames)
    assert (piece.tempo, piece.metre) == (primer.tempo, primer.metre)


def test_a_primer_of_any_length_goes_on_for_as_long_as_is_asked(generate, tune, tmp_path):
    path, primer = tune
    assert generate("--primer", path, "--more", 2, "--output", "longer").status == 0
    piece = piece_in(tmp_path / "longer.mid")
    np.testing.assert_array_equal(piece.frames[:64], primer.frames)
    assert len(piece.frames) <= 64 + round(2 / primer.seconds_per_frame)
    assert generate("--more", 2, "--output", "new").status == 0
    assert 0 < len(piece_in(tmp_path / "new.mid").frames) <= round(2 / primer.seconds_per_frame) + 16


def test_a_melody_is_kept_and_harmonised(generate, tune, tmp_path):
    path, melody = tune
    assert generate("--melody", path, "--output", "harmony").status == 0
    harmony = piece_in(tmp_path / "harmony.mid")
    highest = [
        piece.frames.shape[1] - 1 - (piece.frames[:64, ::-1] != SILENT).argmax(axis=1) for piece in (melody, harmony)
    ]
    heard = (melody.frames != SILENT).any(axis=1)
    np.testing.assert_array_equal(highest[0][heard], highest[1][: len(heard)][heard])


def test_what_is_odd_about_a_piece_is_said(generate):
    result = generate("--seconds", 60, "--top-k", 1, "--seed", 1, "--output", "dull.mid")
    assert result.status == 0
    assert result.stderr.startswith("  dull.mid: ")
    assert "the model" in result.stderr.lower()


BAD = {
    "a primer longer than the piece": (("--primer", "tune.mid", "--seconds", 3), "nothing to add"),
    "a primer that is not there": (("--primer", "nowhere.mid"), "There is no file nowhere.mid"),
    "a primer that is no music": (("--primer", "words.mid"), "words.mid is no MIDI file: it does not begin with MThd"),
    "drums only": (("--melody", "drums.mid"), "drums.mid has drums only"),
    "a primer and a melody": (("--primer", "tune.mid", "--melody", "tune.mid"), "Received both"),
    "a key that is none": (("--key", "H"), "Expected a key such as C"),
    "no time": (("--seconds", 0), "Received: 0"),
    "two lengths": (("--seconds", 3, "--more", 3), "Expected either seconds, of the whole, or more"),
    "no number": (("--seconds", "nan"), "Received: nan"),
    "too long": (("--seconds", 1e9), "Expected seconds to be a number above 0 and at most 3600"),
    "no chance": (("--temperature", 0), "temperature"),
    "more than all": (("--top-p", 1.5), "top_p"),
    "a tempo too fast": (("--tempo", 1e6), "Expected a tempo"),
    "a folder": (("--output", "."), "Expected a file for --output"),
    "a file for a folder": (("--output", "words.mid/out.mid"), "cannot be written"),
    "what was given": (("--primer", "tune.mid", "--seconds", 9, "--output", "tune.mid"), "it is not replaced"),
    "what is there": (
        ("--seconds", 3, "--output", "words"),
        "words.mid exists. Choose another --output",
    ),
    "a text for a number": (("--seed", "seven"), "'seven' is not a valid integer"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_done_is_said_and_nothing_written(generate, tune, tmp_path, files_below, case):
    import symusic

    arguments, message = BAD[case]
    (tmp_path / "words.mid").write_text("no music")
    score = symusic.Score(480)
    score.tracks.append(symusic.Track(is_drum=True))
    score.tracks[0].notes.append(symusic.Note(0, 480, 36, 90))
    (tmp_path / "drums.mid").write_bytes(score.dumps_midi())
    before = files_below(tmp_path), tune[0].read_bytes()
    result = generate(*arguments)
    assert (result.status, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert (files_below(tmp_path), tune[0].read_bytes()) == before


def test_generating_needs_no_tensorflow(command, music_model, tmp_path, run_python):
    code = f"""
import sys
sys.argv = ["rnnapps", "generate", {str(music_model.bundle.folder)!r}, "--seconds", "3", "--output", "x.mid"]
from rnn_apps.cli.main import main
main()
print([name for name in ("tensorflow", "keras", "matplotlib") if name in sys.modules])
"""
    result = run_python(code, cwd=tmp_path)
    assert (result.status, result.stdout.splitlines()[-1]) == (0, "[]"), result.stderr
    assert (tmp_path / "x.mid").exists()


def test_without_the_extra_the_pip_command_is_named(run_python, music_model, tmp_path):
    code = f"""
import sys
sys.modules["symusic"] = None
sys.argv = ["rnnapps", "generate", {str(music_model.bundle.folder)!r}, "--seconds", "3"]
from rnn_apps.cli.main import main
main()
"""
    result = run_python(code, cwd=tmp_path)
    assert (result.status, list(tmp_path.iterdir())) == (2, [])
    assert 'pip install "rnn-apps[music]"' in result.stderr
