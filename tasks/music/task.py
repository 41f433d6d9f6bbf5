"""Music, one-to-many: what it reads, how it is measured, what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.config import DataConfig, Section, TaskConfig, TrainingConfig
from rnn_apps.data.windows import INITIAL, zero_states
from rnn_apps.errors import DataError
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.task import GraphSpec, Metrics, Processor, Shape, Task
from rnn_apps.tasks.music.context import END
from rnn_apps.tasks.music.piece import Piece
from rnn_apps.tasks.music.processor import MusicProcessor

if TYPE_CHECKING:
    from rnn_apps.bundle import Bundle
    from rnn_apps.inference.session import WindowedSession
    from rnn_apps.tasks.music.predictor import Music, MusicPredictor
    from rnn_apps.views import InputView, View


class MusicModelConfig(Section):
    """The network.

    Attributes:
        cell: the recurrent cell.
        units: width of each recurrent layer.
        layers: recurrent layers.
        embedding: features of a token.
        roll_features: features of the frames that the model is shown.
        neighbour_features: features of what stands around a key.
        dropout: share of the features dropped before, between and behind the recurrent layers.
        roll_dropout: share of the shown keys that are hidden.
    """

    cell: Literal["gru", "lstm"] = "gru"
    units: PositiveInt = 224
    layers: PositiveInt = 2
    embedding: PositiveInt = 64
    roll_features: PositiveInt = 128
    neighbour_features: PositiveInt = 16
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    roll_dropout: float = Field(default=0.1, ge=0.0, lt=1.0)


class MusicDataConfig(DataConfig):
    """How pieces become arrays.

    Attributes:
        transposition: training pieces are moved by up to so many semitones, down or up, anew in each epoch.
    """

    transposition: NonNegativeInt = 6


class MusicConfig(TaskConfig):
    """Settings of the task `music`."""

    model: MusicModelConfig = MusicModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=30, batch_size=16, batch_tokens=2**20, window=256, learning_rate=3e-3, patience=10, weight_decay=0.01
    )
    data: MusicDataConfig = MusicDataConfig()


class MusicMetrics(Metrics):
    """Mean negative log-likelihood of a frame in nats, each given all frames before it; the first is only given.

    Source: Boulanger-Lewandowski et al. (2012), "Modeling temporal dependencies in high-dimensional sequences"; summed
    and divided as in Bai et al. (2018), arXiv:1803.01271.
    """

    def __init__(self) -> None:
        self._nats, self._frames = 0.0, 0
        self._all_nats, self._tokens = 0.0, 0

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes `logits` (batch, time, tokens), `targets` and `frames` (batch, time)."""
        real = batch["targets"] > 0
        targets = batch["targets"][real]
        nats = -log_softmax(outputs["logits"][real])[np.arange(len(targets)), targets - 1]
        counted = batch["frames"][real] > 0
        self._nats += float(nats[counted].sum())
        self._frames += int((targets[counted] == END).sum())
        self._all_nats += float(nats.sum())
        self._tokens += len(targets)

    def result(self) -> dict[str, float]:
        """Returns `nll`, nats a frame, and `loss`, nats a token, the first frame counted in."""
        return {"nll": self._nats / max(self._frames, 1), "loss": self._all_nats / max(self._tokens, 1)}


class MusicTask(Task):
    """Models polyphonic music."""

    name = "music"
    summary = "compose, continue or harmonise music, and tell how likely a piece is"
    shape = Shape.ONE_TO_MANY
    monitor = "nll"
    monitor_mode = "min"
    Config = MusicConfig
    processor_class = MusicProcessor
    layers_module = "rnn_apps.tasks.music.layers"

    def read(self, paths: Sequence[Path]) -> Iterator[Piece]:
        """Streams the pieces of folders, archives and files; see `rnn_apps.tasks.music.reading`."""
        from rnn_apps.tasks.music.reading import read_pieces

        for path in paths:
            yield from read_pieces(path)

    def splits(self, paths: Sequence[Path]) -> Sequence[str]:
        """Returns the parts of one .mat or .json."""
        from rnn_apps.tasks.music.reading import splits

        return splits(paths[0]) if len(paths) == 1 else ()

    def read_split(self, paths: Sequence[Path], split: str) -> Iterator[Piece]:
        """Streams one of them."""
        from rnn_apps.tasks.music.reading import read_split

        return read_split(paths[0], split)

    def fit_processor(self, examples: Iterable[Piece], config: TaskConfig) -> MusicProcessor:
        """Learns grid, tempo and metre."""
        assert isinstance(config, MusicConfig)
        per_layer = 2 if config.model.cell == "lstm" else 1
        sizes = {f"{INITIAL}{n}": config.model.units for n in range(per_layer * config.model.layers)}
        return MusicProcessor.fit(examples, config.data.transposition, sizes)

    def build_model(self, config: TaskConfig, processor: Processor) -> Any:
        """Returns the network of `model.py`."""
        from rnn_apps.tasks.music.model import build_model

        assert isinstance(config, MusicConfig)
        assert isinstance(processor, MusicProcessor)
        return build_model(config.model, processor.articulated, processor.state_sizes)

    def loss(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns the summed cross-entropy of `logits` and `targets`, and the number of tokens."""
        import tensorflow as tf

        from rnn_apps.training.losses import summed_cross_entropy

        real = batch["targets"] > 0
        return summed_cross_entropy(
            tf.boolean_mask(outputs["logits"], real), tf.boolean_mask(batch["targets"], real) - 1
        )

    def graphs(self, model: Any) -> Sequence[GraphSpec]:
        """Returns one graph for any number of steps, with the states before and behind them."""
        sizes = {name: int(tensor.shape[-1]) for name, tensor in model.input.items() if name.startswith(INITIAL)}

        def probe(batch: Arrays) -> Arrays:
            states = zero_states(sizes, len(batch["tokens"]))
            return {**batch, **{name: value + np.float32(0.1) for name, value in states.items()}}

        return [GraphSpec("model", model, probe)]

    def metrics(self, processor: Processor, calibration: Mapping[str, float]) -> MusicMetrics:
        """Returns a fresh accumulator."""
        return MusicMetrics()

    def runner(self, folder: Path) -> WindowedSession:
        """Returns what runs pieces of any length."""
        from rnn_apps.inference.session import WindowedSession

        return WindowedSession(folder / "model.onnx", MusicProcessor.load(folder).state_sizes)

    def report(self, bundle: Bundle, train: Iterable[Piece], valid: Iterable[Piece]) -> str:
        """Returns how like held-out music what it composes is, and how much of it is copied."""
        from rnn_apps.tasks.music.report import report

        return report(self.predictor(bundle), train, valid)

    def predictor(self, bundle: Bundle) -> MusicPredictor:
        """Returns what composes with the bundle's graph."""
        from rnn_apps.tasks.music.predictor import MusicPredictor

        return MusicPredictor(bundle)

    def sample(self) -> Sequence[Piece]:
        """Returns short tunes in the public domain, written out for this project."""
        from rnn_apps.tasks.music.sample import pieces

        return pieces()

    @property
    def example_inputs(self) -> Sequence[Any]:
        """Nothing given, for music from nothing, and the beginnings of two tunes."""
        from rnn_apps.tasks.music.sample import beginnings

        return (None, *beginnings("Twinkle, twinkle, little star", "Greensleeves"))

    @property
    def example_argument(self) -> str:
        """No file: music from nothing."""
        return "''"

    def parse_input(self, text: str) -> Piece | None:
        """Reads the one piece in a file, to be continued; an empty text is music from nothing."""
        from rnn_apps.tasks.music.reading import read_pieces

        if not text:
            return None
        pieces = list(read_pieces(Path(text)))
        if len(pieces) != 1:
            raise DataError(f"Expected one piece of music to continue. {text} has {len(pieces)}.")
        return pieces[0]

    def input_from_json(self, value: Any) -> Piece | None:
        """Takes a MIDI file as `{"b64": "..."}` in base64, or null for music from nothing, and never a path."""
        from rnn_apps.tasks.music.clients import piece_of

        return piece_of(value)

    def options_from_json(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Takes the predictor's options within the bounds of `rnn_apps.tasks.music.clients`."""
        from rnn_apps.tasks.music.clients import options_of

        return options_of(options)

    def input_view(self, bundle: Bundle) -> InputView:
        """Asks for a MIDI file to continue, or nothing, and how to draw."""
        from rnn_apps.tasks.music.clients import input_view

        return input_view()

    def show(self, given: Piece | None, prediction: Music) -> str:
        """Returns the piece in characters: time to the right, a line for each pitch."""
        from rnn_apps.tasks.music.text import text_roll

        return text_roll(prediction)

    def views(self, given: Piece | None, prediction: Music) -> Sequence[View]:
        """Returns a picture, a sound and a MIDI file; of a part, the names of its notes."""
        from rnn_apps.tasks.music.views import music_views

        return music_views(prediction)
