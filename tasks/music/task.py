"""Music, one-to-many: what it reads and how it is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnn_apps.bundle import Bundle
from rnn_apps.data.readers.columns import AS_SEEN, Columns
from rnn_apps.errors import ConfigError
from rnn_apps.inference.session import WindowedSession
from rnn_apps.task import Shape, Task
from rnn_apps.tasks.music import sample
from rnn_apps.tasks.music.metrics import MusicMetrics
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.scores import reading
from rnn_apps.tasks.music.scores.piece import SIXTEENTHS, Piece

if TYPE_CHECKING:
    from rnn_apps.tasks.music.config import MusicConfig  # noqa: F401 (the base names it)


class MusicTask(Task["MusicConfig", MusicProcessor]):
    """Models polyphonic music.

    Args:
        grid: frames in a quarter note that MIDI and ABC are put on.
    """

    name = "music"
    summary = "compose, continue or harmonise music, and tell how likely a piece is"
    shape = Shape.ONE_TO_MANY
    monitor = "nll"
    monitor_mode = "min"
    config = "rnn_apps.tasks.music.config:MusicConfig"
    processor = MusicProcessor
    network = "rnn_apps.tasks.music.network:MusicNetwork"
    predictor = "rnn_apps.tasks.music.predictor:MusicPredictor"
    reads_folders = True

    def __init__(self, grid: int = SIXTEENTHS) -> None:
        self.grid = grid

    def adapted(self, settings: Mapping[str, Any]) -> MusicTask:
        """Returns the task on the grid of the settings."""
        return MusicTask(settings.get("data", {}).get("frames_per_quarter", SIXTEENTHS))

    def read(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[Piece]:
        """Streams the pieces of folders, archives and files; see `rnn_apps.tasks.music.scores.reading`."""
        for path in paths:
            yield from reading.read_pieces(path, self.grid)

    def splits(self, paths: Sequence[Path]) -> Sequence[str]:
        """Returns the parts of one .mat or .json."""
        parts = reading.splits(paths[0]) if len(paths) == 1 else ()
        if parts and self.grid != SIXTEENTHS:
            raise ConfigError(
                f"{paths[0]} has a grid of its own: with data.frames_per_quarter={self.grid} only MIDI and ABC are "
                "read."
            )
        return parts

    def read_split(self, paths: Sequence[Path], split: str) -> Iterator[Piece]:
        """Streams one of them."""
        return reading.read_split(paths[0], split)

    def sample(self) -> Sequence[Piece]:
        """Returns short tunes in the public domain, written out for this project."""
        return [piece.on_grid(self.grid) for piece in sample.pieces()]

    def metrics(self, processor: MusicProcessor, calibration: Mapping[str, float]) -> MusicMetrics:
        """Returns a fresh accumulator."""
        return MusicMetrics()

    def runner(self, folder: Path) -> WindowedSession:
        """Returns what runs pieces of any length."""
        return WindowedSession(folder / "model.onnx", MusicProcessor.load(folder).state_sizes)

    def report(self, bundle: Bundle, train: Iterable[Piece], valid: Iterable[Piece]) -> str:
        """Returns how like held-out music what it composes is, and how much of it is copied."""
        from rnn_apps.tasks.music.predictor import MusicPredictor
        from rnn_apps.tasks.music.report.report import report

        return report(MusicPredictor(bundle), train, valid)
