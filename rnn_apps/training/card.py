"""What a saved model says of itself: the model card, written from the facts in bundle.json, and the history."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnn_apps.task import Shape, Task
from rnn_apps.training.checkpoint import Row

_HEADINGS = {"loss": "loss (nats)", "ece": "expected calibration error"}


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
        f"Measured on {data['validation']} ({data['validation_examples']:,} examples that were not trained on). "
        "They also decided when to stop and, where probabilities are calibrated, the temperature, so expect a little "
        "less on new data.",
        _table(["metric", "value"], [[_HEADINGS.get(n, n), f"{v:.4f}"] for n, v in facts["metrics"].items()]),
        *(["![reliability of the probabilities](reliability.png)"] if reliability else []),
        *([facts["report"]] if facts.get("report") else []),
        "## Data",
        _bullets(
            {
                "trained on": f"{data['dataset']} ({data['training_examples']:,} examples)",
                "pretrained on": data["unlabelled"]
                and f"{data['unlabelled']} and the training texts, as a language model",
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
        _table(["setting", "value"], [[f"`{path}`", f"`{value}`"] for path, value in _flat(facts["config"])]),
    ]
    return "\n\n".join(parts) + "\n"


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


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in config.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(prefix + name, value)]
    return rows
