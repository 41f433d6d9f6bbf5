"""MIDI files of every kind: read right, mended and told, or refused in one line."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("symusic", reason="the extra 'music' is not installed")

from rnn_apps.errors import DataError
from rnn_apps.tasks.music.scores.midi import read_midi
from rnn_apps.tasks.music.scores.reading import read_pieces


def number(value):
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def track(*events, end=True):
    """(delta, bytes) pairs as a track."""
    data = b"".join(number(delta) + event for delta, event in events) + (b"\x00\xff\x2f\x00" if end else b"")
    return b"MTrk" + struct.pack(">I", len(data)) + data


def file(*tracks, division=480, form=1):
    return b"MThd" + struct.pack(">IHHH", 6, form, len(tracks), division) + b"".join(tracks)


def tempo(microseconds):
    return b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


def metre(beats, power):
    return b"\xff\x58\x04" + bytes([beats, power, 24, 8])


def on(pitch):
    return bytes([0x90, pitch, 80])


def off(pitch):
    return bytes([0x80, pitch, 0])


TUNE = [event for pitch in (60, 62, 64, 60) for event in ((0, on(pitch)), (480, off(pitch)))]
PLAIN = file(track((0, tempo(500_000)), (0, metre(4, 2)), *TUNE))


def notes(data):
    return [note[:3] for note in read_midi(data, "the file").piece.notes()]


EXPECTED = [(60, 0, 4), (62, 4, 8), (64, 8, 12), (60, 12, 16)]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        b"RIFF" + struct.pack("<I", len(PLAIN) + 12) + b"RMIDdata" + struct.pack("<I", len(PLAIN)) + PLAIN,
        file(track(*TUNE, end=False)),
        file(track(*TUNE)) + b"something behind it",
        # 1,000 ticks in a second, half a second a quarter at 120
        file(
            track((0, tempo(1)), *[(delta * 500 // 480, event) for delta, event in TUNE]), division=(256 - 25 << 8) | 40
        ),
        file(track((0, tempo(0)), (0, tempo(500_000)), *TUNE)),
    ],
    ids=["plain", "RMID", "no end of track", "more behind it", "SMPTE", "a tempo of no time"],
)
def test_what_can_be_read_is_read_right(data):
    imported = read_midi(data, "the file")
    assert notes(data) == EXPECTED
    assert (imported.piece.tempo, imported.piece.metre, imported.remarks) == (120.0, (4, 4), ())


def test_notes_without_an_end_last_until_that_of_their_track_and_are_told():
    data = file(track((0, on(60)), (480, on(62)), (480, off(62))), track((0, on(72)), (1920, b"\xb0\x07\x40")))
    assert sorted(notes(data)) == [(60, 0, 8), (62, 4, 8), (72, 0, 16)]
    assert read_midi(data, "the file").remarks == ("the file: 2 notes have no end and last until that of their track",)


def test_a_metre_that_is_no_whole_number_of_steps_is_told():
    (remark,) = read_midi(file(track((0, metre(5, 5)), *TUNE)), "the file").remarks
    assert "a bar of 5/32 is no whole number of steps" in remark


BAD = {
    "a tempo of zero": (
        file(track((0, tempo(0)), *TUNE)),
        "a tempo of inf quarter notes a minute. Expected 10 to 1,000",
    ),
    "too fast": (file(track((0, tempo(1)), *TUNE)), "a tempo of 6e+07 quarter notes a minute"),
    "too slow": (file(track((0, tempo(0xFFFFFF)), *TUNE)), "a tempo of 3.576 quarter notes a minute"),
    "no division": (file(track(*TUNE), division=0), "a division of 0"),
    "film that is none": (file(track(*TUNE), division=(256 - 7 << 8) | 40), "in each of 7 frames a second"),
    "film without ticks": (file(track(*TUNE), division=256 - 25 << 8), "0 ticks in each of 25 frames"),
    "no beats": (file(track((0, metre(0, 2)), *TUNE)), "a time signature of 0/4"),
    "a beat of nothing": (file(track((0, metre(4, 200)), *TUNE)), "a time signature of 4/"),
    "cut off": (PLAIN[:-9], "is cut off: track 1 should have"),
    "a track that lacks": (PLAIN[:10] + b"\x00\x03" + PLAIN[12:], "is cut off: it should have 3 tracks and has 1"),
    "patterns": (file(track(*TUNE), track(*TUNE), form=2), "format 2"),
    "no music": (file(track()), "no notes"),
    "two days": (file(track((0, on(60)), (0xFFFFFFF, off(60)))), "frames (77.7 hours)"),
    "another file": (b"hello", "does not begin with MThd"),
    "damaged": (file(track((0, b"\x05\x05\x05"), *TUNE)), "is damaged at byte"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_makes_no_sense_is_refused_in_one_line(case):
    data, message = BAD[case]
    with pytest.raises(DataError) as error:
        read_midi(data, "the file")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_says_how_many_were_left_out_and_why(tmp_path, capsys):
    for name, data in (("a.mid", PLAIN), ("b.kar", PLAIN), ("c.mid", BAD["too fast"][0]), ("d.mid", PLAIN[:-9])):
        (tmp_path / name).write_bytes(data)
    assert [piece.name for piece in read_pieces(tmp_path)] == ["a.mid", "b.kar"]
    told = capsys.readouterr().err
    assert "left out 2 that cannot be used" in told
    assert "c.mid has a tempo of" in told
    assert "d.mid is cut off" in told


@st.composite
def written(draw):
    """A file, and the notes in it."""
    division = draw(st.sampled_from([24, 96, 120, 480, 960, 32766]))
    step = division // 4
    lasts, tune = 0, []
    for _ in range(draw(st.integers(1, 8))):
        start = lasts + draw(st.integers(0, 3))
        lasts = start + draw(st.integers(1, 8))
        tune.append((draw(st.integers(21, 108)), start, lasts))
    silent_off, running = draw(st.booleans()), draw(st.booleans())
    events, now, last = [], 0, b""
    for pitch, start, end in tune:
        for time, event in ((start, on(pitch)), (end, bytes([0x90, pitch, 0]) if silent_off else off(pitch))):
            shown = event[1:] if running and event[:1] == last else event
            last = event[:1]
            events.append(((time - now) * step, shown))
            now = time
    noise = draw(st.sampled_from([(), ((0, b"\xff\x03\x04name"),), ((0, b"\xf0\x02\x01\xf7"),), ((0, b"\xc0\x05"),)]))
    head = [(0, tempo(draw(st.sampled_from([250_000, 500_000, 1_000_000])))), *noise]
    data = file(track(*head, *events)) if draw(st.booleans()) else file(track(*head), track(*events))
    data = data[:12] + struct.pack(">H", division) + data[14:]
    if draw(st.booleans()):
        data = b"RIFF" + struct.pack("<I", len(data) + 12) + b"RMIDdata" + struct.pack("<I", len(data)) + data
    return data, tune


@settings(max_examples=200)
@given(written())
def test_any_file_is_read_as_it_was_written(case):
    data, tune = case
    silent = tune[0][1] // 16 * 16  # whole bars before the first note
    assert notes(data) == [(pitch, start - silent, end - silent) for pitch, start, end in tune]


@settings(max_examples=200)
@given(written(), st.binary(max_size=6), st.integers(0, 400), st.integers(0, 400))
def test_any_damage_gives_music_or_a_data_error(case, junk, place, cut):
    data = case[0]
    damaged = data[:place] + junk + data[place + cut % 3 :]
    try:
        piece = read_midi(damaged, "the file").piece
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert 10 <= piece.tempo <= 1000
        assert len(piece.frames) > 0
