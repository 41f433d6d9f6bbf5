"""Several saved models as one bundle whose answers are averaged: an ensemble."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnn_apps.bundle import KERAS_MODEL, MANIFEST, write_bundle
from rnn_apps.errors import ConfigError
from rnn_apps.inference.classification import ClassPredictor
from rnn_apps.model import MEMBERS, Model

_LEFT_OUT = {
    KERAS_MODEL,
    MANIFEST,
    "history.csv",
    "learning_curves.png",
    "reliability.png",
    "training.npz",
    "README.md",
}


def check_members(models: Sequence[Model]) -> None:
    """Makes sure that models can be joined.

    Raises:
        ConfigError: saying what they have not in common.
    """
    if len(models) < 2:
        raise ConfigError(f"Expected two models or more to join. Received: {len(models)}.")
    first = models[0]
    for model in models:
        name = model.bundle.name
        if model.bundle.manifest.get(MEMBERS):
            raise ConfigError(f"'{name}' is joined itself. Join the models that it is made of.")
        if model.task.name != first.task.name:
            raise ConfigError(
                f"Expected models of one task. '{first.bundle.name}' solves '{first.task.name}', '{name}' "
                f"'{model.task.name}'."
            )
        if not isinstance(model.predictor, ClassPredictor) or not isinstance(first.predictor, ClassPredictor):
            other = name if not isinstance(model.predictor, ClassPredictor) else first.bundle.name
            raise ConfigError(f"Models that pick one class can be joined. '{other}' ({model.task.name}) does not.")
        ours, theirs = sorted(first.predictor.class_names), sorted(model.predictor.class_names)
        if ours != theirs:
            raise ConfigError(
                f"Expected models with the same classes. '{first.bundle.name}' has {', '.join(ours)}; '{name}' has "
                f"{', '.join(theirs)}."
            )


def join(models: Sequence[Model], output: Path, overwrite: bool = False) -> Model:
    """Writes models as one: what each needs to answer, and nothing of its training.

    Args:
        models: two or more of one task that picks a class, with the same classes.
        output: folder of the new bundle.
        overwrite: replace a bundle that is there.

    Raises:
        ConfigError: if they cannot be joined.
        OutputError: if the output exists and may not be replaced, or cannot be written.
    """
    check_members(models)
    first = models[0].bundle.manifest
    names = [model.bundle.name for model in models]
    digests = [model.bundle.manifest["sha256"] for model in models]
    left_out = ("format", "files", "sha256", "fingerprint", "start", "report", "exported")
    facts: dict[str, Any] = {key: value for key, value in first.items() if key not in left_out}
    facts |= {
        "parameters": sum(model.bundle.manifest["parameters"] for model in models),
        "metrics": {},  # those of the members are not those of this one
        MEMBERS: [{"name": name, "sha256": digest} for name, digest in zip(names, digests, strict=True)],
    }

    def write(folder: Path) -> None:
        for number, model in enumerate(models):
            _copy(model, folder / MEMBERS / str(number))
        (folder / "README.md").write_text(_card(output.name, names), encoding="utf-8")

    return Model(write_bundle(output, facts, write, overwrite))


def _copy(model: Model, folder: Path) -> None:
    """A member as a bundle of its own, with what prediction needs."""
    kept = {key: value for key, value in model.bundle.manifest.items() if key not in ("format", "files", "sha256")}
    kept["exported"] = {"from": model.bundle.name, "format": "onnx", "quantize": None}

    def write(target: Path) -> None:
        for path in model.bundle.folder.iterdir():
            if path.is_file() and path.name not in _LEFT_OUT:
                shutil.copyfile(path, target / path.name)

    write_bundle(folder, kept, write)


def _card(name: str, members: Sequence[str]) -> str:
    listed = "".join(f"- `{member}`\n" for member in members)
    return (
        f"# {name}\n\n{len(members)} models as one: their calibrated probabilities are averaged, so an answer costs as "
        f"much as those of all together.\n\n{listed}\nWhat each was trained on, and how, is said by its own card. How "
        f"good they are together: `rnnapps evaluate {name} --data FILE`.\n"
    )
