"""Music from a saved model, without TensorFlow: composed, continued, harmonised, and told how likely it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.data.batching import pad_batch
from rnn_apps.data.windows import zero_states
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.cases import Axis, Case, Graphs, Score
from rnn_apps.inference.options import Options, option
from rnn_apps.inference.predictor import Predictor
from rnn_apps.inference.probabilities import log_softmax, softmax
from rnn_apps.inference.sampling import distribution
from rnn_apps.inference.session import Session
from rnn_apps.tasks.music import sample
from rnn_apps.tasks.music.composing import CADENCE_BARS, Composer, Request, compose, describe_degeneration, tonality_for
from rnn_apps.tasks.music.context import END, FIRST_HELD, canonical, ends_frame, frame_tokens, token_name
from rnn_apps.tasks.music.prediction import Music, MusicNote
from rnn_apps.tasks.music.presentation import music_views, text_roll
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.scores.midi import read_midi
from rnn_apps.tasks.music.scores.piece import HELD, KEYS, LOWEST_PITCH, SIXTEENTHS, Frames, Note, Piece, struck
from rnn_apps.tasks.music.scores.reading import read_pieces
from rnn_apps.tasks.music.scores.voices import MOST_VOICES, voices_of
from rnn_apps.views import ChoiceOption, FileInput, Heatmap, InputView, NumberOption, Text, View

USUAL_SECONDS = 30
MAX_SECONDS, MAX_CLIENT_SECONDS = 3600.0, 300.0
MAX_CLIENT_TEMPO = 400.0
MAX_CLIENT_FRAMES = 4096
_SUFFIXES = (".mid", ".midi")
_SHOWN_TOKENS = 24
_USUAL_TOP_P = 0.95
_INSPECTED_SECONDS = 8.0  # of music from nothing
_USUAL_TRIES = 3  # of the last bars, until they come to rest: 3.2 on average over 50 seeds of the shipped model
_NOTHING = np.zeros((0, KEYS), np.uint8)


class MusicOptions(Options):
    """How music is composed."""

    seconds: float | None = option(
        None,
        f"How long the whole lasts, a continued piece counted in; {USUAL_SECONDS} if left out.",
        gt=0,
        le=MAX_SECONDS,
    )
    more: float | None = option(
        None,
        "How long it goes on behind the piece that is continued, instead of how long the whole lasts.",
        NumberOption("Seconds to compose", 20, 5, 120, 5),
        gt=0,
        le=MAX_SECONDS,
    )
    temperature: float = option(
        1.0, "Below 1 likely notes are likelier still, above 1 less so.", NumberOption("Temperature", 1, 0.5, 1.5, 0.05)
    )
    top_k: int = option(0, "Draw only among the K likeliest; 0 for all.")
    top_p: float = option(
        1.0,
        "Draw only among the likeliest that together have this share.",
        NumberOption("Top-p", 0.95, 0.5, 1.0, 0.01),
    )
    seed: int = option(0, "The same seed gives the same music.", NumberOption("Seed", 0, 0, 9999, 1), ge=0, lt=2**63)
    key: str = option("", "The key, such as C, f# or 'Bb major'; a small letter is minor.")
    tempo: float | None = option(None, "Quarter notes a minute.")
    restrike: bool = option(
        True,
        "Strike notes that go on over a beat anew where two others change on it; for a model whose data does not tell "
        "repeated notes from held ones.",
    )
    mode: Literal["compose", "judge"] = option(
        "compose",
        "Compose, or judge: say how likely the model finds the given piece, frame by frame.",
        ChoiceOption("What to do", "compose", ("compose", "judge")),
    )
    melody: Any = option(
        None, "A piece whose highest voice is harmonised.", FileInput(_SUFFIXES, "Or a melody to harmonise (MIDI)")
    )

    def __post_init__(self) -> None:
        if self.more is not None and self.seconds is not None:
            raise ConfigError("Expected either seconds, of the whole, or more, behind a given piece. Received both.")

    @property
    def length(self) -> float:
        """How long the whole lasts, in seconds, where nothing is said about how long it goes on."""
        return USUAL_SECONDS if self.seconds is None else self.seconds


class MusicClientOptions(MusicOptions):
    """The same for a client of the server: nothing that would keep it busy for minutes."""

    seconds: float | None = option(
        None, f"How long the whole lasts; {USUAL_SECONDS} if left out.", gt=0, le=MAX_CLIENT_SECONDS
    )
    more: float | None = option(None, "How long it goes on behind the given piece.", gt=0, le=MAX_CLIENT_SECONDS)
    tempo: float | None = option(None, "Quarter notes a minute.", gt=0, le=MAX_CLIENT_TEMPO)


class Composition(NamedTuple):
    """A piece, and what is odd about it in words, if anything."""

    piece: Piece
    remark: str


class MusicPredictor(Predictor):
    """Composes.

    Args:
        bundle: a verified bundle of the task `music`.
    """

    Options = MusicOptions
    ClientOptions = MusicClientOptions
    input_options = frozenset({"melody"})

    def __init__(self, bundle: Bundle) -> None:
        self.processor = MusicProcessor.load(bundle.folder)
        self._session = Session(bundle.folder / "model.onnx", threads=1)  # a step is too small to share

    @property
    def _read_on(self) -> int:
        """The grid that a file is read on; a coarser one of the model is left to `Piece.on_grid`."""
        return max(self.processor.frames_per_quarter, SIXTEENTHS)

    def answer(self, inputs: Sequence[Piece | None], options: MusicOptions) -> list[Music]:
        """Returns a piece for each input, in their order.

        Args:
            inputs: pieces to continue, or None for music from nothing.
            options: each input is answered as if it were alone: the same input twice gives the same music twice.

        Raises:
            DataError: for an input that is no piece or cannot be continued.
            ConfigError: for options that do not go together or are out of range.
        """
        if options.mode == "judge":
            return [self.judge(given) for given in inputs]
        return [_whole(*self.compose(self.request(given, options))) for given in inputs]

    def parts(self, given: Piece | None, options: MusicOptions) -> Iterator[Music]:
        """Yields each note when it has ended, and last the whole piece; for the arguments see `answer`."""
        if options.mode == "judge":
            yield self.judge(given)
            return
        request = self.request(given, options)
        frames: list[Frames] = []
        piece = self._piece(request, _NOTHING)
        for note in _notes(self._noted(request, frames)):
            yield _music(piece, [note], frames=note.end, complete=False)
        piece = self._piece(request, np.stack(frames))
        yield _whole(piece, describe_degeneration(piece))

    def judge(self, given: Piece | None) -> Music:
        """Returns a piece, on the model's grid, with how likely the model finds it.

        Raises:
            DataError: if it is none.
        """
        if not isinstance(given, Piece):
            raise DataError("Expected a piece of music to judge. Give a MIDI file.")
        piece = given.on_grid(self.processor.frames_per_quarter)
        nats = self.nats(piece)
        remark = f"{nats.mean():.2f} nats a frame: the fewer, the likelier the model finds the piece."
        return replace(_whole(piece, remark), nats=nats.tolist())

    def request(self, given: Piece | None, options: MusicOptions) -> Request:
        """Returns what is asked for, on the model's grid, with its length in frames, checked.

        Raises:
            DataError: if `given` or the melody is neither a piece nor None, or cannot be continued.
            ConfigError: for an option out of range.
        """
        for piece in (given, options.melody):
            if piece is not None and not isinstance(piece, Piece):
                raise DataError(f"Expected a piece of music or None. Received: {type(piece).__name__}.")
        grid = self.processor.frames_per_quarter
        chosen = {
            name: getattr(options, name)
            for name in ("temperature", "top_k", "top_p", "seed", "key", "tempo", "restrike")
        }
        chosen |= {"primer": given and given.on_grid(grid), "melody": options.melody and options.melody.on_grid(grid)}
        frame = self._piece(Request(**chosen), _NOTHING).seconds_per_frame
        given_frames = len(chosen["primer"].frames) if chosen["primer"] else 0
        length = given_frames + round(options.more / frame) if options.more else round(options.length / frame)
        request = Request(frames=length, **chosen)
        request.check(grid)
        return request

    def cost(self, value: Any, options: MusicOptions) -> float:
        """A tempo twice as fast has twice as many steps, and the last bars are mostly drawn more than once."""
        beats = (options.more or options.length) * (options.tempo or self.processor.tempo) / 60
        if self.processor.cadences and not options.melody:
            count, unit = self.processor.metre
            beats += _USUAL_TRIES * CADENCE_BARS * 4 * count / unit
        return 1.0 + 6.0 * beats

    @property
    def examples(self) -> Sequence[Piece | None]:
        """Nothing given, for music from nothing, and the beginnings of two tunes."""
        return (None, *sample.beginnings("Twinkle, twinkle, little star", "Greensleeves"))

    @property
    def example_argument(self) -> str:
        """No file: music from nothing."""
        return "''"

    def parse(self, text: str) -> Piece | None:
        """Reads the one piece in a file, to be continued; an empty text is music from nothing."""
        if not text:
            return None
        pieces = list(read_pieces(Path(text), self._read_on))
        if len(pieces) != 1:
            raise DataError(f"Expected one piece of music to continue. {text} has {len(pieces)}.")
        return pieces[0]

    def from_json(self, value: Any) -> Piece | None:
        """Takes a MIDI file as `{"b64": "..."}` in base64, or null for music from nothing, and never a path."""
        return piece_of(value, self._read_on)

    def cases(self, given: Piece | None) -> Sequence[Case]:
        """Returns a piece, or what the model composes where none is given; each note it strikes can be explained."""
        piece = given or self.compose(self.request(None, MusicOptions(seconds=_INSPECTED_SECONDS))).piece
        piece = piece.on_grid(self.processor.frames_per_quarter)
        (row,) = self.processor.encode_inputs([piece])
        tokens, frames = row["targets"].tolist(), row["frames"].tolist()
        names = [f"{token_name(token)} at {frame}" for token, frame in zip(tokens, frames, strict=True)]
        struck = [step for step, token in enumerate(tokens) if END < token < FIRST_HELD]
        return [
            Case(
                title=piece.name if given else "music from nothing",
                answer=f"{len(struck)} notes",
                axes=(Axis("tokens", ("begin", *names[:-1])),),
                arrays=pad_batch([row]) | zero_states(self.processor.state_sizes, 1),
                scores=tuple(Score(f"{step} {names[step]}", ((step, tokens[step] - 1),), step=step) for step in struck),
                given=piece,
            )
        ]

    def run_case(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        """Runs the model over pieces from their beginning; `logits` are (batch, time, tokens)."""
        batch = len(arrays["tokens"])
        return graphs("model").run({**arrays, **zero_states(self.processor.state_sizes, batch)})

    def decoding(self, case: Case, graphs: Graphs) -> Sequence[View]:
        """Returns the distribution before each token as the model has it, and as it is drawn from by default."""
        logits = self.run_case(case.arrays, graphs)["logits"][0]
        options = MusicOptions()
        plain = softmax(logits)
        drawn = distribution(logits, options.temperature, options.top_k, _USUAL_TOP_P)
        likely = np.sort(np.argsort(-plain.mean(axis=0))[:_SHOWN_TOKENS])[::-1]
        names = [token_name(1 + int(number)) for number in likely]
        steps = [*case.axes[0].steps[1:], "end"]
        how = f"temperature {options.temperature:g}, top-p {_USUAL_TOP_P:g}"
        return [
            Heatmap(plain[:, likely], steps, names, "Probability of each token, as the model has it"),
            Heatmap(drawn[:, likely], steps, names, f"The same as it is drawn from: {how}"),
        ]

    def input_view(self) -> InputView:
        """Asks for a MIDI file to continue, or nothing."""
        return InputView(FileInput(_SUFFIXES, "A beginning to continue (MIDI), if you like"), action="Compose")

    def views(self, given: Piece | None, prediction: Music) -> Sequence[View]:
        """Returns a picture, a sound and a MIDI file; of a part, the names of its notes."""
        return music_views(prediction)

    def terminal_views(self, given: Piece | None, prediction: Music) -> Sequence[View]:
        """Returns the piece in characters: time to the right, a line for each pitch."""
        return [Text(text_roll(prediction))]

    def frames(self, request: Request) -> Iterator[Frames]:
        """Yields uint8 (88,) for each frame, 0 silent, 1 struck, 2 held, in constant memory; a primer's come first."""
        request.check(self.processor.frames_per_quarter)
        bar = self._piece(request, _NOTHING).frames_per_bar
        key = tonality_for(request, self.processor)
        return compose(Composer(self._session, self.processor, bar, request.length, key), request)

    def compose(self, request: Request) -> Composition:
        """Returns the whole piece, and what is odd about it."""
        piece = self._piece(request, np.stack(list(self.frames(request))))
        return Composition(piece, describe_degeneration(piece))

    def nats(self, piece: Piece) -> npt.NDArray[np.float64]:
        """Returns the negative log-likelihood of each frame given those before it, in nats, (frames,)."""
        frames = canonical(piece.frames, piece.articulated, self.processor.articulated)
        composer = Composer(self._session, self.processor, piece.frames_per_bar)
        tokens = (token for frame in frames for token in frame_tokens(frame, self.processor.dynamics))
        result, frame = np.zeros(len(frames)), 0
        for logits, token in zip(composer.follow(frames), tokens, strict=True):
            result[frame] -= log_softmax(logits)[token - 1]
            frame += ends_frame(token)
        return result

    def _noted(self, request: Request, frames: list[Frames]) -> Iterator[Frames]:
        for frame in self.frames(request):
            frames.append(frame)
            yield frame

    def _piece(self, request: Request, frames: Frames) -> Piece:
        """The frames with grid, tempo and metre of the request, of what is given with it, or of the training data."""
        like = request.primer or request.melody
        tempo = request.tempo or (like.tempo if like else self.processor.tempo)
        metre = like.metre if like else self.processor.metre
        return Piece("composition", frames, self.processor.frames_per_quarter, tempo, metre)


def _notes(frames: Iterable[Frames]) -> Iterator[Note]:
    """Yields the notes of frames, each when it has ended."""
    begun: dict[int, Note] = {}
    time = 0
    for frame in frames:
        for key in [key for key in begun if frame[key] != HELD]:
            yield begun.pop(key)._replace(end=time)
        for key in np.flatnonzero(struck(frame, True)).tolist():
            begun[key] = Note(LOWEST_PITCH + key, time, time, max(int(frame[key]) - HELD, 0))
        time += 1
    for note in begun.values():
        yield note._replace(end=time)


def _whole(piece: Piece, remark: str) -> Music:
    """The answer that a whole piece makes."""
    notes = piece.notes()
    if notes and not voices_of(notes):
        remark = f"{remark} More than {MOST_VOICES} notes sound at once: there is no notation of it.".lstrip()
    return _music(piece, notes, frames=len(piece.frames), remark=remark)


def _music(piece: Piece, notes: Sequence[Note], frames: int, complete: bool = True, remark: str = "") -> Music:
    """The answer that some of the notes of a piece make, of which so many frames are there."""
    quarter, second = 1.0 / piece.frames_per_quarter, piece.seconds_per_frame
    return Music(
        seconds=frames * second,
        complete=complete,
        remark=remark,
        notes=[
            MusicNote(
                pitch=note.pitch,
                start=note.start * quarter,
                duration=(note.end - note.start) * quarter,
                start_seconds=note.start * second,
                duration_seconds=(note.end - note.start) * second,
                velocity=note.velocity,
            )
            for note in notes
        ],
        tempo=piece.tempo,
        metre=piece.metre,
        frames_per_quarter=piece.frames_per_quarter,
    )


def piece_of(value: Any, grid: int = SIXTEENTHS) -> Piece | None:
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
    return piece_in(content, grid)


def piece_in(content: bytes, grid: int = SIXTEENTHS) -> Piece:
    """Returns the piece in a MIDI file that was sent.

    Raises:
        DataError: if it cannot be read or is too long.
    """
    piece = read_midi(content, "the file", grid).piece
    if len(piece.frames) > MAX_CLIENT_FRAMES:
        raise DataError(f"The file has {len(piece.frames):,} frames; at most {MAX_CLIENT_FRAMES:,} are taken.")
    return piece
