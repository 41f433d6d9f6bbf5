"""The course of `rnnapps learn`: seven pages, each of which shows what was measured when it was made."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import numpy as np

from rnn_apps.bundle import model_folders
from rnn_apps.course import experiments
from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import ConfigError
from rnn_apps.inspection import inspect
from rnn_apps.inspection.page import html_page, page_facts
from rnn_apps.layers import CELLS
from rnn_apps.model import Model, load
from rnn_apps.progress import Reporter

LANGUAGES = ("en", "zh")
SCRIPTS = ("d3.min.js", "plot.umd.min.js", "common.js", "course.js")
_SHAPES = {
    "one-to-one": "digits",
    "one-to-many": "music",
    "many-to-one": "sentiment",
    "many-to-many, aligned": "ner",
    "many-to-many, unaligned": "translation",
}
_SENTENCES = (
    "The film was not good at all, but I loved the ending.",
    "Slow, dull and far too long.",
    "A quiet film that stays with you long after the credits.",
)


def make_course(language: str, reporter: Reporter) -> str:
    """Runs the experiments and returns the course as a page that works offline.

    Args:
        language: one of `LANGUAGES`.
        reporter: what shows the progress.

    Raises:
        ConfigError: for another language.
        MissingExtraError: without the extra "train".
    """
    text = course_text(language)
    start_tensorflow("The course")
    began = time.monotonic()
    jobs = {
        "shapes": _shapes,
        "tiny": _tiny,
        "vanishing": _vanishing,
        "clipping": _clipping,
        "gates": _gates,
        "depth": _depth,
    }
    measured: dict[str, Any] = {}
    for name, job in reporter.track(jobs.items(), text["title"], len(jobs)):
        measured[name] = job()
    seen = measured.pop("gates")  # what the pictures of gates read
    facts = {"text": text, "measured": measured, "seconds": round(time.monotonic() - began), **seen}
    return html_page(text["title"], facts, SCRIPTS, language)


def course_text(language: str) -> dict[str, Any]:
    """Returns the words of the course.

    Raises:
        ConfigError: for a language that it is not written in.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"Expected the language to be one of {', '.join(LANGUAGES)}. Received: {language}")
    content = (files("rnn_apps.course") / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(content)


def _shapes() -> list[dict[str, Any]]:
    """What a shipped model of each shape reads and says, and how long it takes."""
    return list(_examples())


def _examples() -> Iterator[dict[str, Any]]:
    shipped = model_folders()
    for shape, name in _SHAPES.items():
        if name not in shipped:
            continue
        model = load(name)
        given = model.predictor.examples[0]
        options = {"seconds": 4.0} if name == "music" else {}
        model.predict([given], **options)
        started = time.perf_counter()
        (prediction,) = model.predict([given], **options)
        seconds = time.perf_counter() - started
        yield {"shape": shape, "model": name, "ms": round(1000 * seconds, 1), **_summary(model, given, prediction)}


def _summary(model: Model, given: Any, prediction: Any) -> dict[str, Any]:
    """Input, output, and how many steps each has."""
    match model.task.name:
        case "digits":
            image = np.asarray(given, float)
            return {"image": (image / image.max()).round(2).tolist(), "output": prediction.label, "Tx": 1, "Ty": 1}
        case "music":
            notes = [[note.pitch, note.start, note.duration] for note in prediction.notes]
            return {"notes": notes, "output": f"{len(notes)} notes", "Tx": 1, "Ty": len(notes)}
        case "sentiment":
            steps = model.predictor.cases(given)[0].axes[0].length
            return {"input": given, "output": f"{prediction.label} {prediction.probability:.0%}", "Tx": steps, "Ty": 1}
        case "ner":
            pairs = list(zip(prediction.tokens, prediction.tags, strict=True))
            return {"pairs": pairs, "output": "", "Tx": len(pairs), "Ty": len(pairs)}
        case _:
            (source, target) = model.predictor.cases(given)[0].axes
            return {"input": given, "output": prediction.translation, "Tx": source.length, "Ty": target.length}


def _tiny() -> dict[str, Any]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in experiments.tiny_network()._asdict().items()
    }


def _vanishing() -> dict[str, Any]:
    return {
        "radii": experiments.RADII,
        "gradient": {
            cell: [experiments.gradient_by_distance(cell, radius) for radius in experiments.RADII] for cell in CELLS
        },
        "distances": experiments.DISTANCES,
        "updates": experiments.UPDATES,
        "chance": 1 / experiments.SYMBOLS,
        "accuracy": {
            cell: [experiments.accuracy_at(cell, distance) for distance in experiments.DISTANCES] for cell in CELLS
        },
    }


def _clipping() -> dict[str, Any]:
    return {
        "thresholds": experiments.KINDS,
        "distance": experiments.EXPLODING_DISTANCE,
        "runs": {kind: experiments.exploding_run(kind)._asdict() for kind in experiments.KINDS},
    }


def _gates() -> dict[str, Any]:
    """A sentence, and what the gates of a model do on it."""
    if "sentiment" not in model_folders():
        return {}
    return page_facts(inspect(load("sentiment"), list(_SENTENCES), ["gates"]))


def _depth() -> dict[str, float]:
    return {kind: experiments.tagging_accuracy(kind) for kind in ("forward", "bidirectional", "deep")}
