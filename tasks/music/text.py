"""Music in characters, for a terminal."""

from __future__ import annotations

from rnn_apps.tasks.music.predictor import Music

WIDTH = 96
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def pitch_name(pitch: int) -> str:
    """Returns the name of a MIDI pitch: C4 is 60, middle C."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def text_roll(music: Music) -> str:
    """Returns the beginning of a piece as rich markup: a line for each pitch, time to the right, bar lines below."""
    if not music.notes:
        return f"(silence)\n{music.remark}".strip()
    step = min(note.duration for note in music.notes)
    lines: dict[int, list[str]] = {}
    for note in music.notes:
        line = lines.setdefault(note.pitch, [" "] * WIDTH)
        start, end = round(note.start / step), round((note.start + note.duration) / step)
        line[start:end] = ["■", *"━" * (end - start - 1)][: max(WIDTH - start, 0)]
    shown = {pitch: "".join(line).rstrip() for pitch, line in sorted(lines.items(), reverse=True)}
    rows = [f"  [dim]{pitch_name(pitch):>3}[/dim] {line}" for pitch, line in shown.items() if line]
    bar = round(music.metre[0] * 4 / music.metre[1] / step)
    ruler = "".join("|" if column % max(bar, 1) == 0 else " " for column in range(WIDTH))
    summary = f"  {len(music.notes)} notes in {music.seconds:.0f} s, at {music.tempo:.0f} quarter notes a minute"
    return "\n".join([*rows, f"      [dim]{ruler.rstrip()}[/dim]", summary, *filter(None, [music.remark])])
