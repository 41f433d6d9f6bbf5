"""What clients send is taken within bounds, and paths never."""

import base64
import json

import numpy as np
import pytest

from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.options import controls
from rnn_apps.tasks.music.predictor import MAX_CLIENT_FRAMES, MusicOptions
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.midi import midi_bytes
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of
from rnn_apps.tasks.music.scores.voices import voices_of
from rnn_apps.views import Audio, File, FileInput, Image, Lines, Text


def sent(piece):
    return {"b64": base64.b64encode(midi_bytes(piece)).decode()}


@pytest.mark.parametrize("nothing", [None, ""])
def test_music_from_nothing(music_model, nothing):
    assert music_model.predictor.from_json(nothing) is None


def test_a_midi_file_in_base64(music_model):
    np.testing.assert_array_equal(music_model.predictor.from_json(sent(pieces()[0])).frames, pieces()[0].frames)
    options = music_model.predictor.client_options({"melody": sent(pieces()[1]), "seconds": 12, "key": "D"})
    np.testing.assert_array_equal(options.pop("melody").frames, pieces()[1].frames)
    assert options == {"seconds": 12, "key": "D"}


@pytest.mark.parametrize("value", ["/etc/passwd", "tune.mid", 7, [], {}, {"b64": 1}, {"b64": "AA", "path": "x"}])
def test_anything_else_is_refused(music_model, value):
    with pytest.raises(DataError, match=r'Expected null, or a MIDI file as {"b64"'):
        music_model.predictor.from_json(value)
    if value != {}:
        with pytest.raises(DataError, match="Expected null"):
            music_model.predictor.client_options({"melody": value})


@pytest.mark.parametrize(
    ("content", "message"), [("%%", "in base64"), ("AAAA", "the file is no MIDI file"), ("é", "base64")]
)
def test_bad_content(music_model, content, message):
    with pytest.raises(DataError, match=message):
        music_model.predictor.from_json({"b64": content})


def test_a_long_file_is_refused(music_model):
    length = MAX_CLIENT_FRAMES + 1
    piece = Piece("long", frames_of([Note(60, 0, 1), Note(60, length - 1, length)], length))
    with pytest.raises(DataError, match="has 4,097 frames; at most 4,096"):
        music_model.predictor.from_json(sent(piece))


@pytest.mark.parametrize(
    "options",
    [
        {"seconds": 1e9},
        {"seconds": "many"},
        {"seconds": float("nan")},
        {"seed": -1},
        {"seed": 1.5},
        {"top_k": []},
        {"tempo": 100000},
        {"key": 3},
        {"volume": 1},
    ],
    ids=str,
)
def test_options_out_of_bounds(music_model, options):
    (name,) = options
    unknown = name == "volume"
    with pytest.raises(ConfigError, match=f"no option '{name}'" if unknown else f"^Expected {name} to be "):
        music_model.predictor.client_options(options)


def test_a_client_has_narrower_bounds_than_whoever_owns_the_machine(music_model):
    with pytest.raises(ConfigError, match=r"above 0 and at most 300\. Received: 301"):
        music_model.predictor.client_options({"seconds": 301})
    assert MusicOptions(seconds=301.0).seconds == 301.0


def test_what_the_demo_page_asks_for_is_what_the_predictor_takes(music_model):
    given = music_model.predictor.input_view().given
    assert isinstance(given, FileInput)
    assert given.suffixes == (".mid", ".midi")
    offered = controls(MusicOptions)
    assert set(offered) == {"more", "temperature", "top_p", "seed", "mode", "melody"}
    music_model.predictor.client_options({name: getattr(control, "default", None) for name, control in offered.items()})


def test_a_part_shows_its_notes_and_the_whole_its_picture_sound_and_file(music_model):
    *parts, whole = music_model.stream(None, seconds=4.0)
    assert [part.complete for part in parts] == [False] * len(parts)
    assert [len(music_model.predictor.views(None, part)[0].text.split()) for part in parts] == [1] * len(parts)
    assert [part.seconds for part in parts] == sorted(part.seconds for part in parts)
    assert whole.complete
    assert sum(len(part.notes) for part in parts) == len(whole.notes)
    image, audio, file, *rest = music_model.predictor.views(None, whole)
    assert (type(image), type(audio), type(file)) == (Image, Audio, File)
    assert [type(view) for view in rest if not isinstance(view, File)] == [Text] * bool(whole.remark)
    scores = [view for view in rest if isinstance(view, File)]
    assert [view.name for view in scores] == ["music.musicxml"] * bool(voices_of(whole.piece().notes()))
    assert bool(scores) != ("there is no notation of it" in whole.remark)
    assert file.name.endswith(".mid")


def test_an_answer_does_not_depend_on_what_else_is_asked(music_model):
    first, second, third = music_model.predict([None, music_model.predictor.examples[1], None], seconds=10.0, seed=4)
    assert first == third
    assert [second] == music_model.predict([music_model.predictor.examples[1]], seconds=10.0, seed=4)


def test_a_piece_is_judged_and_nothing_is_composed(music_model, rnnapps, tmp_path):
    piece = pieces()[0]
    (found,) = music_model.predict([piece], mode="judge")
    on_grid = piece.on_grid(music_model.predictor.processor.frames_per_quarter)
    np.testing.assert_allclose(found.nats, music_model.predictor.nats(on_grid))
    np.testing.assert_array_equal(found.piece().frames, on_grid.frames)
    (streamed,) = music_model.stream(piece, mode="judge")
    assert streamed == found
    *_, lines = music_model.predictor.views(piece, found)
    assert isinstance(lines, Lines)
    assert lines.series["surprise"].sum() == pytest.approx(sum(found.nats))
    assert music_model.predict([piece])[0].nats == []
    with pytest.raises(DataError, match="Expected a piece of music to judge"):
        music_model.predict([None], mode="judge")
    (tmp_path / "tune.mid").write_bytes(midi_bytes(piece))
    done = rnnapps("predict", music_model.bundle.folder, tmp_path / "tune.mid", "--mode", "judge", "--json")
    assert json.loads(done.stdout)[0]["nats"] == pytest.approx(found.nats)


@pytest.mark.parametrize("cadences", [0.0, 0.8])
def test_what_takes_longer_costs_more(music_model, monkeypatch, cadences):
    predictor = music_model.predictor
    monkeypatch.setattr(predictor.processor, "cadences", cadences)
    plain, longer, faster, harmony = (
        predictor.cost(None, predictor.Options(**options))
        for options in ({}, {"seconds": 60.0}, {"tempo": 2 * predictor.processor.tempo}, {"melody": pieces()[0]})
    )
    assert longer == faster > 1.5 * plain
    assert (harmony < plain) == bool(cadences)
