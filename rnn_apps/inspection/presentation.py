"""What was seen of a model, as views that a terminal, a page, a notebook and a picture can draw."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.inspection.contributions import Contributions
from rnn_apps.inspection.gates import NAMES, SIGNS, LayerGates
from rnn_apps.inspection.gradient import LayerGradient
from rnn_apps.inspection.records import TrainingRecords
from rnn_apps.views import Heatmap, Lines, Table, Text, View

MOST_STEPS = 60
"""Longer sequences are shown in windows of several steps, by their means."""

_MOST_SCORES = 5
_STRONGEST = 12


def gate_views(layer: LayerGates) -> list[View]:
    """Returns the means of a layer's gates over its units, and where its memory is kept."""
    steps, parts = windows(layer.axis.steps)
    rows = [name for name in SIGNS if name in layer.values]
    means = [np.abs(layer.values[name]).mean(axis=1) for name in rows]
    weights = np.stack([averaged(mean, parts) for mean in means])
    names = [SIGNS[name] if name not in ("candidate", "cell", "hidden") else f"|{SIGNS[name]}|" for name in rows]
    title = f"{NAMES[layer.cell]}, {layer.name}: mean over {layer.units} units"
    found: list[View] = [Heatmap(np.clip(weights, 0.0, 1.0), names, steps, title)]
    if layer.time_constants is not None:
        found.append(Text(memory(layer.time_constants), "Memory"))
    return found


def memory(time_constants: Array) -> str:
    """Returns in a line how long the units of a layer remember."""
    half, longest = float(np.median(time_constants)), int(np.argmax(time_constants))
    tenth = float(np.quantile(time_constants, 0.9))
    return (
        f"half of the units have forgotten (to 1/e) after {half:.1f} steps, nine of ten after {tenth:.1f}; "
        f"the longest, unit {longest + 1}, after {time_constants[longest]:.0f}"
    )


def gradient_views(layers: Sequence[LayerGradient]) -> list[View]:
    """Returns the norm of the gradient at each step, and how far it reaches."""
    found: list[View] = []
    for axis in dict.fromkeys(layer.axis for layer in layers):
        own = [layer for layer in layers if layer.axis == axis]
        steps, parts = windows(axis.steps)
        series = {layer.name: averaged(layer.norms, parts) for layer in own}
        found.append(Lines(series, steps, "|∂loss/∂a<t>|, the gradient through time", logarithmic=True))
        rows = [(layer.name, reach(layer)) for layer in own]
        found.append(Table(("layer", "the gradient has fallen to 1 % after"), rows, "How far the gradient reaches"))
    return found


def reach(layer: LayerGradient) -> str:
    """Returns how far a gradient reaches, in words."""
    if layer.reach is None:
        return f"more than the {layer.axis.length} steps there are"
    return f"{layer.reach} step" + ("s" if layer.reach > 1 else "")


def contribution_views(contributions: Contributions) -> list[View]:
    """Returns what each step contributes to the first scores, by name and number."""
    found: list[View] = []
    for place, axis in enumerate(contributions.axes):
        values = contributions.values[place]
        count = min(len(contributions.scores), _MOST_SCORES)
        for number in np.linspace(0, len(contributions.scores) - 1, count).astype(int).tolist() if count else []:
            own, score = values[number], contributions.scores[number]
            strongest = np.sort(np.argsort(-np.abs(own), kind="stable")[:_STRONGEST])
            rows = [
                (axis.steps[step].strip() or "␣", float(own[step]), _signed_bar(own[step], own)) for step in strongest
            ]
            title = f"Why {score.label}? {contributions.method}, over the {axis.name}"
            if contributions.errors is not None:
                whole = contributions.totals[number]
                title += f" (sum {whole:.3f}, missed by {contributions.errors[number]:.1g})"
            found.append(Table(("step", "contribution", ""), rows, title))
    return found


def _signed_bar(value: float, all_values: Array) -> str:
    length = round(20 * abs(value) / max(float(np.abs(all_values).max()), 1e-12))
    return ("+" if value >= 0 else "-") * length


def training_views(records: TrainingRecords) -> list[View]:
    """Returns the gradient norms, clipping and updates over the steps, and what the gates did."""
    _, parts = windows([str(step) for step in records.steps.tolist()])
    steps = [str(int(records.steps[part.start])) for part in parts]

    def lines(values: Array, title: str) -> Lines:
        series = {name: averaged(values[:, place], parts) for place, name in enumerate(records.layers)}
        return Lines(series, steps, title, logarithmic=True)

    found: list[View] = [
        lines(records.before, "Gradient norm before clipping, by layer"),
        lines(records.after, "Gradient norm after clipping, by layer"),
        Lines({"clipped": averaged(records.clipped, parts)}, steps, "Share of steps that were clipped"),
        lines(records.update_ratio, "|update| / |weights|, by layer"),
    ]
    if len(records.epochs):
        gates = [(name, f"{share:.1%}") for name, share in zip(records.gates, records.saturated[-1], strict=True)]
        units = [(name, f"{share:.1%}") for name, share in zip(records.states, records.dead[-1], strict=True)]
        found += [
            Table(("gate", "below 0.1 or above 0.9"), gates, "Saturation of gates at the end"),
            Table(("layer", "units that do not move"), units, "Dead units at the end"),
        ]
    return found


def windows(steps: Sequence[str], most: int = MOST_STEPS) -> tuple[list[str], list[range]]:
    """Returns names and ranges of steps: each step by itself, or at most `most` windows of several."""
    width = math.ceil(len(steps) / most)
    ranges = [range(start, min(start + width, len(steps))) for start in range(0, len(steps), max(width, 1))]
    if width <= 1:
        return [step.strip() or "␣" for step in steps], ranges
    return [f"{part.start + 1}–{part.stop} {steps[part.start].strip()}" for part in ranges], ranges


def averaged(values: Array, parts: Sequence[range]) -> Array:
    """Returns the mean of each window."""
    return np.array([float(np.mean(values[part.start : part.stop])) for part in parts])
