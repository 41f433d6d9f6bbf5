"""Settings of a task: three sections, read from TOML, changed one by one, checked by pydantic.

seed                  one number that everything random follows from
half_precision        whether a saved model rounds its weights to float16, which halves it
[model]               what is built       (each task declares its own)
[training]            how it is trained   (`TrainingConfig`, the same for every task)
[data]                how data is prepared (`DataConfig`, extended by a task)
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from rnn_apps.errors import ConfigError, did_you_mean

CellName = Literal["lstm", "gru", "simple_rnn"]
"""Names of the recurrent cells, those of `rnn_apps.layers.CELLS`."""
FrozenName = Literal["embedding", "encoder"]
"""What can be frozen: the vectors of tokens, and the recurrent layers."""


class Section(BaseModel):
    """A group of settings; an unknown name is an error and values do not change after checking."""

    # a model that only answers never checks settings
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), defer_build=True)


class ClippingConfig(Section):
    """How gradients are kept from exploding; see `rnn_apps.training.clipping` for the equations."""

    kind: Literal["none", "value", "norm", "global_norm", "adaptive"] = "global_norm"
    threshold: PositiveFloat = 1.0


class LoopConfig(Section):
    """How weights are learnt, whatever from.

    Attributes:
        epochs: passes over the training examples at most.
        batch_size: examples in one step at most, over all devices.
        batch_tokens: time steps in one step at most, padding counted; a longer single example stands alone.
        learning_rate: peak of the schedule.
        schedule: what follows the warm-up: stay, or fall to zero at the last step along a line or a cosine.
        warmup: share of all steps in which the learning rate rises from zero.
        weight_decay: decoupled decay of AdamW, per step and unit of learning rate.
        clipping: gradient clipping.
        adversarial: how far what the first recurrent layers read is moved to where the loss grows, as a share of its
            length; 0 for not at all (see `rnn_apps.training.adversarial`).
        layer_decay: the learning rate of a layer as a share of that of the layer above it.
        average: share of the running average of the weights that each step keeps; 0 for no average. With one it is the
            average that is validated and saved.
        patience: epochs without improvement on the validation part before training stops.
        checkpoint_seconds: time between two checkpoints; one is always written after an epoch.
    """

    epochs: PositiveInt = 10
    batch_size: PositiveInt = 64
    batch_tokens: PositiveInt = 16384
    learning_rate: PositiveFloat = 1e-3
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    warmup: float = Field(default=0.05, ge=0.0, lt=1.0)
    weight_decay: NonNegativeFloat = 0.0
    clipping: ClippingConfig = ClippingConfig()
    adversarial: NonNegativeFloat = 0.0
    layer_decay: float = Field(default=1.0, gt=0.0, le=1.0)
    average: float = Field(default=0.0, ge=0.0, lt=1.0)
    patience: PositiveInt = 3
    checkpoint_seconds: NonNegativeFloat = 60.0


class TrainingConfig(LoopConfig):
    """How a model is trained.

    Attributes:
        window: steps after which backpropagation through time is cut and the state is carried over, for models that
            take part (see `rnn_apps.data.windows`); 0 never cuts.
        class_weights: how much an example of each class counts: 1 each where left out, "balanced" for the inverse of
            how frequent the class is, or a table of weights by class, 1 for those that it does not name.
        sampling: "balanced" draws examples anew in each epoch, of each class as many.
        freeze: layers whose weights stay as they are, where a run goes on from a saved model: "embedding", "encoder".
        keep: share of the weights that such a run goes on from, in those that it ends with (Wortsman et al.,
            arXiv:2109.01903, section 2).
    """

    window: NonNegativeInt = 0
    class_weights: Literal["balanced"] | dict[str, PositiveFloat] | None = None
    sampling: Literal["as they are", "balanced"] = "as they are"
    freeze: tuple[FrozenName, ...] = ()
    keep: float = Field(default=0.0, ge=0.0, le=1.0)


class DataConfig(Section):
    """How data is prepared.

    Attributes:
        validation_fraction: share of the examples that is held out where no validation data is given.
        folds: so many parts, of which one is held out instead; 0 for a part of that share.
        fold: which one, from 1.
    """

    beginnings: ClassVar[frozenset[str]] = frozenset()
    """Settings of what only a model from nothing begins with, not one that goes on from another."""

    validation_fraction: float = Field(default=0.1, gt=0.0, lt=1.0)
    folds: NonNegativeInt = 0
    fold: NonNegativeInt = 0

    @model_validator(mode="after")
    def _one_of_the_folds(self) -> DataConfig:
        """Makes sure that what is held out is one of the parts."""
        if (self.folds, self.fold) != (0, 0) and not (self.folds > 1 and 1 <= self.fold <= self.folds):
            raise ValueError("fold is one of the folds, from 1, and there are two or more; --folds takes each in turn")
        return self


class TaskConfig(Section):
    """All settings of one task; a task derives from it and types `model` (and `data`) with its own sections."""

    seed: NonNegativeInt = 0
    half_precision: bool = True
    model: Section = Section()
    training: TrainingConfig = TrainingConfig()
    pretraining: LoopConfig = LoopConfig(epochs=1, learning_rate=3e-3, schedule="linear", batch_tokens=12800)
    data: DataConfig = DataConfig()


ConfigT = TypeVar("ConfigT", bound=TaskConfig)


def load_config(
    config_class: type[ConfigT],
    file: Path | None = None,
    settings: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
) -> ConfigT:
    """Builds the settings of a task from its defaults, a TOML file, a mapping and single settings, later ones winning.

    Args:
        config_class: the task's `Config`.
        file: a TOML file with any of the sections.
        settings: strings of the form `section.name=value`, with the value in TOML notation (quotes may be left out).
        values: a nested mapping, for use from Python.
        base: a nested mapping in the place of the defaults, such as the settings of a saved model.

    Raises:
        ConfigError: naming every setting that is unknown or has a wrong value.
    """
    merged = config_class().model_dump()  # a task's sections have defaults of their own
    if base is not None:
        _merge(merged, base)
    if file is not None:
        _merge(merged, _read_toml(file))
    if values is not None:
        if not isinstance(values, Mapping):
            raise ConfigError(
                "Expected settings as a mapping of mappings, such as {'training': {'epochs': 3}}. "
                f"Received: {type(values).__name__}."
            )
        _merge(merged, values)
    for setting in settings:
        _merge(merged, _parse_setting(setting))
    try:
        return config_class.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, config_class)) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {file}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"Expected a TOML file with [model], [training] and [data]. {file}: {error}") from None


def _parse_setting(setting: str) -> dict[str, Any]:
    path, equals, text = setting.partition("=")
    if not equals or not path.strip():
        raise ConfigError(f"Expected a setting of the form section.name=value. Received: '{setting}'")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for name in reversed(path.strip().split(".")):
        value = {name: value}
    return dict(value)


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for name, value in source.items():
        if isinstance(value, Mapping):
            part = target.get(name)
            target[name] = part if isinstance(part, dict) else {}
            _merge(target[name], value)
        else:
            target[name] = value


def _explain(error: ValidationError, config_class: type[BaseModel]) -> str:
    lines = []
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        name = ".".join(path)
        if problem["type"] == "extra_forbidden":
            known = list(_section(config_class, path[:-1]).model_fields)
            hint = did_you_mean(path[-1], known) or f" Known here: {', '.join(known)}."
            lines.append(f"There is no setting '{name}'.{hint}")
        else:
            lines.append(f"Setting '{name}': {problem['msg'].lower()}. Received: {problem['input']!r}")
    return "\n".join(lines)


def _section(config_class: type[BaseModel], path: Iterable[str]) -> type[BaseModel]:
    for name in path:
        annotation = config_class.model_fields[name].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        config_class = annotation
    return config_class
