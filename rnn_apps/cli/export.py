"""`rnnapps export MODEL`: a saved model for other programs."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import click

from rnn_apps.bundle import MANIFEST, SHARED_WEIGHTS, write_bundle
from rnn_apps.errors import ConfigError
from rnn_apps.model import Model, load

# What only the full bundle has: the Keras model and the story of its training.
_TRAINING_FILES = {MANIFEST, "model.keras", "history.csv", "learning_curves.png", "reliability.png", "README.md"}


@click.command("export")
@click.argument("model")
@click.option(
    "--format",
    "target",
    type=click.Choice(["onnx", "saved_model"]),
    default="onnx",
    show_default=True,
    help="What to write.",
)
@click.option("--quantize", type=click.Choice(["int8"]), help="Store the weights of the ONNX graph in 8 bits.")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Default: MODEL-FORMAT here.")
@click.option("--overwrite", is_flag=True, help="Replace an export that is there.")
def command(model: str, target: str, quantize: str | None, output: Path | None, overwrite: bool) -> None:
    """Write the saved MODEL for other programs: what prediction needs, and nothing of its training.

    "onnx" is a smaller bundle that rnnapps predicts with, too; with --quantize int8 the answers change a little, so
    measure it with rnnapps evaluate. "saved_model" adds a TensorFlow SavedModel for TensorFlow Serving.
    """
    if quantize and target != "onnx":
        raise ConfigError(f"--quantize int8 is for --format onnx. Received: --format {target}")
    loaded = load(model)
    output = output or Path(f"{loaded.bundle.name}-{quantize or target}")
    facts = {name: value for name, value in loaded.bundle.manifest.items() if name not in ("format", "files")}
    facts["exported"] = {"from": loaded.bundle.name, "format": target, "quantize": quantize}
    if quantize:
        facts["metrics"] = {}  # those of the original are not those of this one

    def write(folder: Path) -> None:
        for path in loaded.bundle.folder.iterdir():
            if path.is_file() and path.name not in _TRAINING_FILES:
                shutil.copyfile(path, folder / path.name)
        if target == "saved_model":
            _write_saved_model(loaded, folder / "saved_model")
        elif quantize:
            _quantize(loaded, folder)

    write_bundle(output.absolute(), facts, write, overwrite)
    click.echo(output)


def _write_saved_model(model: Model, folder: Path) -> None:
    keras_model = model.keras_model()
    from rnn_apps.layers.paths import generic_path

    with generic_path():
        keras_model.export(folder, verbose=False)


def _quantize(model: Model, folder: Path) -> None:
    keras_model = model.keras_model()
    graphs = model.task.new_network().graphs(keras_model)
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from rnn_apps.export import to_onnx

    logging.getLogger().setLevel(logging.ERROR)  # it recommends a preparation that these graphs do not need
    (folder / SHARED_WEIGHTS).unlink(missing_ok=True)  # every graph has its own, in 8 bits
    for graph in graphs:
        path = folder / f"{graph.name}.onnx"
        path.write_bytes(to_onnx(graph.model).SerializeToString())
        quantize_dynamic(path, path, weight_type=QuantType.QInt8)
