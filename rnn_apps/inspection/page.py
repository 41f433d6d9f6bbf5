"""What was seen of a model as one HTML file that works offline, and as JSON.

The page draws with Observable Plot and D3 (both under the ISC licence), whose scripts stand in it: about half a
megabyte. Heat maps travel with a byte for each cell; those of a long input are averaged over windows of steps, so that
a page stays below 5 MB.
"""

from __future__ import annotations

import base64
import json
import math
from importlib.resources import files
from typing import Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.html import escape
from rnn_apps.inspection.contributions import Contributions
from rnn_apps.inspection.gates import LEGEND, NAMES, SIGNS, LayerGates
from rnn_apps.inspection.presentation import memory, reach, windows
from rnn_apps.inspection.records import TrainingRecords
from rnn_apps.inspection.results import Inspection, Look
from rnn_apps.views import Heatmap, Tree, View

MOST_BYTES = 2_200_000
"""Of all heat maps of a page."""

_MOST_SCORES = 60
_SCRIPTS = ("d3.min.js", "plot.umd.min.js", "common.js", "page.js")
_SIGN_NAMES = {
    "update": "Γu, update gate",
    "relevance": "Γr, relevance (reset) gate",
    "forget": "Γf, forget gate",
    "output": "Γo, output gate",
    "candidate": "c̃<t>, candidate",
    "cell": "c<t>, cell state",
    "hidden": "a<t>, hidden state",
}


def inspection_page(inspection: Inspection) -> str:
    """Returns the page."""
    return html_page(f"Inside {inspection.model}", page_facts(inspection), _SCRIPTS)


def html_page(title: str, facts: dict[str, Any], scripts: tuple[str, ...], language: str = "en") -> str:
    """Returns a page with data for its scripts, all of it inside.

    Args:
        title: of the page.
        facts: what the scripts read.
        scripts: names of files beside this one.
        language: of the page.
    """
    folder = files("rnn_apps.inspection") / "page_files"
    style = (folder / "page.css").read_text(encoding="utf-8")
    code = "".join(f"<script>{(folder / name).read_text(encoding='utf-8')}</script>\n" for name in scripts)
    licences = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    data = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<!doctype html>\n<html lang="{language}">\n<!--\n{licences}-->\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>{style}</style>\n<main id="root"></main>\n'
        f'<script id="data" type="application/json">{data}</script>\n{code}</html>\n'
    )


def as_json(inspection: Inspection) -> str:
    """Returns all that was seen as a JSON document, every number of it."""
    facts = {
        "model": inspection.model,
        "task": inspection.task,
        "inputs": [_look_json(look) for look in inspection.looks],
        "training": inspection.training and _training(inspection.training),
        "remarks": inspection.remarks,
    }
    return json.dumps(facts, ensure_ascii=False) + "\n"


def _look_json(look: Look) -> dict[str, Any]:
    return {
        "input": look.case.title,
        "answer": look.case.answer,
        "steps": {axis.name: axis.steps for axis in look.case.axes},
        "gates": [
            {
                "layer": layer.name,
                "cell": layer.cell,
                "backward": layer.backward,
                "steps": layer.axis.name,
                "values": {name: _rounded(value) for name, value in layer.values.items()},
                "time_constants": None if layer.time_constants is None else _rounded(layer.time_constants),
            }
            for layer in look.gates
        ],
        "gradient": [
            {
                "layer": layer.name,
                "backward": layer.backward,
                "steps": layer.axis.name,
                "norms": _rounded(layer.norms, 12),
                "reach": layer.reach,
                "loss": layer.loss,
            }
            for layer in look.gradient
        ],
        "contributions": [
            {**_contributions(own, look, len(own.scores)), "axes": [axis.name for axis in own.axes]}
            for own in look.contributions
        ],
        "decoding": [shown for view in look.decoding if (shown := _decoding(view))],
    }


def page_facts(inspection: Inspection) -> dict[str, Any]:
    """Returns what the scripts of a page read."""
    cells = sum(
        layer.axis.length * layer.units * len(layer.values) for look in inspection.looks for layer in look.gates
    )
    window = max(math.ceil(cells / MOST_BYTES), 1)
    return {
        "model": inspection.model,
        "task": inspection.task,
        "signs": list(SIGNS.values()),
        "sign_names": {SIGNS[name]: text for name, text in _SIGN_NAMES.items()},
        "looks": [_look(look, window) for look in inspection.looks],
        "training": inspection.training and _training(inspection.training),
        "remarks": inspection.remarks,
    }


def _look(look: Look, window: int) -> dict[str, Any]:
    axes = list(look.case.axes)
    return {
        "title": look.case.title,
        "answer": look.case.answer,
        "axes": [
            {"name": axis.name, "steps": axis.steps, "joined": any(step.startswith(" ") for step in axis.steps)}
            for axis in axes
        ],
        "gates": [_gates(layer, axes.index(layer.axis), window) for layer in look.gates],
        "gradient": [
            {
                "name": layer.name,
                "axis": axes.index(layer.axis),
                "norms": [float(f"{norm:.4g}") for norm in layer.norms],
                "reach": reach(layer),
                "loss": layer.loss,
            }
            for layer in look.gradient
        ],
        "contributions": [
            {**_contributions(own, look, _MOST_SCORES), "axes": [axes.index(axis) for axis in own.axes]}
            for own in look.contributions
        ],
        "decoding": [shown for view in look.decoding if (shown := _decoding(view))],
    }


def _gates(layer: LayerGates, axis: int, window: int) -> dict[str, Any]:
    parts = windows(layer.axis.steps, math.ceil(layer.axis.length / window))[1]
    return {
        "name": layer.name,
        "kind": NAMES[layer.cell],
        "axis": axis,
        "units": layer.units,
        "window": len(parts[0]) if parts else 1,
        "equations": [*layer.equations, LEGEND],
        "values": {SIGNS[name]: _image(value, parts) for name, value in layer.values.items()},
        "means": {SIGNS[name]: _rounded(_mean(name, value), 4) for name, value in layer.values.items()},
        "orders": layer.orders(),
        "time_constants": None if layer.time_constants is None else _rounded(layer.time_constants, 2),
        "memory": "" if layer.time_constants is None else memory(layer.time_constants),
    }


def _mean(name: str, values: Array) -> Array:
    """The mean over units; of what can be negative, of its size."""
    return np.asarray((np.abs(values) if name in ("candidate", "cell", "hidden") else values).mean(axis=1))


def _image(values: Array, parts: list[range]) -> dict[str, Any]:
    """A byte for each cell, step by step."""
    means = np.stack([values[part.start : part.stop].mean(axis=0) for part in parts])
    low, high = min(float(means.min()), 0.0), max(float(means.max()), 1e-6)
    numbers = np.rint((means - low) / (high - low) * 255).astype(np.uint8)
    return {"low": round(low, 5), "high": round(high, 5), "bytes": base64.b64encode(numbers.tobytes()).decode()}


def _contributions(own: Contributions, look: Look, most: int) -> dict[str, Any]:
    count = len(own.scores)
    chosen = np.linspace(0, count - 1, min(count, most)).astype(int) if count else np.zeros(0, int)
    return {
        "method": own.method,
        "scores": [own.scores[number].label for number in chosen],
        "values": [_rounded(values[chosen], 4) for values in own.values],
        "totals": _rounded(own.totals[chosen], 5),
        "errors": None if own.errors is None else _rounded(own.errors[chosen], 8),
        "window": own.window,
    }


def _decoding(view: View) -> dict[str, Any] | None:
    if isinstance(view, Heatmap):
        weights = _rounded(np.asarray(view.weights), 3)
        return {"kind": "heatmap", "title": view.title, "rows": view.rows, "columns": view.columns, "weights": weights}
    if isinstance(view, Tree):
        branches = [
            {
                "parent": branch.parent,
                "label": branch.label,
                "value": round(branch.value, 4),
                "kept": branch.kept,
                "best": branch.best,
            }
            for branch in view.branches
        ]
        return {"kind": "tree", "title": view.title, "branches": branches}
    return None


def _training(records: TrainingRecords) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else _rounded(value, 7) for name, value in vars(records).items()
    }


def _rounded(values: Array, digits: int = 6) -> Any:
    return np.round(np.asarray(values, float), digits).tolist()
