"""What a saved model says of itself: the manifest (bundle.json), the card that is written from it, and the history."""

from __future__ import annotations

import csv
import math
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnn_apps.config import TaskConfig
from rnn_apps.task import Shape, Task
from rnn_apps.training.checkpoint import Row
from rnn_apps.training.start import before_and_after

if TYPE_CHECKING:
    from rnn_apps.evaluation import Evaluation
    from rnn_apps.training.pretraining import Pretrained

_PACKAGES = ("rnn-apps", "tensorflow", "keras", "numpy", "onnx", "onnxruntime", "tokenizers")
_HEADINGS = {"loss": "loss (nats)", "ece": "expected calibration error"}


def manifest(
    task: Task[Any, Any],
    config: TaskConfig,
    fingerprint: str,
    parameters: int,
    data: Mapping[str, Any],
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns what becomes bundle.json: everything known of a run before its model is measured.

    Args:
        task: what was trained.
        config: its settings.
        fingerprint: of everything that decides the result.
        parameters: of the model.
        data: what is known of the data.
        training: what `training_facts` returns.
    """
    return {
        "task": task.name,
        "package": type(task).__module__.partition(".")[0].replace("_", "-"),
        "fingerprint": fingerprint,
        "created": time.strftime("%Y-%m-%d"),
        "seed": config.seed,
        "config": config.model_dump(mode="json"),
        "half_precision": config.half_precision,
        "parameters": parameters,
        "data": dict(data),
        "training": dict(training),
        "versions": {package: version(package) for package in _PACKAGES},
    }


def training_facts(
    task: Task[Any, Any], rows: Sequence[Row], preparing: float, pretrained: Pretrained | None, command: str
) -> dict[str, Any]:
    """Returns what the training was like.

    Args:
        task: what was trained.
        rows: the history.
        preparing: seconds that the data took.
        pretrained: what pretraining gave, if there was any.
        command: the command that started the run.
    """
    sign = 1.0 if task.monitor_mode == "max" else -1.0
    best = max(rows, key=lambda row: (sign * row[f"val_{task.monitor}"], -row.get("val_loss", math.inf)))
    seconds = preparing + sum(row["seconds"] + row["validation_seconds"] for row in rows)
    return {
        "seconds": seconds + (pretrained.seconds if pretrained else 0.0),
        "pretraining": {"seconds": pretrained.seconds, "loss": pretrained.loss} if pretrained else {},
        "peak_memory_mb": _peak_memory_mb(),
        "machine": f"{os.cpu_count()} CPU cores ({platform.machine()})",
        "epochs": len(rows),
        "best_epoch": int(best["epoch"]),
        "command": command,
    }


def _peak_memory_mb() -> float:
    """Returns the most memory that this process has held; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _start(start: Mapping[str, Any]) -> str:
    """The model that was gone on from, and what the new one has forgotten of it."""
    told = f"the model `{start['model']}`"
    return told + (
        f"; on its own validation data ({start['old_data']}): {before_and_after(start)}" if "after" in start else ""
    )


def _measured_on(data: Mapping[str, Any]) -> str:
    told = f"{data['validation_examples']:,} examples that were not trained on"
    if seen := data.get("validation_seen"):
        told += f"; {seen:,} of them have an input that was trained on, too"
    return told


def write_card(name: str, task: Task[Any, Any], facts: Mapping[str, Any], reliability: bool = False) -> str:
    """Returns the model card as Markdown.

    Args:
        name: the model's name.
        task: the task it solves.
        facts: what goes into bundle.json.
        reliability: whether there is a diagram of how far probabilities can be trusted.
    """
    training, data = facts["training"], facts["data"]
    command = f"generate {name} --seed 1" if task.shape is Shape.ONE_TO_MANY else f"predict {name} ..."
    parts = [
        f"# {name}",
        f"A model for the task `{task.name}` ({task.shape.value}): {task.summary}",
        "## Use",
        f"```\nrnnapps {command}\nrnnapps evaluate {name} --data FILE\n```\n\n"
        f'```python\nimport rnn_apps\n\nmodel = rnn_apps.load("{name}")\nmodel.predict([...])\n```',
        "## Quality",
        f"Measured on {data['validation']} ({_measured_on(data)}). "
        "They also decided when to stop and, where answers are calibrated, how (temperature, thresholds, width of an "
        "interval), so expect a little less on new data.",
        _table(["metric", "value"], [[_HEADINGS.get(n, n), f"{v:.4f}"] for n, v in facts["metrics"].items()]),
        *(["![reliability of the probabilities](reliability.png)"] if reliability else []),
        *([f"## Where it errs\n\n{facts['errors']}"] if facts.get("errors") else []),
        *([facts["report"]] if facts.get("report") else []),
        "## Data",
        _bullets(
            {
                "trained on": f"{data['dataset']} ({data['training_examples']:,} examples)",
                "pretrained on": data["unlabelled"]
                and f"{data['unlabelled']} and the training texts, as a language model",
                "gone on from": facts.get("start") and _start(facts["start"]),
                "about": data["about"],
                "licence": data["licence"],
                "homepage": data.get("homepage"),
                "citation": data.get("citation"),
            }
        ),
        "No training example is part of this bundle.",
        "## Training",
        _bullets(
            {
                "parameters": f"{facts['parameters']:,}",
                "time": f"{training['seconds'] / 60:.1f} minutes on {training['machine']}, data preparation included",
                "pretraining": training["pretraining"]
                and f"{training['pretraining']['seconds'] / 60:.1f} minutes of these, "
                f"{training['pretraining']['loss']:.2f} nats a token on held-out texts",
                "peak memory": f"{training['peak_memory_mb']:,.0f} MB",
                "epochs": f"{training['epochs']}, the best was {training['best_epoch']}",
                "seed": str(facts["seed"]),
                "weights": "rounded to half precision" if facts["half_precision"] else "single precision",
                "command": f"`{training['command']}`" if training["command"] else "",
                "versions": ", ".join(f"{package} {version}" for package, version in facts["versions"].items()),
            }
        ),
        "![learning curves](learning_curves.png)",
        "Settings:",
        _table(["setting", "value"], [[f"`{path}`", f"`{value}`"] for path, value in _flat(_settings(facts))]),
    ]
    return "\n\n".join(parts) + "\n"


def errors_of(evaluation: Evaluation, of_all: bool) -> str:
    """Returns what the card says of the errors that a model makes, as Markdown; "" where nothing is known.

    Args:
        evaluation: of the saved model on the validation examples.
        of_all: whether on all of them.
    """
    tables = evaluation.weaknesses()
    if not tables:
        return ""
    parts = [] if of_all else [f"On the first {evaluation.examples:,} of these examples."]
    for table in tables:
        rows = [[f"{own:.3f}" if isinstance(own, float) else _cell(own) for own in row] for row in table.rows]
        parts += [f"{table.title}:", _table(table.columns, rows)]
    return "\n\n".join(parts)


def _cell(value: str | int | float) -> str:
    """A name, which may be anything, or a whole number as a cell of a table."""
    return " ".join(str(value).replace("|", "\\|").split()) if isinstance(value, str) else f"{value:,}"


def write_history(path: Path, rows: Sequence[Row]) -> None:
    """Writes one line an epoch as CSV, with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _bullets(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)


def _settings(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings that had a part in the model: those of pretraining only where there was any."""
    had_no_part = set() if facts["training"]["pretraining"] else {"pretraining"}
    return {name: value for name, value in facts["config"].items() if name not in had_no_part}


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in config.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(prefix + name, value)]
    return rows
