"""All that Matplotlib draws: heat maps with the signs of any script, learning curves, reliability."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.errors import ConfigError, MissingExtraError, OutputError
from rnn_apps.views import Heatmap, Lines, Table, Text, View

SUFFIXES = (".png", ".svg", ".pdf")

# parts of the names of font files
_OTHER_STYLES = ("bold", "italic", "oblique", "light", "thin", "black", "medium", "condensed", "mono")
_EAST_ASIAN = ("cjk", "notosanssc", "sourcehan", "wqy", "msyh", "simhei", "pingfang", "hiragino", "heiti", "arialuni")

_CELL = 0.3  # inches
_MARGIN = 1.2
_MOST_TICKS = 30
_COLOURS = 64


def check_picture(path: Path) -> None:
    """Makes sure, before long work, that `draw_heatmaps` can write to `path`.

    Raises:
        ConfigError: if it is no name of a picture.
        OutputError: if its folder does not exist.
        MissingExtraError: if what draws is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"Expected the name of a picture, {', '.join(SUFFIXES)}. Received: {path}")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {path.absolute().parent}.")
    require_matplotlib()


def require_matplotlib() -> None:
    """Makes sure that what draws is installed.

    Raises:
        MissingExtraError: if it is not.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Drawing a picture", "train") from error


def draw_heatmaps(path: Path, heatmaps: Sequence[Heatmap]) -> list[str]:
    """Draws heat maps, one below the other, into a picture.

    Args:
        path: a .png, .svg or .pdf.
        heatmaps: what is drawn, at least one.

    Returns:
        what the reader should know: that no installed font has some of the signs.

    Raises:
        ConfigError, OutputError, MissingExtraError: see `check_picture`.
    """
    check_picture(path)
    heights = [_MARGIN + _CELL * len(heatmap.rows) for heatmap in heatmaps]
    width = _MARGIN + 1.0 + _CELL * max(len(heatmap.columns) for heatmap in heatmaps)
    return _draw_stack(path, heatmaps, _draw, width, heights, dpi=130)


def draw_views(path: Path, views: Sequence[View]) -> list[str]:
    """Draws what is seen inside a model into a picture, one view below the other.

    Args:
        path: a .png, .svg or .pdf.
        views: heat maps, lines, texts, and tables of signed numbers; others are left out.

    Returns:
        what the reader should know: that no installed font has some of the signs.

    Raises:
        ConfigError, OutputError, MissingExtraError: see `check_picture`.
    """
    check_picture(path)
    drawn = [view for view in views if isinstance(view, (Heatmap, Lines, Text)) or _is_signed(view)]
    return _draw_stack(path, drawn, _draw_view, 12.0, [_height(view) for view in drawn], dpi=110)


def _draw_stack(
    path: Path,
    views: Sequence[View],
    draw: Callable[[Any, Any], None],
    width: float,
    heights: Sequence[float],
    dpi: int,
) -> list[str]:
    """Draws views one below the other, with fonts that have their signs; returns what is to be said of missing ones."""
    import matplotlib

    families, missing = choose_fonts(set("".join(_words(views))))
    with matplotlib.rc_context({"font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = _figure(figsize=(width, sum(heights)))
        axes = figure.subplots(len(views), 1, height_ratios=heights, squeeze=False)
        for axis, view in zip(axes[:, 0], views, strict=True):
            draw(axis, view)
        try:
            figure.savefig(path, dpi=dpi, bbox_inches="tight")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}.") from error
    return _told(missing)


def _is_signed(view: View) -> bool:
    """Whether a table has a name and a number in each row."""
    return isinstance(view, Table) and bool(view.rows) and all(isinstance(row[1], float) for row in view.rows)


def _height(view: View) -> float:
    """Inches."""
    match view:
        case Heatmap(rows=rows):
            return _MARGIN + 0.24 * len(rows)
        case Table(rows=rows):
            return 0.8 + 0.22 * len(rows)
        case Lines():
            return 3.2
        case _:
            return 0.45


def _words(views: Sequence[View]) -> Iterator[str]:
    for view in views:
        match view:
            case Heatmap(rows=rows, columns=columns, title=title):
                yield from (*rows, *columns, title)
            case Lines(series=series, steps=steps, title=title):
                yield from (*series, *steps, title)
            case Table(rows=rows, title=title):
                yield from (title, *(str(row[0]) for row in rows))
            case Text(text=text, title=title):
                yield from (text, title)


def _draw_view(axis: Any, view: View) -> None:
    match view:
        case Heatmap():
            axis.imshow(view.weights, cmap="viridis", vmin=0.0, vmax=1.0, aspect="auto")
            axis.set_title(view.title, loc="left", fontsize="medium")
            axis.set_yticks(range(len(view.rows)), view.rows, fontsize="small")
            axis.set_xticks(range(len(view.columns)), view.columns, rotation=60, ha="right", fontsize="small")
        case Lines():
            for name, values in view.series.items():
                axis.plot(range(len(values)), values, marker=".", label=name)
            places = np.linspace(0, len(view.steps) - 1, min(len(view.steps), _MOST_TICKS)).astype(int)
            axis.set_xticks(places, [view.steps[place] for place in places], rotation=60, ha="right", fontsize="small")
            axis.set_yscale("log" if view.logarithmic else "linear")
            axis.set_title(view.title, loc="left", fontsize="medium")
            axis.grid(alpha=0.3)
            axis.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1.0, 0.5))
        case Table(rows=rows, title=title):
            numbers = [float(row[1]) for row in rows]
            colours = ["tab:green" if number >= 0 else "tab:red" for number in numbers]
            axis.barh(range(len(rows)), numbers, color=colours)
            axis.set_yticks(range(len(rows)), [str(row[0]) for row in rows], fontsize="small")
            axis.invert_yaxis()
            axis.set_title(title, loc="left", fontsize="medium")
        case Text(text=text, title=title):
            axis.axis("off")
            axis.text(0.0, 0.5, f"{title}: {text}" if title else text, wrap=True, va="center")


def _told(missing: set[str]) -> list[str]:
    """What is said of signs that no font has."""
    if not missing:
        return []
    return [
        f"No installed font has {' '.join(sorted(missing)[:8])}: the picture shows boxes instead. Install one; for "
        "Chinese, Japanese and Korean, the package fonts-noto-cjk of Debian and Ubuntu, say."
    ]


def choose_fonts(signs: Iterable[str]) -> tuple[list[str], set[str]]:
    """Finds installed fonts that together have these signs.

    Returns:
        the families, the usual one first, and the signs that no font has.
    """
    from matplotlib import font_manager

    usual = font_manager.findfont(font_manager.FontProperties())
    missing = {sign for sign in signs if not sign.isspace()} - _signs_of(usual)
    families = [font_manager.get_font(usual).family_name]
    for path in _installed() if missing else ():
        if found := missing & _signs_of(path):
            font_manager.fontManager.addfont(path)
            families.append(font_manager.get_font(path).family_name)
            missing -= found
        if not missing:
            break
    return families, missing


def draw_learning_curves(path: Path, rows: Sequence[Mapping[str, float]], monitor: str, best_epoch: int) -> None:
    """Draws loss, the watched metric, and the gradient norm over the epochs as a PNG; the best epoch is marked.

    Args:
        path: the file to write.
        rows: the history.
        monitor: name of the metric on the validation part.
        best_epoch: its number, from 1.
    """
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in rows]
    figure = _figure(figsize=(12, 3.6))
    axes = figure.subplots(1, 3)
    panels = {
        "loss": {"training": "loss", "validation": "val_loss"},
        monitor: {"validation": f"val_{monitor}"},
        "gradient norm": {"mean before clipping": "gradient_norm"},
    }
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for label, name in lines.items():
            if name not in rows[0]:
                continue  # a task that measures no loss on the validation part
            axis.plot(epochs, [row[name] for row in rows], marker="o", markersize=4, label=label)
        axis.axvline(best_epoch, color="gray", linestyle=":", label=f"best epoch ({best_epoch})")
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(epochs) == 1:
            axis.set_xlim(epochs[0] - 1, epochs[0] + 1)
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    _save(figure, path)


def draw_reliability(path: Path | IO[bytes], confidences: Array, correct: Array, bins: int = 10) -> None:
    """Draws, as a PNG, how often answers of each probability are right, and how many answers there are of each.

    Args:
        path: the file to write, or one that is open.
        confidences: probability of each answer, (answers,).
        correct: whether it was right, (answers,).
        bins: groups of probabilities between 0 and 1.
    """
    which = np.minimum((confidences * bins).astype(int), bins - 1)
    counts = np.bincount(which, minlength=bins)
    some = counts > 0
    mean = np.bincount(which, weights=confidences, minlength=bins)[some] / counts[some]
    right = np.bincount(which, weights=correct, minlength=bins)[some] / counts[some]
    figure = _figure(figsize=(8, 3.6))
    axes = figure.subplots(1, 2)
    axes[0].plot([0, 1], [0, 1], color="gray", linestyle=":", label="perfect")
    axes[0].plot(mean, right, marker="o", label="this model")
    axes[0].set(title="reliability", xlabel="probability", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes[0].legend(fontsize="small")
    axes[1].bar((np.arange(bins) + 0.5) / bins, counts, width=0.9 / bins)
    axes[1].set(title="answers", xlabel="probability", ylabel="number", yscale="symlog", xlim=(0, 1))
    for axis in axes:
        axis.grid(alpha=0.3)
    _save(figure, path)


def draw_search(path: Path, values: Sequence[tuple[int, float]], monitor: str, mode: str) -> None:
    """Draws the value of each trial of a search, and the best so far, as a PNG.

    Args:
        path: the file to write.
        values: (number of the trial, its value).
        monitor: name of the metric.
        mode: "max" where more is better.
    """
    numbers, found = zip(*values, strict=True)
    best = (np.maximum if mode == "max" else np.minimum).accumulate(found)
    figure = _figure(figsize=(8, 3.6))
    axis = figure.subplots()
    axis.plot(numbers, found, "o", markersize=4, label="trial")
    axis.step(numbers, best, where="post", label="best so far")
    axis.set(xlabel="trial", ylabel=monitor)
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    _save(figure, path)


def draw_importance(path: Path, importance: Mapping[str, float]) -> None:
    """Draws how much each setting of a search mattered, as a PNG; the shares sum to 1."""
    names = sorted(importance, key=lambda name: importance[name])
    figure = _figure(figsize=(8, 1 + 0.35 * len(names)))
    axis = figure.subplots()
    axis.barh(names, [importance[name] for name in names])
    axis.set(xlabel="importance", xlim=(0, 1))
    axis.grid(axis="x", alpha=0.3)
    _save(figure, path)


def _figure(**how: Any) -> Any:
    """Returns a Matplotlib figure of its own: pyplot would have one for the whole program, and change its backend."""
    from matplotlib.figure import Figure

    return Figure(layout="constrained", **how)


def _save(figure: Any, path: Path | IO[bytes]) -> None:
    """Writes a figure of lines as a PNG of few colours, a third as large."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image  # Matplotlib writes its own with it

    figure.set_dpi(110)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    method = Image.Quantize.MAXCOVERAGE  # a small mark keeps its colour
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    few = drawn.quantize(_COLOURS, method=method, dither=Image.Dither.NONE)
    few.save(path, "PNG")


def _draw(axis: Any, heatmap: Heatmap) -> None:
    axis.imshow(heatmap.weights, cmap="Blues", vmin=0.0, vmax=1.0)
    axis.set_anchor("NW")
    axis.set_xticks(range(len(heatmap.columns)), heatmap.columns, rotation=60, ha="left", rotation_mode="anchor")
    axis.set_yticks(range(len(heatmap.rows)), heatmap.rows)
    axis.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, length=2)
    for label in axis.get_xticklabels():
        if len(label.get_text()) <= 1:
            label.set(rotation=0, ha="center")
    axis.set_xticks([place - 0.5 for place in range(1, len(heatmap.columns))], minor=True)
    axis.set_yticks([place - 0.5 for place in range(1, len(heatmap.rows))], minor=True)
    axis.grid(which="minor", color="white", linewidth=1)
    axis.tick_params(which="minor", length=0)
    axis.spines[:].set_visible(False)


@cache
def _installed() -> tuple[str, ...]:
    """The files of the system's fonts, the likeliest to have what is missing first.

    They are looked up anew: Matplotlib's own list is of the day on which it was first used.
    """
    from matplotlib import font_manager

    def preference(path: str) -> tuple[bool, bool, bool, str]:
        name = Path(path).stem.lower()
        return (
            any(style in name for style in _OTHER_STYLES),
            not any(known in name for known in _EAST_ASIAN),
            "sans" not in name,
            name,
        )

    return tuple(sorted(font_manager.findSystemFonts(), key=preference))


@cache
def _signs_of(path: str) -> frozenset[str]:
    from matplotlib import font_manager

    try:
        return frozenset(map(chr, font_manager.get_font(path).get_charmap()))
    except (OSError, RuntimeError):  # a file that is no font after all
        return frozenset()
