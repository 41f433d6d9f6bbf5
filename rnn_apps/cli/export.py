"""`rnnapps export MODEL`: a saved model for other programs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from rnn_apps.bundle import KERAS_MODEL, MANIFEST, SHARED_WEIGHTS, Bundle, write_bundle
from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE, column_options, take_columns
from rnn_apps.data.readers.columns import Columns
from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import ConfigError
from rnn_apps.model import Model, load
from rnn_apps.progress import Reporter
from rnn_apps.sources import file_source

# What only the full bundle has: the Keras model and the story of its training.
_TRAINING_FILES = {
    MANIFEST,
    KERAS_MODEL,
    "history.csv",
    "learning_curves.png",
    "reliability.png",
    "training.npz",
    "README.md",
}


@click.command("export")
@click.argument("model", shell_complete=completion.models)
@click.option(
    "--format",
    "target",
    type=click.Choice(["onnx", "saved_model"]),
    default="onnx",
    show_default=True,
    help="What to write.",
)
@click.option("--quantize", type=click.Choice(["int8"]), help="Store the weights of the ONNX graph in 8 bits.")
@click.option("--data", multiple=True, type=FILE, metavar="PATH", help="Measure on it what 8 bits cost.")
@column_options
@click.option("--output", type=FILE, metavar="DIR", help="Default: MODEL-FORMAT here.")
@click.option("--overwrite", is_flag=True, help="Replace an export that is there.")
def command(
    model: str,
    target: str,
    quantize: str | None,
    data: tuple[Path, ...],
    output: Path | None,
    overwrite: bool,
    **columns: Any,
) -> None:
    """Write the saved MODEL for other programs: what prediction needs, and nothing of its training.

    "onnx" is a smaller bundle that rnnapps predicts with, too; with --quantize int8 it is half as large and the
    answers change a little, which --data measures. "saved_model" adds a TensorFlow SavedModel for TensorFlow Serving.
    """
    if quantize and target != "onnx":
        raise ConfigError(f"--quantize int8 is for --format onnx. Received: --format {target}")
    if data and not quantize:
        raise ConfigError("--data measures what --quantize int8 costs. Leave it out, or add --quantize int8.")
    chosen = take_columns(columns)
    loaded = load(model)
    if target == "saved_model":
        loaded.require_keras_model()
    output = output or Path(f"{loaded.bundle.name}-{quantize or target}")
    facts = {name: value for name, value in loaded.bundle.manifest.items() if name not in ("format", "files")}
    facts["exported"] = {"from": loaded.bundle.name, "format": target, "quantize": quantize}

    def write(folder: Path) -> None:
        for path in loaded.bundle.folder.iterdir():
            if path.is_file() and path.name not in _TRAINING_FILES:
                shutil.copyfile(path, folder / path.name)
        if target == "saved_model":
            _write_saved_model(loaded, folder / "saved_model")
        elif quantize:
            _quantize(folder)
            measured = _cost(loaded, folder, data, chosen) if data else {}
            facts["metrics"] = measured.get("int8", {})  # those of the original are not those of this one
            card = _card(output.name, loaded.bundle.name, measured, data)
            (folder / "README.md").write_text(card, encoding="utf-8")

    write_bundle(output.absolute(), facts, write, overwrite)
    click.echo(output)


def _write_saved_model(model: Model, folder: Path) -> None:
    keras_model = model.keras_model()
    from rnn_apps.layers.paths import generic_path

    with generic_path():
        keras_model.export(folder, verbose=False)


def _quantize(folder: Path) -> None:
    start_tensorflow("Storing weights in 8 bits")
    from rnn_apps.export.quantization import quantize_graphs

    shared = folder / SHARED_WEIGHTS
    quantize_graphs(sorted(folder.glob("*.onnx")), shared if shared.exists() else None)


def _cost(loaded: Model, folder: Path, data: tuple[Path, ...], columns: Columns) -> dict[str, dict[str, float]]:
    """Measures the original and what is in a folder on labelled data; returns metrics by these names."""
    source = file_source(loaded.task, data, columns=columns)
    small = Model(Bundle(folder, loaded.bundle.manifest))
    reporter = Reporter()
    return {
        "original": loaded.evaluate(reporter.track(source, "evaluating the original"))[1],
        "int8": small.evaluate(reporter.track(source, "evaluating the export"))[1],
    }


def _card(name: str, original: str, measured: dict[str, dict[str, float]], data: tuple[Path, ...]) -> str:
    """What the export says of itself, as Markdown."""
    begin = f"# {name}\n\nThe model `{original}` with weights in 8 bits: whole numbers, and a scale for each row.\n\n"
    if not measured:
        return begin + (
            "What that costs in quality was not measured. `rnnapps export MODEL --quantize int8 --data FILE` does.\n"
        )
    rows = [
        f"| {metric} | {value:.4f} | {measured['int8'][metric]:.4f} |" for metric, value in measured["original"].items()
    ]
    files = ", ".join(path.name for path in data)
    return begin + "\n".join(
        [f"Measured on {files}:", "", f"| metric | `{original}` | in 8 bits |", "| --- | --- | --- |", *rows, ""]
    )
