"""What a client of the server or of the demo page may send: a MIDI file and options, both within bounds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rnn_apps.errors import ConfigError, DataError
from rnn_apps.tasks.music.midi import read_midi
from rnn_apps.tasks.music.piece import Piece
from rnn_apps.views import FileInput, InputView, NumberOption

MAX_SECONDS = 300.0
MAX_TEMPO = 400.0
MAX_FRAMES = 4096


class _Options(BaseModel):
    """Options of `MusicPredictor.predict`, as JSON."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] = 30.0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    key: str = ""
    tempo: Annotated[float, Field(gt=0, le=MAX_TEMPO)] | None = None
    melody: Any = None


def options_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns options that came as JSON as those of the predictor; `melody` is given as a piece is.

    Raises:
        ConfigError: for one that does not exist, is of another type, or asks for too much work.
        DataError: for a melody that cannot be used.
    """
    try:
        options = _Options(**given).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigError(f"The option '{name}' cannot be used: {first['msg']}. Received: {first['input']!r}") from None
    if "melody" in options:
        options["melody"] = piece_of(options["melody"])
    return options


def piece_of(value: Any) -> Piece | None:
    """Returns the piece in `{"b64": "..."}`, a MIDI file in base64; None for null and an empty text.

    A path is refused: whoever sends it is not at this machine.

    Raises:
        DataError: if it is anything else, or too long.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, dict) or list(value) != ["b64"] or not isinstance(value["b64"], str):
        raise DataError('Expected null, or a MIDI file as {"b64": "..."} in base64.')
    try:
        content = base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"Expected a MIDI file in base64: {error}.") from None
    return piece_in(content)


def input_view() -> InputView:
    """Returns what a person gives on the demo page."""
    return InputView(
        FileInput((".mid", ".midi"), "A beginning to continue (MIDI), if you like"),
        {
            "seconds": NumberOption("Seconds", 20, 5, 120, 5),
            "temperature": NumberOption("Temperature", 1.0, 0.5, 1.5, 0.05),
            "top_p": NumberOption("Top-p", 0.95, 0.5, 1.0, 0.01),
            "seed": NumberOption("Seed", 0, 0, 9999, 1),
        },
        "Compose",
    )


def piece_in(content: bytes) -> Piece:
    """Returns the piece in a MIDI file that was sent.

    Raises:
        DataError: if it cannot be read or is too long.
    """
    piece = read_midi(content, "the file").piece
    if len(piece.frames) > MAX_FRAMES:
        raise DataError(f"The file has {len(piece.frames):,} frames; at most {MAX_FRAMES:,} are taken.")
    return piece
