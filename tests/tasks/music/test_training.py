"""From a divided file to its likelihood, through the command line; augmentation; what the processor learns."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnn_apps
from rnn_apps.errors import DataError
from rnn_apps.tasks.music.config import MusicConfig
from rnn_apps.tasks.music.context import END, IN_SIGNATURE, IS_TONIC
from rnn_apps.tasks.music.metrics import MusicMetrics
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.piece import KEYS, STRUCK, Note, Piece, frames_of


@pytest.fixture
def chorales(tmp_path):
    """A divided file of chords."""
    rng = np.random.default_rng(0)
    parts = {
        part: [[sorted(rng.integers(48, 72, 4).tolist()) for _ in range(length)] for length in lengths]
        for part, lengths in (("train", (9, 12, 20)), ("valid", (5, 8)), ("test", (4,)))
    }
    (tmp_path / "jsb-16th.json").write_text(json.dumps(parts))
    return tmp_path / "jsb-16th.json"


SMALL = [f"--set=model.{name}=6" for name in ("units", "embedding", "roll_features", "neighbour_features")]


def test_training_and_evaluation_on_the_parts_of_a_file(rnnapps, chorales, tmp_path):
    result = rnnapps(
        "train", "music", "--data", chorales, "--output", "m", *SMALL, "--set=model.cell=lstm",
        "--set=training.epochs=2", "--set=training.window=16",
    )  # fmt: skip
    assert result.status == 0, result.stderr
    facts = json.loads((tmp_path / "m" / "bundle.json").read_text())
    assert (facts["data"]["training_examples"], facts["data"]["validation_examples"]) == (3, 2)
    assert facts["data"]["validation"] == "jsb-16th.json, part 'valid'"
    valid = json.loads(rnnapps("evaluate", "m", "--data", chorales, "--split", "valid", "--json").stdout)
    assert valid["examples"] == 2
    assert valid["metrics"] == pytest.approx(facts["metrics"])
    assert 5 < valid["metrics"]["nll"] < 40
    test = json.loads(rnnapps("evaluate", "m", "--data", chorales, "--split", "test", "--json").stdout)
    assert test["metrics"]["nll"] != valid["metrics"]["nll"]
    which = rnnapps("evaluate", "m", "--data", chorales)
    assert which.status == 2
    assert "Say which part with --split: train, valid, test" in which.stderr
    assert "has no part 'x'" in rnnapps("evaluate", "m", "--data", chorales, "--split", "x").stderr


def test_the_first_frame_is_given_and_padding_does_not_count():
    """Two pieces of two frames: uniform logits over four tokens, so each token costs log 4."""
    metrics = MusicMetrics()
    targets = np.array([[2, END, 3, END, 0], [END, 4, 3, 2, END]])
    frames = np.array([[0, 0, 1, 1, 0], [0, 1, 1, 1, 1]])
    metrics.update({"logits": np.zeros((2, 5, 4), np.float32)}, {"targets": targets, "frames": frames})
    found = metrics.result()
    assert found["nll"] == pytest.approx((2 + 4) / 2 * np.log(4))
    assert found["loss"] == pytest.approx(np.log(4))


@given(st.integers(0, 2**32), st.sampled_from([0, 3, 6]))
def test_augmentation_is_a_transposition_within_reach(seed, reach):
    processor = MusicProcessor(True, 4, 100.0, (4, 4), reach, {})
    (row,) = processor.encode([pieces()[0]])
    changed = processor.augment(row, np.random.default_rng(seed))
    moved = changed["targets"] - row["targets"]
    assert (moved[row["targets"] == END] == 0).all()
    steps = set(moved[row["targets"] != END].tolist())
    assert len(steps) == 1
    assert abs(steps.pop()) <= reach
    assert {name: array.shape for name, array in changed.items()} == {name: a.shape for name, a in row.items()}


def test_augmentation_stays_on_the_keyboard():
    processor = MusicProcessor(False, 4, 100.0, (4, 4), 6, {})
    frames = np.zeros((2, KEYS), np.uint8)
    frames[:, [1, KEYS - 2]] = STRUCK
    (row,) = processor.encode([Piece("wide", frames, articulated=False)])
    found = {int(processor.augment(row, np.random.default_rng(seed))["targets"][0]) for seed in range(40)}
    assert found == {KEYS - 1, KEYS, KEYS + 1}
    (silent,) = processor.encode([Piece("silent", np.zeros((2, KEYS), np.uint8))])
    assert processor.augment(silent, np.random.default_rng(0)) is silent


def test_the_end_is_known_in_half_of_the_training_and_never_in_a_measurement():
    processor = MusicProcessor(True, 4, 100.0, (4, 4), 0, {}, sees_end=True)
    (row,) = processor.encode([pieces()[0]], training=True)
    assert row["end"][-1, 0] > 0.9
    known = [processor.augment(row, np.random.default_rng(seed))["end"].any() for seed in range(100)]
    assert 30 < sum(known) < 70
    for shown in (processor.encode([pieces()[0]]), processor.encode_inputs([pieces()[0]])):
        assert not shown[0]["end"].any()
    assert "end" not in MusicProcessor(True, 4, 100.0, (4, 4), 0, {}).encode([pieces()[0]])[0]


def test_the_key_is_known_in_half_of_the_training_and_never_in_a_measurement():
    processor = MusicProcessor(True, 4, 100.0, (4, 4), 6, {}, tonalities=[1] * 24)
    (row,) = processor.encode([pieces()[0]], training=True)
    known = [bool((processor.augment(row, np.random.default_rng(n))["keys"] & IS_TONIC).any()) for n in range(100)]
    assert 30 < sum(known) < 70
    for shown in (processor.encode([pieces()[0]]), processor.encode_inputs([pieces()[0]])):
        assert not (shown[0]["keys"] & (IN_SIGNATURE | IS_TONIC)).any()
    (untold,) = MusicProcessor(True, 4, 100.0, (4, 4), 0, {}).encode([pieces()[0]], training=True)
    assert not (untold["keys"] & (IN_SIGNATURE | IS_TONIC)).any()


def test_what_pieces_have_in_common(tmp_path):
    frames = np.zeros((2, KEYS), np.uint8)
    chords = np.zeros((12, KEYS), np.uint8)
    chords[[2, 3, 10, 11], 40] = STRUCK
    chords[4, 41] = STRUCK  # 2, 2, 1, 5 and 2 frames
    some = [
        Piece("a", chords, 4, 90.0, (3, 4)),
        Piece("b", frames, 4, 100.0, (3, 4)),
        Piece("c", frames, 2, 180.0, (4, 4), articulated=False),
    ]
    processor = MusicProcessor.fit(some, MusicConfig(model={"units": 5, "layers": 1}))
    expected = {
        "articulated": False, "frames_per_quarter": 4, "tempo": 100.0, "metre": (3, 4), "transposition": 6,
        "state_sizes": {"initial_0": 5}, "sees_end": True, "cadences": 0.0,
        "tonalities": [2, 0, 0, 1, *[0] * 20], "longest_chord": 1.25, "dynamics": False,
    }  # fmt: skip
    assert vars(processor) == expected
    processor.save(tmp_path)
    assert vars(MusicProcessor.load(tmp_path)) == expected
    with pytest.raises(DataError, match="empty has no frame"):
        processor.encode([Piece("empty", frames[:0])])


def test_the_keras_model_is_loaded_with_its_own_layers(music_model):
    model = music_model.keras_model()
    (row,) = music_model.predictor.processor.encode(pieces()[:1])
    batch = {name: array[None, :50] for name, array in row.items() if name in model.input}
    states = {
        name: np.zeros((1, units), np.float32) for name, units in music_model.predictor.processor.state_sizes.items()
    }
    expected = np.asarray(model({**batch, **states}, training=False)["logits"])
    found = music_model.task.runner(music_model.bundle.folder).run(batch)["logits"]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_keras_model_is_loaded_in_a_fresh_process(music_model, run_python):
    code = "import sys, rnn_apps; print(rnn_apps.load(sys.argv[1]).keras_model().name)"
    result = run_python(code, music_model.bundle.folder)
    assert result.stdout.strip() == "music", result.stderr


def test_the_card_tells_what_the_model_composes_and_copies(music_model):
    card = (music_model.bundle.folder / "README.md").read_text()
    assert music_model.bundle.manifest["report"] in card


def test_a_model_of_triplets(rnnapps, tmp_path):
    from rnn_apps.tasks.music.scores.midi import midi_bytes, read_midi

    (tmp_path / "tunes").mkdir()
    for number, piece in enumerate(pieces()[:4]):
        notes = [Note(note.pitch, 4 * n, 4 * n + 4) for n, note in enumerate(piece.notes())]
        triplets = Piece(piece.name, frames_of(notes, 4 * len(notes)), 12)
        (tmp_path / "tunes" / f"{number}.mid").write_bytes(midi_bytes(triplets))
    small = ("model.units=12", "model.embedding=8", "model.roll_features=12", "training.epochs=1")
    settings = [f"--set={name}" for name in (*small, "data.frames_per_quarter=12")]
    trained = rnnapps("train", "music", "--data", "tunes", *settings, "--output", "thirds")
    assert trained.status == 0, trained.stderr
    model = rnn_apps.load(tmp_path / "thirds")
    primer = read_midi((tmp_path / "tunes" / "0.mid").read_bytes(), "x", 12).piece
    longer = rnnapps("generate", "thirds", "--primer", "tunes/0.mid", "--more", 2, "--output", "longer.mid")
    assert longer.status == 0, longer.stderr
    again = read_midi((tmp_path / "longer.mid").read_bytes(), "x", 12).piece
    np.testing.assert_array_equal(again.frames[: len(primer.frames)] > 0, primer.frames > 0)
    assert model.predict([primer], more=1)[0].frames_per_quarter == 12
    (tmp_path / "rolls-quarter.json").write_text('{"train": [[[60]]], "valid": [[[60]]], "test": [[[60]]]}')
    refused = rnnapps("train", "music", "--data", "rolls-quarter.json", *settings, "--output", "other")
    assert refused.status == 2
    assert "has a grid of its own: with data.frames_per_quarter=12 only MIDI and ABC are read." in refused.stderr
