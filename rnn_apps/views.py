"""What a task asks of a person and what it answers, described without saying how it is drawn.

`Predictor.input_view` says what a person gives, `Predictor.views` what a prediction looks like. A terminal, a page
and a plot draw the same views, so a task is seen at every door by describing itself once; nothing here knows of doors.

    Bars        how likely each of a few names is
    Spans       a text with marked parts
    Text        a text
    Table       rows and columns
    Heatmap     a weight for each pair of a row and a column, such as attention
    Lines       numbers over the steps of a sequence
    Tree        what was weighed, what was kept of it, and what was cut
    Image       a picture
    Audio       something to play
    File        something to save
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# What a person gives; `Predictor.from_json` makes the input of the predictor from it


@dataclass(frozen=True)
class TextInput:
    """A box for a text; given is the text.

    Attributes:
        label: what stands over the box.
        lines: how many lines it shows.
        live: whether to answer while the text is typed.
    """

    label: str = "Text"
    lines: int = 4
    live: bool = False


@dataclass(frozen=True)
class DrawingInput:
    """A pad to draw on; given are rows of numbers from 0 to `full_ink`, of the size `shape`.

    What is drawn is cut out, scaled to the height without `margin`, and centred.

    Attributes:
        shape: (height, width) of the image, in pixels.
        full_ink: the value of a pixel that is all ink.
        margin: empty pixels around what is drawn.
        label: what stands over the pad.
    """

    shape: tuple[int, int]
    full_ink: float = 1.0
    margin: int = 0
    label: str = "Drawing"


@dataclass(frozen=True)
class FileInput:
    """A file to choose; given as a client of the server sends it, `{"b64": content in base64}`, or None without one.

    Attributes:
        suffixes: kinds of files to offer, such as ".mid".
        label: what stands over the choice.
    """

    suffixes: tuple[str, ...]
    label: str = "File"


@dataclass(frozen=True)
class NumberOption:
    """A number to choose between two others.

    Attributes:
        label: what stands beside it.
        default: the number at first.
        low: the smallest, included.
        high: the greatest, included.
        step: the distance of two numbers; whole numbers are given to the predictor where it and `low` are whole.
    """

    label: str
    default: float
    low: float
    high: float
    step: float


@dataclass(frozen=True)
class ChoiceOption:
    """One of a few words to choose.

    Attributes:
        label: what stands beside it.
        default: the word at first.
        choices: all of them.
    """

    label: str
    default: str
    choices: tuple[str, ...]


Control = NumberOption | ChoiceOption | FileInput


@dataclass(frozen=True)
class InputView:
    """What a person gives to a task.

    Attributes:
        given: where the input comes from; None where there is none, and None is given.
        action: what the button says.
    """

    given: TextInput | DrawingInput | FileInput | None = TextInput()
    action: str = "Predict"


# What a prediction looks like


@dataclass(frozen=True)
class Bars:
    """How likely each of a few names is.

    Attributes:
        probabilities: from 0 to 1 by name, in the order in which they are shown.
    """

    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Span:
    """A marked part of a text.

    Attributes:
        start: its first character.
        end: the character behind its last.
        label: what it is.
        probability: how likely that is, from 0 to 1.
    """

    start: int
    end: int
    label: str
    probability: float


@dataclass(frozen=True)
class Spans:
    """A text with marked parts, which do not overlap.

    Attributes:
        text: the whole text.
        spans: its parts, in the order of the text.
    """

    text: str
    spans: Sequence[Span]


@dataclass(frozen=True)
class Text:
    """A text; its line breaks are kept.

    Attributes:
        text: what is shown.
        title: what stands over it.
    """

    text: str
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Rows and columns.

    Attributes:
        columns: the names of the columns.
        rows: a text or a number for each column.
        title: what stands over it.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]
    title: str = ""


@dataclass(frozen=True)
class Heatmap:
    """A weight for each pair of a row and a column.

    Attributes:
        weights: (rows, columns), from 0 to 1.
        rows: what stands beside the rows.
        columns: what stands over the columns.
        title: what stands over all.
    """

    weights: npt.NDArray[np.floating[Any]]
    rows: Sequence[str]
    columns: Sequence[str]
    title: str = ""


@dataclass(frozen=True)
class Lines:
    """Numbers over the steps of a sequence.

    Attributes:
        series: a number for each step, (steps,), by name.
        steps: what stands below the steps.
        title: what stands over all.
        logarithmic: whether a step up means a factor.
    """

    series: Mapping[str, npt.NDArray[np.floating[Any]]]
    steps: Sequence[str]
    title: str = ""
    logarithmic: bool = False


@dataclass(frozen=True)
class Branch:
    """A place in a tree.

    Attributes:
        parent: the number of the branch it grows from, -1 for the root.
        label: what it is.
        value: by which it is compared.
        kept: whether it was gone on with.
        best: whether it leads to the answer.
    """

    parent: int
    label: str
    value: float
    kept: bool
    best: bool


@dataclass(frozen=True)
class Tree:
    """What was weighed on the way to an answer.

    Attributes:
        branches: parents before what grows from them.
        title: what stands over it.
    """

    branches: Sequence[Branch]
    title: str = ""


@dataclass(frozen=True)
class Image:
    """A picture.

    Attributes:
        png: the content of a PNG file.
        description: what it shows, for those who cannot see it.
    """

    png: bytes
    description: str


@dataclass(frozen=True)
class Audio:
    """Something to play.

    Attributes:
        wav: the content of a WAV file.
        description: what it is.
    """

    wav: bytes
    description: str


@dataclass(frozen=True)
class File:
    """Something to save.

    Attributes:
        name: the name that it is offered under.
        content: what is in it.
        media_type: its kind, such as "audio/midi".
    """

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


View = Bars | Spans | Text | Table | Heatmap | Lines | Tree | Image | Audio | File
