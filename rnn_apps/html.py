"""The views of a prediction as HTML, without anything that a page would have to fetch.

The server's page shows them, and a notebook; they take the colours of the page that they stand in.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

import numpy as np

from rnn_apps.views import Audio, Bars, File, Heatmap, Image, Lines, Spans, Table, Text, Tree, View

VIEW_STYLE = """
.views { --color-accent: var(--primary-500, #ea580c); display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
.views h3 { margin: 0; font-size: 1rem; }
.views p { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; font-size: 1.1rem; line-height: 2; }
.views .bar { display: grid; grid-template-columns: minmax(4rem, 25%) 1fr 3.5rem; gap: .6rem; align-items: center; }
.views .bar + .bar { margin-top: .4rem; }
.views .bar.likely { font-weight: 600; }
.views .name { overflow-wrap: anywhere; }
.views .track { background: color-mix(in srgb, currentcolor 12%, transparent); border-radius: 4px; height: .9rem; }
.views .ink { background: var(--color-accent); border-radius: 4px; display: block; height: 100%; min-width: 1px; }
.views .number { text-align: right; font-variant-numeric: tabular-nums; }
.views mark { background: hsl(var(--hue) 75% 50% / .25); color: inherit; border-radius: 4px; padding: .15rem .3rem;
  border-bottom: 2px solid hsl(var(--hue) 75% 45%); }
.views mark small { margin-left: .4rem; font-size: .75rem; font-weight: 600; white-space: nowrap; opacity: .85; }
.views .scroll { overflow-x: auto; }
.views table { border-collapse: collapse; }
.views th, .views td { padding: .25rem .5rem; text-align: left; }
.views th { font-weight: 600; }
.views section:has(.heat) { content-visibility: auto; contain-intrinsic-height: auto 20rem; }
.views .heat td { --share: 0%; padding: 0; width: 1.8rem; height: 1.8rem; border: 1px solid transparent;
  background-clip: padding-box; background-color: color-mix(in srgb, var(--color-accent) var(--share), transparent); }
.views .heat thead th { writing-mode: vertical-rl; transform: rotate(180deg); }
.views .heat th { border: 0; }
.views .heat tbody th { text-align: right; }
.views .lines svg { width: 100%; max-height: 14rem; }
.views .lines polyline { fill: none; stroke: hsl(var(--hue) 70% 50%); stroke-width: 2; }
.views .lines ul { margin: .3rem 0; padding-left: 1rem; font-size: .9rem; }
.views .lines li::marker { color: hsl(var(--hue) 70% 50%); content: "■ "; }
.views .branch { border-left: 1px solid color-mix(in srgb, currentcolor 25%, transparent); margin-left: .7rem;
  padding-left: .4rem; white-space: nowrap; line-height: 1.4; }
.views .branch.best { border-color: var(--color-accent); font-weight: 600; }
.views .branch.kept { font-weight: normal; }
.views .branch.cut { opacity: .5; font-weight: normal; }
.views img { max-width: 100%; image-rendering: pixelated; }
.views audio { width: 100%; }
.views .file { text-decoration: underline; }
.views .given { border-left: 3px solid var(--color-accent); line-height: 1.5; padding-left: .6rem; }
.views .error { border-left: 4px solid #dc2626; padding: .5rem 1rem; line-height: 1.5; }
"""


_SEEN = 0.005  # of a weight, which is at most 1
_LINES_WIDE, _LINES_HIGH, _LEAST = 600, 140, 1e-12


def page_views(views: Sequence[View]) -> str:
    """Returns the HTML of a prediction."""
    return f'<div class="views">{"".join(map(_view, views))}</div>'


def notebook_page(answered: Sequence[tuple[str, Sequence[View]]]) -> str:
    """Returns the HTML of several predictions, each below its input, for a page that knows none of the style."""
    parts = (
        f'<p class="given">{escape(given)}</p>{page_views(views)}' if given else page_views(views)
        for given, views in answered
    )
    return f'<style>{VIEW_STYLE}</style><div class="views">{"".join(parts)}</div>'


def notebook_table(title: str, facts: Mapping[str, str]) -> str:
    """Returns the HTML of a few facts, one a line, for a page that knows none of the style."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(fact)}</td></tr>' for name, fact in facts.items()
    )
    return f'<style>{VIEW_STYLE}</style><div class="views"><h3>{escape(title)}</h3><table>{rows}</table></div>'


def page_error(message: str) -> str:
    """Returns the HTML of what went wrong, read out at once."""
    return f'<div class="views"><p class="error" role="alert">{escape(message)}</p></div>'


def escape(text: str) -> str:
    """Returns a text as HTML that shows it; lone surrogates, which no page can hold, become question marks."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


def _view(view: View) -> str:
    match view:
        case Bars():
            return _bars(view)
        case Spans():
            return _spans(view)
        case Text():
            return f"<section>{_title(view.title)}<p>{escape(view.text)}</p></section>"
        case Table():
            return _table(view)
        case Heatmap():
            return _heatmap(view)
        case Lines():
            return _lines(view)
        case Tree():
            return _tree(view)
        case Image():
            return f'<img src="{_data_uri("image/png", view.png)}" alt="{escape(view.description)}">'
        case Audio():
            source = _data_uri("audio/wav", view.wav)
            return f'<audio controls src="{source}" aria-label="{escape(view.description)}"></audio>'
        case File():
            source, name = _data_uri(view.media_type, view.content), escape(view.name)
            return f'<a class="file" href="{source}" download="{name}">Save {name} ({_size(view.content)})</a>'


def _bars(view: Bars) -> str:
    most = max(view.probabilities.values(), default=0.0)
    bars = []
    for name, probability in view.probabilities.items():
        kind = "bar likely" if probability == most else "bar"
        bars.append(
            f'<div class="{kind}" role="listitem"><span class="name">{escape(name)}</span>'
            f'<span class="track"><span class="ink" style="width: {probability:.2%}"></span></span>'
            f'<span class="number">{probability:.1%}</span></div>'
        )
    return f'<section role="list" aria-label="Probabilities">{"".join(bars)}</section>'


def _spans(view: Spans) -> str:
    labels = sorted({span.label for span in view.spans})
    hues = {label: round(200 + 137.5 * number) % 360 for number, label in enumerate(labels)}
    parts, end = [], 0
    for span in view.spans:
        parts.append(escape(view.text[end : span.start]))
        parts.append(
            f'<mark style="--hue: {hues[span.label]}">{escape(view.text[span.start : span.end])}'
            f"<small>{escape(span.label)} {span.probability:.0%}</small></mark>"
        )
        end = span.end
    return f"<p>{''.join(parts)}{escape(view.text[end:])}</p>"


def _table(view: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in view.columns)
    rows = ("".join(f"<td>{_cell(cell)}</td>" for cell in row) for row in view.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return _scrolled(view.title, f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _heatmap(view: Heatmap) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in view.columns)
    weights = np.asarray(view.weights, float).clip(0.0, 1.0).tolist()
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>' + "".join(map(_weight, row)) + "</tr>"
        for name, row in zip(view.rows, weights, strict=True)
    )
    return _scrolled(
        view.title, f'<table class="heat"><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _lines(view: Lines) -> str:
    """Lines as a drawing of their own, each with its name and its greatest number."""
    drawn, names = [], []
    for number, (name, values) in enumerate(view.series.items()):
        heights = np.log10(np.maximum(values, _LEAST)) if view.logarithmic else np.asarray(values, float)
        low, high = float(heights.min()), float(heights.max())
        shares = (heights - low) / (high - low) if high > low else np.full(len(heights), 0.5)
        across = np.linspace(0, _LINES_WIDE, len(shares)) if len(shares) > 1 else np.array([0.0])
        down = (1 - shares) * _LINES_HIGH
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
        hue = round(200 + 137.5 * number) % 360
        drawn.append(f'<polyline points="{points}" style="--hue: {hue}"/>')
        names.append(
            f'<li style="--hue: {hue}">{escape(name)}: {_cell(float(np.min(values)))} … '
            f"{_cell(float(np.max(values)))}</li>"
        )
    ends = f"{escape(view.steps[0])} … {escape(view.steps[-1])}" if view.steps else ""
    how = ", each in its own range" + (", logarithmic" if view.logarithmic else "")
    return (
        f'<section class="lines">{_title(view.title)}<svg viewBox="-4 -4 {_LINES_WIDE + 8} {_LINES_HIGH + 8}" '
        f'role="img" aria-label="{escape(view.title)}">{"".join(drawn)}</svg><small>{ends}{how}</small>'
        f"<ul>{''.join(names)}</ul></section>"
    )


def _tree(view: Tree) -> str:
    """A tree as a list of lists; what was cut is faint."""
    children: dict[int, list[int]] = {}
    for number, branch in enumerate(view.branches):
        children.setdefault(branch.parent, []).append(number)
    parts: list[str] = []
    waiting: list[int | str] = list(reversed(children.get(-1, [])))
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parts.append(item)
            continue
        branch = view.branches[item]
        kind = "best" if branch.best else "kept" if branch.kept else "cut"
        parts.append(f'<div class="branch {kind}">{escape(branch.label)} <small>{branch.value:.2f}</small>')
        waiting.append("</div>")
        waiting += reversed(children.get(item, []))
    return _scrolled(view.title, f'<div class="tree">{"".join(parts)}</div>')


def _weight(weight: float) -> str:
    """One of the cells of a heat map; most are empty, and a long text has a hundred thousand."""
    return f'<td style="--share:{weight:.0%}" title="{weight:.3f}"></td>' if weight >= _SEEN else "<td></td>"


def _scrolled(title: str, table: str) -> str:
    """Lets a wide table be scrolled, with the keyboard too."""
    return f'<section>{_title(title)}<div class="scroll" tabindex="0">{table}</div></section>'


def _title(title: str) -> str:
    return f"<h3>{escape(title)}</h3>" if title else ""


def _cell(value: str | int | float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else escape(str(value))


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{escape(media_type)};base64,{base64.b64encode(content).decode()}"


def _size(content: bytes) -> str:
    return f"{len(content):,} bytes" if len(content) < 1000 else f"{len(content) / 1000:,.0f} kB"
