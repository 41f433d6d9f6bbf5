"""The bytes of a standard MIDI file: unpacked, checked, and mended where that can be done.

What a reader of MIDI passes over in silence is looked at here: a file that is cut off, a division that is none or that
counts in film frames (SMPTE), and notes that begin and never end.

Source: The MIDI Association, "Standard MIDI Files 1.0", RP-001.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rnn_apps.errors import DataError

_HEADER = struct.Struct(">4sIHHH")
_CHUNK = struct.Struct(">4sI")
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_FILM_FRAMES = {24: 24.0, 25: 25.0, 29: 29.97, 30: 30.0}
_LONGEST_QUARTER = 0x7FFF
_END_OF_TRACK = 0x2F


class CheckedFile(NamedTuple):
    """A file that a reader of MIDI understands.

    Attributes:
        data: its bytes; division and ends of notes are mended.
        tempo: quarter notes a minute, where the file counts seconds and not beats; None where its tempi hold.
        unended: notes that had no end, and last until that of their track now.
    """

    data: bytes
    tempo: float | None
    unended: int


def check_file(data: bytes, name: str) -> CheckedFile:
    """Unpacks and checks a MIDI file (.mid, .kar, or the RMID of Windows).

    Args:
        data: its bytes.
        name: what to call it.

    Raises:
        DataError: if it is none, is cut off, or counts time in a way that makes no sense.
    """
    data = _unpacked(data)
    if len(data) < _HEADER.size or data[:4] != b"MThd":
        raise DataError(f"{name} is no MIDI file: it does not begin with MThd.")
    _, length, form, tracks, division = _HEADER.unpack_from(data)
    if form == 2:
        raise DataError(f"{name} is a MIDI file of format 2: patterns that do not sound together. Save it as format 1.")
    division, tempo = _division(division, name)
    parts = [data[:12] + struct.pack(">H", division) + data[_HEADER.size : 8 + length]]
    place, unended, found = 8 + length, 0, 0
    while place + _CHUNK.size <= len(data) and found < tracks:
        kind, size = _CHUNK.unpack_from(data, place)
        content = data[place + _CHUNK.size : place + _CHUNK.size + size]
        if len(content) < size:
            raise DataError(
                f"{name} is cut off: track {found + 1} should have {size:,} bytes and has {len(content):,}."
            )
        if kind == b"MTrk":
            found += 1
            content, open_notes = _with_ends(content, f"{name}, track {found}")
            unended += open_notes
        parts.append(_CHUNK.pack(kind, len(content)) + content)
        place += _CHUNK.size + size
    if found < tracks:
        raise DataError(f"{name} is cut off: it should have {tracks} tracks and has {found}.")
    return CheckedFile(b"".join(parts), tempo, unended)


def _unpacked(data: bytes) -> bytes:
    """The MIDI file inside of a RIFF container of the kind RMID."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    start = data.find(b"data", 12)
    return data[start + 8 :] if start >= 0 else data


def _division(division: int, name: str) -> tuple[int, float | None]:
    """Returns ticks in a quarter note, and the tempo where ticks are parts of seconds."""
    if division == 0:
        raise DataError(f"{name} has no ticks in a quarter note (a division of 0), so nothing in it has a length.")
    if division < 0x8000:
        return division, None
    rate, ticks = 0x100 - (division >> 8), division & 0xFF
    if rate not in _FILM_FRAMES or not ticks:
        raise DataError(f"{name} counts {ticks} ticks in each of {rate} frames a second, which SMPTE does not know.")
    tempo = 120.0
    quarter = round(_FILM_FRAMES[rate] * ticks * 60 / tempo)
    if not 0 < quarter <= _LONGEST_QUARTER:
        raise DataError(f"{name} counts {ticks} ticks in each of {rate} frames a second, which is too fine.")
    return quarter, tempo


def _with_ends(track: bytes, name: str) -> tuple[bytes, int]:
    """Returns a track in which every note has an end, and how many had none."""
    sounding: dict[tuple[int, int], int] = {}
    place = status = end = 0
    while place < len(track):
        end = place
        place = _skip_number(track, place)
        if place >= len(track):
            break
        if track[place] >= 0x80:
            status, place = track[place], place + 1
        if status in (0xF0, 0xF7, 0xFF):
            kind = track[place] if status == 0xFF and place < len(track) else -1
            start = place + (status == 0xFF)
            place = _skip_number(track, start)
            place += _number(track, start)
            if kind == _END_OF_TRACK:
                break
            continue
        size = _DATA_BYTES.get(status >> 4)
        if size is None or place + size > len(track):
            raise DataError(f"{name} is damaged at byte {place + 1:,}: no event of MIDI stands there.")
        if status >> 4 in (0x8, 0x9):
            note = (status & 0x0F, track[place])
            begins = status >> 4 == 0x9 and track[place + 1] > 0
            sounding[note] = max(sounding.get(note, 0) + (1 if begins else -1), 0)
        place += size
    else:
        end = len(track)
    open_notes = [note for note, count in sounding.items() for _ in range(count)]
    if not open_notes:
        return track, 0
    delta = track[end : _skip_number(track, end)] if end < len(track) else b"\x00"
    ends = b"\x00".join(bytes((0x80 | channel, pitch, 0)) for channel, pitch in open_notes)
    return track[:end] + delta + ends + bytes((0x00, 0xFF, _END_OF_TRACK, 0x00)), len(open_notes)


def _skip_number(track: bytes, place: int) -> int:
    """Returns the place behind a number of variable length."""
    while place < len(track) and track[place] & 0x80:
        place += 1
    return place + 1


def _number(track: bytes, place: int) -> int:
    value = 0
    while place < len(track):
        value = value << 7 | track[place] & 0x7F
        if not track[place] & 0x80:
            break
        place += 1
    return value
